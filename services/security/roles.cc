#include "services/security/roles.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

constexpr char kAnyMethod[] = "*";

// As a line of the access file can hold it.
bool IsWord(absl::string_view method) {
  const auto ends_word = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '#'; };
  return !method.empty() && std::none_of(method.begin(), method.end(), ends_word);
}

}  // namespace

absl::StatusOr<Roles> Roles::Parse(absl::string_view text) {
  Roles roles;
  for (absl::string_view word : absl::StrSplit(text, ',')) {
    absl::string_view method = word;
    if (word == "read") {
      roles.read_ = true;
    } else if (word == "write") {
      roles.write_ = true;
    } else if (word == "admin") {
      roles.admin_ = true;
    } else if (absl::ConsumePrefix(&method, "call:") && IsWord(method)) {
      roles.methods_.insert(std::string(method));
    } else {
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ROLE",
                       absl::StrCat("'", word, "' is no role: read, write, admin, call:METHOD or call:*"));
    }
  }
  return roles;
}

Roles Roles::All() {
  Roles roles;
  roles.admin_ = true;
  return roles;
}

bool Roles::May(Right right) const {
  switch (right) {
    case Right::kRead:
      return read_ || admin_;
    case Right::kWrite:
      return write_ || admin_;
    case Right::kAdmin:
      return admin_;
    case Right::kCalls:
      return read_ || admin_ || !methods_.empty();
  }
  return false;
}

bool Roles::MayCall(absl::string_view method) const {
  return admin_ || methods_.count(kAnyMethod) > 0 || methods_.count(method) > 0;
}

absl::string_view NameOf(Right right) {
  switch (right) {
    case Right::kRead:
      return "read";
    case Right::kWrite:
      return "write";
    case Right::kAdmin:
      return "admin";
    case Right::kCalls:
      return "read or call:METHOD";
  }
  return "";
}

}  // namespace lamppost::security
