// Who a caller is, by the certificate or the token that he shows, and what he may do. No gRPC here.
#ifndef LAMPPOST_SERVICES_SECURITY_POLICY_H_
#define LAMPPOST_SERVICES_SECURITY_POLICY_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/security/access_list.h"
#include "services/security/certificate.h"
#include "services/security/identity.h"
#include "services/security/roles.h"

namespace lamppost::security {

// What a caller shows.
struct Credentials {
  std::string certificates;          // PEM, his own first; empty: none
  std::optional<std::string> token;  // it goes before the certificate
};

struct Caller {
  Identity identity;
  Roles roles;
};

// What has been read from the files of one moment. Thread-safe.
class Policy {
 public:
  // Without a list of users whoever has a user's certificate may do everything, and there are no tokens.
  Policy(Authorities authorities, std::optional<AccessList> access)
      : authorities_(std::move(authorities)), access_(std::move(access)) {}

  // UNAUTHENTICATED: CREDENTIALS_MISSING, TOKEN_UNKNOWN, and Authorities::Verify's.
  // PERMISSION_DENIED (USER_UNKNOWN): the certificate's user is not in the list.
  absl::StatusOr<Caller> Identify(const Credentials& credentials, absl::Time now) const;

 private:
  absl::StatusOr<Caller> ByToken(absl::string_view token) const;
  absl::StatusOr<Identity> ByCertificate(const std::string& certificates, absl::Time now) const;
  absl::StatusOr<Roles> RolesOf(const Identity& identity) const;

  static constexpr size_t kVerifiedMax = 1024;

  const Authorities authorities_;
  const std::optional<AccessList> access_;
  mutable absl::Mutex mutex_;
  // Those that have been found good, so that a certificate is not verified anew with each call.
  mutable absl::flat_hash_map<std::string, Authorities::Verified> verified_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_POLICY_H_
