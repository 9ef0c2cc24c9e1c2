// What callers may be allowed to do.
#ifndef LAMPPOST_SERVICES_SECURITY_ROLES_H_
#define LAMPPOST_SERVICES_SECURITY_ROLES_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::security {

// What a call wants. A function's call wants its name as well, see Roles::MayCall.
enum class Right {
  kRead,   // keys, and what a server tells of itself
  kWrite,  // keys
  kAdmin,  // members, conflicts, snapshots, traces and faults
  kCalls,  // ask for outcomes and list functions: whoever may read, or call anything
};

class Roles {
 public:
  // "read,write,call:add": read, write, admin, call:METHOD and call:*, separated by commas. INVALID_ARGUMENT
  // (BAD_ROLE) names what is none.
  static absl::StatusOr<Roles> Parse(absl::string_view text);
  static Roles All();

  // An admin may do everything; write does not include read.
  bool May(Right right) const;
  bool MayCall(absl::string_view method) const;

 private:
  bool read_ = false;
  bool write_ = false;
  bool admin_ = false;
  std::set<std::string, std::less<>> methods_;  // "*" is any
};

// The role that gives it: "read", "write", "admin", "read or call:METHOD".
absl::string_view NameOf(Right right);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_ROLES_H_
