// Addresses as operators and clients write them: --listen, --peers, --node, --server.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/server_target.h"
#include "services/common/listen_address.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

// What is taken is understood in the same way when it is written out, and can be handed to gRPC.
void CheckAddress(const Address& address, int port_min) {
  FUZZ_CHECK(address.port >= port_min && address.port <= 65535, "a port out of range was taken");
  FUZZ_CHECK(!address.host.empty(), "an address without a host was taken");
  FUZZ_CHECK(address.host.find_first_of("\0/, \t\r\n[]@%"
                                        "\x7f",
                                        0, 12) == std::string::npos,
             "a host has a character in it that means something else");
  FUZZ_CHECK(!address.Target().empty(), "an address without a target was taken");
  IsLoopback(address.host);
  if (address.port == 0) return;
  const absl::StatusOr<Address> again = ParseAddress(address.HostPort());
  FUZZ_CHECK(again.ok(), "an address is refused in its own writing");
  FUZZ_CHECK(again->host == address.host && again->port == address.port, "an address has become another one");
  FUZZ_CHECK(again->Target() == address.Target(), "an address has got another target");
}

// Names would be looked up; here they are left out.
std::vector<Address> Numeric(const std::vector<Address>& servers) {
  std::vector<Address> numeric;
  for (const Address& server : servers) {
    if (!absl::StartsWith(server.Target(), "dns:")) numeric.push_back(server);
  }
  return numeric;
}

// Of several servers gRPC is given each one once, as the one that it is.
void CheckServerTarget(const std::vector<Address>& servers) {
  const bool accepted = client::CheckServers(servers).ok();
  FUZZ_CHECK(accepted || servers.size() > 1, "one server does not go together with itself");
  if (!accepted) return;
  const std::vector<Address> numeric = Numeric(servers);
  if (numeric.size() < 2) return;
  FUZZ_CHECK(client::CheckServers(numeric).ok(), "servers do not go together");
  const absl::StatusOr<std::string> target =
      client::ResolveTarget(numeric, std::chrono::system_clock::now() + std::chrono::seconds(1));
  FUZZ_CHECK(target.ok(), "servers were not looked up that need not be");
  const std::vector<std::string> parts = absl::StrSplit(target->substr(5), ',');
  FUZZ_CHECK(parts.size() <= numeric.size(), "more servers than were named");
  const std::string scheme = target->substr(0, 5);
  FUZZ_CHECK(scheme == "ipv4:" || scheme == "ipv6:", "a target of another kind");
  for (const std::string& part : parts) {
    const std::string server = client::ServerOfPeer(absl::StrCat(scheme, part));
    FUZZ_CHECK(ParseAddress(server).ok(), "a server is refused in its peer's writing");
    const bool named = std::any_of(numeric.begin(), numeric.end(), [&](const Address& each) {
      const bool mapped = absl::StartsWith(each.host, "::ffff:");
      return each.HostPort() == server || (mapped && ParseAddress(server)->port == each.port);
    });
    FUZZ_CHECK(named, "another server than was named");
  }
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  const absl::string_view text = fuzz::BytesOf(data, size);
  IsLoopback(text);
  client::ServerOfPeer(text);
  const absl::StatusOr<Address> one = ParseAddress(text);
  if (one.ok()) fuzz::CheckAddress(*one, 1);
  const absl::StatusOr<Address> listen = ParseListenAddress(text);
  if (listen.ok()) fuzz::CheckAddress(*listen, 0);
  const absl::StatusOr<std::vector<Address>> list = ParseAddresses(text);
  FUZZ_CHECK(list.ok() || !one.ok(), "an address is not a list of one");
  if (!list.ok()) return 0;
  FUZZ_CHECK(!list->empty() && list->size() <= kAddressesMax, "a list has none or too many");
  for (const Address& address : *list) fuzz::CheckAddress(address, 1);
  fuzz::CheckServerTarget(*list);
  return 0;
}
