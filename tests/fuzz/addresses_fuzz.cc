// Addresses as operators and clients write them: --listen, --peers, --node.
#include <string>
#include <vector>

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

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  const absl::string_view text = fuzz::BytesOf(data, size);
  IsLoopback(text);
  const absl::StatusOr<Address> one = ParseAddress(text);
  if (one.ok()) fuzz::CheckAddress(*one, 1);
  const absl::StatusOr<Address> listen = ParseListenAddress(text);
  if (listen.ok()) fuzz::CheckAddress(*listen, 0);
  const absl::StatusOr<std::vector<Address>> list = ParseAddresses(text);
  FUZZ_CHECK(list.ok() || !one.ok(), "an address is not a list of one");
  if (!list.ok()) return 0;
  FUZZ_CHECK(!list->empty() && list->size() <= kAddressesMax, "a list has none or too many");
  for (const Address& address : *list) fuzz::CheckAddress(address, 1);
  return 0;
}
