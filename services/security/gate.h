// Lets callers in by what they show: gRPC's view of a Policy.
#ifndef LAMPPOST_SERVICES_SECURITY_GATE_H_
#define LAMPPOST_SERVICES_SECURITY_GATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "services/security/policy.h"
#include "services/security/refusal_log.h"

namespace lamppost::security {

// Each refusal is logged, once. Beside Policy::Identify's errors there are, all of them PERMISSION_DENIED,
// ROLE_MISSING, NOT_A_NODE and NODE_MISMATCH. Thread-safe.
class Gate {
 public:
  using Context = grpc::CallbackServerContext;

  explicit Gate(std::shared_ptr<const Policy> policy) : policy_(std::move(policy)) {}

  // For calls from now on, and what asks again (permit.h).
  void Replace(std::shared_ptr<const Policy> policy);
  // Another one after each Replace; above 0.
  uint64_t policy_number() const { return policy_number_.load(std::memory_order_acquire); }

  absl::Status Authorize(const Context& context, Right right);
  absl::Status AuthorizeFunction(const Context& context, absl::string_view method);
  // UNAUTHENTICATED (PLAIN_TEXT): for those who speak plain text at the TLS port.
  absl::Status RefusePlainText(const Context& context);
  // The id of the node whose certificate it is.
  absl::StatusOr<std::string> AuthorizeNode(const Context& context);
  // Whether what a peer has shown, which this server has called, still is a node's certificate. Not logged:
  // who has called tells of it.
  absl::Status VerifyNode(const grpc::AuthContext& peer) const;
  // Whether the node that is certified may speak for the one that its message names.
  absl::Status CheckSender(const Context& context, absl::string_view certified, absl::string_view named);

 private:
  std::shared_ptr<const Policy> policy() const;
  absl::StatusOr<Caller> Identify(const Context& context);
  absl::Status Refuse(const Context& context, const absl::Status& refusal);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const Policy> policy_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> policy_number_{1};
  RefusalLog log_;
};

// What a connection's other end has shown; empty without TLS.
std::string CertificatesOf(const grpc::AuthContext& context);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_GATE_H_
