// Which users there are, what they may do, and by which token each is known: the file of --access-file.
//
//   # name  roles            token, hashed; none: known by certificate alone
//   ops     admin
//   alice   read,write       sha256:fb0ff18772956ab05eab61b5a6c03c4ccb57676b91824de300fa4211dd5fb50b
//   jobs    read,call:add    sha256:…
//
// One user a line; what follows a # is a comment. A user who is not in the file may do nothing.
#ifndef LAMPPOST_SERVICES_SECURITY_ACCESS_LIST_H_
#define LAMPPOST_SERVICES_SECURITY_ACCESS_LIST_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/security/roles.h"
#include "services/security/token.h"

namespace lamppost::security {

inline constexpr size_t kUsersMax = 1000;
inline constexpr size_t kAccessFileBytesMax = size_t{1} << 20;

// Immutable, and so thread-safe.
class AccessList {
 public:
  struct User {
    std::string name;
    Roles roles;
    std::optional<TokenHash> token;
  };

  // INVALID_ARGUMENT (BAD_ACCESS_FILE): names the line and what is wrong, and no token.
  static absl::StatusOr<AccessList> Parse(absl::string_view text);

  // Null if there is none. Lives as long as the list.
  const User* FindByName(absl::string_view name) const;
  // Compares with every user's token, whichever fits.
  const User* FindByToken(absl::string_view token) const;
  size_t size() const { return users_.size(); }

 private:
  std::map<std::string, User, std::less<>> users_;
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_ACCESS_LIST_H_
