#include "services/rpc/storage/etcd_address.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr char kScheme[] = "etcd://";
constexpr size_t kNameBytesMax = 63;

absl::Status Bad(absl::string_view wrong) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ADDRESS",
                   absl::StrCat("request store: ", wrong,
                                "; accepted is etcd://host:2379,host2:2379, and /NAME behind it"));
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

}  // namespace

bool IsEtcdAddress(absl::string_view text) {
  return absl::StartsWith(text, "etcd:");
}

absl::StatusOr<EtcdAddress> ParseEtcdEndpoints(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kScheme)) return Bad("the address does not begin with etcd://");
  EtcdAddress address;
  const size_t slash = text.find('/');
  if (slash != absl::string_view::npos) {
    const absl::string_view name = text.substr(slash + 1);
    if (!name.empty()) address.name = std::string(name);
    text = text.substr(0, slash);
  }
  if (address.name.size() > kNameBytesMax ||
      !std::all_of(address.name.begin(), address.name.end(), IsNameCharacter)) {
    return Bad("a name is up to 63 letters, digits, '-', '_' and '.'");
  }
  absl::StatusOr<std::vector<Address>> endpoints = ParseAddresses(text);
  if (!endpoints.ok()) return Bad(endpoints.status().message());
  address.endpoints = *std::move(endpoints);
  return address;
}

}  // namespace lamppost::rpc
