// A server's TLS: its credentials and its gate, both of which follow the files.
#ifndef LAMPPOST_SERVICES_SECURITY_SERVER_TLS_H_
#define LAMPPOST_SERVICES_SECURITY_SERVER_TLS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "services/security/file_watch.h"
#include "services/security/gate.h"
#include "services/security/identity.h"
#include "services/security/tls_files.h"

namespace lamppost::security {

// Thread-safe.
class ServerTls {
 public:
  // self: whom the certificate has to name; an empty name stands for any of the kind. Errors:
  // ReadServerFiles's; FAILED_PRECONDITION (CERTIFICATE_OF_ANOTHER).
  static absl::StatusOr<std::unique_ptr<ServerTls>> Open(const TlsFiles& files, const Identity& self);

  const std::shared_ptr<grpc::ServerCredentials>& server_credentials() const { return server_credentials_; }
  Gate* gate() { return &gate_; }
  // When its certificate ends.
  absl::Time not_after() const { return absl::FromUnixSeconds(not_after_unix_s_.load()); }
  // See MakePeerCredentials.
  std::shared_ptr<grpc::ChannelCredentials> NewPeerCredentials() const;

 private:
  ServerTls(TlsFiles files, Identity self, std::vector<FileWatch::Mark> seen, const ServerMaterial& material);
  bool Reload();  // false: something cannot be used
  void WarnOfExpiry();

  const TlsFiles files_;
  const Identity self_;
  const std::shared_ptr<grpc::ServerCredentials> server_credentials_;
  Gate gate_;
  std::atomic<int64_t> not_after_unix_s_;
  absl::Time warned_ = absl::InfinitePast();  // of the watch's thread, as the next
  absl::Status unusable_;                     // told of already
  std::optional<FileWatch> watch_;            // the last, so that it ends first
};

// Of a call's or connection's other end, whose chain gRPC has verified. UNAUTHENTICATED
// (CERTIFICATE_WITHOUT_IDENTITY) if it names nobody.
absl::StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_SERVER_TLS_H_
