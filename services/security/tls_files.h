// The files by which a program shows who it is, and knows others. Read as a whole and checked, so that what
// is wrong is said in so many words rather than by a handshake that fails.
#ifndef LAMPPOST_SERVICES_SECURITY_TLS_FILES_H_
#define LAMPPOST_SERVICES_SECURITY_TLS_FILES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/security/identity.h"
#include "services/security/policy.h"

namespace lamppost::security {

// Paths; an empty one is not given.
struct TlsFiles {
  std::string certificate;  // PEM: one's own, and what leads from it to an authority
  std::string key;          // PEM, not encrypted
  std::string authorities;  // PEM: who signs the certificates of others
  std::string access;       // see access_list.h

  bool empty() const { return certificate.empty() && key.empty() && authorities.empty() && access.empty(); }
};

// What a server has read.
struct ServerMaterial {
  std::optional<Identity> identity;  // its certificate's, if that names one
  absl::Time not_after;              // of its certificate
  std::shared_ptr<const Policy> policy;
};

// Errors (TLS_FILE_UNUSABLE, INVALID_ARGUMENT) name the file; no secret is in them.
absl::StatusOr<ServerMaterial> ReadServerFiles(const TlsFiles& files);

// The same of a client, who may lack all of them; of certificate and key he has both or none.
struct ClientMaterial {
  std::string certificate;
  std::string key;
  std::string authorities;  // empty: those that the system knows
};
absl::StatusOr<ClientMaterial> ReadClientFiles(const TlsFiles& files);

// A file's whole text. NOT_FOUND, PERMISSION_DENIED, …: with the path.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_TLS_FILES_H_
