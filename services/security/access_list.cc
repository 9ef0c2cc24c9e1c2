#include "services/security/access_list.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/error.h"
#include "services/security/identity.h"

namespace lamppost::security {
namespace {

absl::Status BadFile(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ACCESS_FILE", what);
}

absl::StatusOr<AccessList::User> ParseUser(const std::vector<absl::string_view>& words) {
  if (words.size() < 2 || words.size() > 3)
    return BadFile("a line is a name, roles and, if there is one, a token's hash");
  AccessList::User user;
  user.name = std::string(words[0]);
  if (absl::Status status = CheckIdentityName(words[0]); !status.ok()) return status;
  absl::StatusOr<Roles> roles = Roles::Parse(words[1]);
  if (!roles.ok()) return roles.status();
  user.roles = *std::move(roles);
  if (words.size() < 3) return user;
  absl::StatusOr<TokenHash> token = TokenHash::Parse(words[2]);
  if (!token.ok()) return token.status();
  user.token = *token;
  return user;
}

}  // namespace

absl::StatusOr<AccessList> AccessList::Parse(absl::string_view text) {
  if (text.size() > kAccessFileBytesMax)
    return BadFile(absl::StrCat("it is above ", kAccessFileBytesMax, " bytes"));
  AccessList list;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = line.substr(0, line.find('#'));
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty()) continue;
    absl::StatusOr<User> user = ParseUser(words);
    if (!user.ok()) return BadFile(absl::StrCat("line ", number, ": ", user.status().message()));
    const std::string name = user->name;
    if (!list.users_.emplace(name, *std::move(user)).second)
      return BadFile(absl::StrCat("line ", number, ": user ", name, " is there twice"));
    if (list.users_.size() > kUsersMax)
      return BadFile(absl::StrCat("it has more than ", kUsersMax, " users"));
  }
  return list;
}

const AccessList::User* AccessList::FindByName(absl::string_view name) const {
  const auto it = users_.find(name);
  return it == users_.end() ? nullptr : &it->second;
}

const AccessList::User* AccessList::FindByToken(absl::string_view token) const {
  const TokenHash hash = TokenHash::Of(token);
  const User* found = nullptr;
  for (const auto& [name, user] : users_) {
    if (user.token && user.token->Equals(hash)) found = &user;
  }
  return found;
}

}  // namespace lamppost::security
