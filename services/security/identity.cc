#include "services/security/identity.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

constexpr absl::string_view kScheme = "lamppost://";
constexpr size_t kNameBytesMax = 64;
constexpr std::pair<Identity::Kind, absl::string_view> kKinds[] = {
    {Identity::Kind::kNode, "node"}, {Identity::Kind::kServer, "server"}, {Identity::Kind::kUser, "user"}};

absl::string_view NameOf(Identity::Kind kind) {
  for (const auto& [each, name] : kKinds) {
    if (each == kind) return name;
  }
  return "";
}

}  // namespace

std::string Identity::Text() const {
  return absl::StrCat(NameOf(kind), " ", name);
}

std::string Identity::Uri() const {
  return absl::StrCat(kScheme, NameOf(kind), "/", name);
}

absl::Status CheckIdentityName(absl::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_IDENTITY",
                   absl::StrCat("a name has 1 to ", kNameBytesMax, " of A-Z a-z 0-9 . _ -"));
}

absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri) {
  if (absl::ConsumePrefix(&uri, kScheme)) {
    for (const auto& [kind, name] : kKinds) {
      absl::string_view rest = uri;
      if (!absl::ConsumePrefix(&rest, name) || !absl::ConsumePrefix(&rest, "/")) continue;
      if (CheckIdentityName(rest).ok()) return Identity{kind, std::string(rest)};
    }
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_IDENTITY",
                   "an identity is lamppost://node/ID, lamppost://server/NAME or lamppost://user/NAME");
}

}  // namespace lamppost::security
