#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/chaos/network.h"
#include "tests/integration/testing/link_proxy.h"
#include "tests/integration/testing/ports.h"

namespace lamppost::chaos {
namespace {

using testing::LinkProxy;
using Mode = LinkProxy::Mode;

constexpr absl::Duration kSlowDelay = absl::Milliseconds(300);

// Each node opens a connection to each other one, through a proxy of its own: bytes flow on it both ways.
class ProxyNetwork final : public Network {
 public:
  absl::Status Start(int nodes) {
    for (int node = 0; node < nodes; ++node) {
      const absl::StatusOr<int> port = testing::ReservePort();
      if (!port.ok()) return port.status();
      ports_.push_back(*port);
    }
    for (int to = 0; to < nodes; ++to) {
      for (int from = kClients; from < nodes; ++from) {
        if (from != to) links_[{from, to}] = std::make_unique<LinkProxy>(ports_[to]);
      }
    }
    return absl::OkStatus();
  }

  std::string name() const override { return "proxy"; }
  std::string slowness() const override {
    return absl::StrCat("each byte takes ", absl::FormatDuration(kSlowDelay));
  }

  Place PlaceOf(int node) const override {
    Place place;
    place.control_host = "127.0.0.1";
    place.port = ports_[node];
    place.client_address = absl::StrCat("127.0.0.1:", links_.at({kClients, node})->port());
    for (int other = 0; other < static_cast<int>(ports_.size()); ++other) {
      if (other == node) continue;
      place.peers.push_back(absl::StrCat("http://127.0.0.1:", links_.at({node, other})->port()));
    }
    return place;
  }

  absl::Status Apply(const std::vector<LinkFault>& faults) override {
    for (const auto& [ends, link] : links_) {
      const auto [from, to] = ends;
      const bool cut =
          Has(faults, LinkFault::Kind::kReject, from, to) || Has(faults, LinkFault::Kind::kReject, to, from);
      const bool slow =
          Has(faults, LinkFault::Kind::kSlow, from, to) || Has(faults, LinkFault::Kind::kSlow, to, from);
      Mode mode = Mode::kOpen;
      if (cut) {
        mode = Mode::kCut;
      } else if (Has(faults, LinkFault::Kind::kDrop, from, to)) {
        mode = Mode::kStalled;
      } else if (Has(faults, LinkFault::Kind::kDrop, to, from)) {
        mode = Mode::kMute;
      }
      link->SetMode(mode);
      link->SetDelay(slow ? kSlowDelay : absl::ZeroDuration());
    }
    return absl::OkStatus();
  }

 private:
  static bool Has(const std::vector<LinkFault>& faults, LinkFault::Kind kind, int from, int to) {
    for (const LinkFault& fault : faults) {
      if (fault.kind == kind && fault.from == from && fault.to == to) return true;
    }
    return false;
  }

  std::vector<int> ports_;
  std::map<std::pair<int, int>, std::unique_ptr<LinkProxy>> links_;  // by who opens it, to whom
};

}  // namespace

absl::StatusOr<std::unique_ptr<Network>> MakeProxyNetwork(int nodes) {
  auto network = std::make_unique<ProxyNetwork>();
  if (absl::Status status = network->Start(nodes); !status.ok()) return status;
  return network;
}

}  // namespace lamppost::chaos
