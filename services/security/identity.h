// Who is at the other end of a connection, as a certificate says.
#ifndef LAMPPOST_SERVICES_SECURITY_IDENTITY_H_
#define LAMPPOST_SERVICES_SECURITY_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::security {

// In a certificate it is a URI among the subject's alternative names: lamppost://node/A,
// lamppost://user/alice.
struct Identity {
  enum class Kind {
    kNode,    // of the store; the name is its --id
    kServer,  // of functions
    kUser,
  };

  Kind kind = Kind::kUser;
  std::string name;  // 1 to 64 of A-Z a-z 0-9 . _ -

  // "node A".
  std::string Text() const;
  std::string Uri() const;
};

inline bool operator==(const Identity& a, const Identity& b) {
  return a.kind == b.kind && a.name == b.name;
}

// INVALID_ARGUMENT (BAD_IDENTITY) for anything but what Uri gives.
absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri);

// Whether it may be a name: INVALID_ARGUMENT (BAD_IDENTITY) says why not.
absl::Status CheckIdentityName(absl::string_view name);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_IDENTITY_H_
