#include "clients/cpp/server_target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

using Deadline = std::chrono::system_clock::time_point;

// A slow name holds up the others for no longer.
constexpr auto kLookUpMax = std::chrono::seconds(2);

enum class IpVersion { k4, k6 };

struct IpAddress {
  IpVersion version;
  std::string text;
};

std::vector<IpAddress> LookUp(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<IpAddress> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const bool is_4 = each->ai_family == AF_INET;
    if (!is_4 && each->ai_family != AF_INET6) continue;
    const void* bytes =
        is_4 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(each->ai_addr)->sin_addr)
             : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(each->ai_addr)->sin6_addr);
    if (inet_ntop(each->ai_family, bytes, text, sizeof text) == nullptr) continue;
    addresses.push_back({is_4 ? IpVersion::k4 : IpVersion::k6, text});
  }
  freeaddrinfo(found);
  return addresses;
}

// What the look-ups have found so far, one place for each server.
struct Findings {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::vector<IpAddress>> addresses;  // guarded by mutex
  size_t missing = 0;                             // guarded by mutex
};

// The resolver cannot be called off, so each name has a thread that nobody waits for longer than he wants to;
// it ends when the resolver gives up.
void LookUpBeside(const std::shared_ptr<Findings>& findings, const std::string& host, size_t place) {
  std::thread([findings, host, place] {
    std::vector<IpAddress> addresses = LookUp(host);
    std::lock_guard<std::mutex> lock(findings->mutex);
    findings->addresses[place] = std::move(addresses);
    --findings->missing;
    findings->changed.notify_all();
  }).detach();
}

std::vector<std::vector<IpAddress>> LookUpAll(const std::vector<Address>& servers, Deadline deadline) {
  auto findings = std::make_shared<Findings>();
  findings->addresses.resize(servers.size());
  std::vector<size_t> names;
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string target = servers[i].Target();
    if (absl::StartsWith(target, "ipv4:")) {
      findings->addresses[i].push_back({IpVersion::k4, servers[i].host});
    } else if (absl::StartsWith(target, "ipv6:")) {
      findings->addresses[i].push_back({IpVersion::k6, servers[i].host});
    } else if (absl::EqualsIgnoreCase(servers[i].host, "localhost")) {
      // As servers take it. A machine without a hosts file cannot look it up.
      findings->addresses[i].push_back({IpVersion::k4, "127.0.0.1"});
    } else {
      names.push_back(i);
    }
  }
  findings->missing = names.size();
  for (const size_t i : names) LookUpBeside(findings, servers[i].host, i);
  std::unique_lock<std::mutex> lock(findings->mutex);
  findings->changed.wait_until(lock, std::min(deadline, std::chrono::system_clock::now() + kLookUpMax),
                               [&findings] { return findings->missing == 0; });
  return findings->addresses;
}

}  // namespace

absl::Status CheckServers(const std::vector<Address>& servers) {
  absl::string_view wrong;
  if (servers.empty()) wrong = "no server is named";
  for (const Address& server : servers) {
    if (server.scheme == AddressScheme::kDns && servers.size() > 1) {
      wrong = "dns:/// stands for all servers behind its name and takes no others beside it";
    }
  }
  if (wrong.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ADDRESS", wrong);
}

absl::StatusOr<std::string> ResolveTarget(const std::vector<Address>& servers, Deadline deadline) {
  if (servers.size() == 1) return servers[0].Target();
  const std::vector<std::vector<IpAddress>> found = LookUpAll(servers, deadline);
  bool any_6 = false;
  for (const std::vector<IpAddress>& addresses : found) {
    for (const IpAddress& address : addresses) any_6 = any_6 || address.version == IpVersion::k6;
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < servers.size(); ++i) {
    for (const IpAddress& address : found[i]) {
      const absl::string_view mapped = any_6 && address.version == IpVersion::k4 ? "::ffff:" : "";
      std::string part = any_6 ? absl::StrCat("[", mapped, address.text, "]:", servers[i].port)
                               : absl::StrCat(address.text, ":", servers[i].port);
      if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
    }
  }
  if (parts.empty()) {
    return MakeError(absl::StatusCode::kUnavailable, "NOT_CONNECTED", "no server's name could be looked up");
  }
  return absl::StrCat(any_6 ? "ipv6:" : "ipv4:", absl::StrJoin(parts, ","));
}

std::string ServerOfPeer(absl::string_view peer) {
  if (absl::StrContains(peer, ',')) return "";
  if (absl::ConsumePrefix(&peer, "ipv4:")) return std::string(peer);
  if (!absl::ConsumePrefix(&peer, "ipv6:")) return "";
  std::string text = absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  absl::string_view mapped = text;
  if (absl::ConsumePrefix(&mapped, "[::ffff:")) {
    // "[::ffff:0:10.0.0.1]" is another kind of address.
    const absl::string_view host = mapped.substr(0, mapped.find(']'));
    const bool is_4 = absl::StrContains(host, '.') && !absl::StrContains(host, ':');
    if (is_4) return absl::StrReplaceAll(mapped, {{"]", ""}});
  }
  return text;
}

}  // namespace lamppost::client
