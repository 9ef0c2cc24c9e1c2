#include "services/kv/server/settings.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {
namespace {

constexpr char kProgram[] = "lamppost-kv";

constexpr absl::Duration kScrubIntervalMax = absl::Hours(24 * 365);
// The largest value a message can carry to a client with gRPC's usual 4 MiB limit, with room for the rest.
constexpr uint64_t kValueBytesMaxMax = uint64_t{3} << 20;

// The command line as given.
struct Flags {
  ServerFlags server;
  std::string id;
  std::string peers;
  std::string data_dir;
  std::string cluster = "lamppost";
  Durability durability = Durability::kSync;
  uint64_t value_bytes_max = uint64_t{1} << 20;
  uint64_t disk_reserve_bytes = uint64_t{64} << 20;
  uint64_t block_cache_bytes = uint64_t{64} << 20;
  uint64_t memtable_bytes = uint64_t{64} << 20;
  std::string scrub_interval = "24h";
  bool enable_faults = false;
};

void Declare(CLI::App* app, Flags* flags) {
  app->description("lamppost-kv: a node of a replicated key-value store that takes writes at any time.");
  app->add_option("--id", flags->id, "This node's name: 1 to 32 of A-Z a-z 0-9 . _ -")->required();
  DeclarePort(app, &flags->server);
  app->add_option("--peers", flags->peers,
                  "The other nodes, as http://HOST:PORT,http://HOST:PORT, or with https:// for TLS");
  app->add_option("--data-dir", flags->data_dir,
                  "Where the data is kept; if not given, $STATE_DIRECTORY or else ./ID.lamppost");
  app->add_option("--cluster", flags->cluster, "The cluster's name, the same on all its nodes")
      ->capture_default_str();
  app->add_option("--durability", flags->durability,
                  "sync: a write is on disk before it is acknowledged; interval: within a second")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Durability>{
          {"sync", Durability::kSync}, {"interval", Durability::kInterval}}))
      ->default_str("sync");
  app->add_option("--value-bytes-max", flags->value_bytes_max, "The largest value accepted from clients")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kValueBytesMaxMax));
  app->add_option("--disk-reserve-bytes", flags->disk_reserve_bytes,
                  "Refuse writes while less of the disk is free")
      ->capture_default_str();
  app->add_option("--block-cache-bytes", flags->block_cache_bytes, "Memory for data read from disk")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1} << 20, uint64_t{1} << 40));
  app->add_option("--memtable-bytes", flags->memtable_bytes, "Memory for data to be written, twice")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1} << 20, uint64_t{1} << 33));
  app->add_option("--scrub-interval", flags->scrub_interval,
                  "All stored data is looked through for damage so often, such as 12h; 0: never")
      ->capture_default_str();
  app->add_flag("--enable-faults", flags->enable_faults,
                "Let clients disturb the links between nodes on purpose");
  DeclareServerFlags(
      app, "loopback alone, or every interface with TLS or if a peer on another host is named with http://",
      &flags->server);
}

// The numeric addresses of this machine's interfaces.
std::set<std::string> OwnAddresses() {
  std::set<std::string> own = {"localhost", "127.0.0.1", "::1"};
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return own;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char host[NI_MAXHOST];
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (getnameinfo(entry->ifa_addr, size, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) == 0)
      own.insert(host);
  }
  return own;
}

absl::Status TakePeers(const Flags& flags, Settings* settings) {
  if (flags.peers.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<Address>> peers = ParseAddresses(flags.peers);
  if (!peers.ok()) return UsageError(absl::StrCat("--peers: ", peers.status().message()));
  settings->peers = *std::move(peers);
  const std::set<std::string> own = OwnAddresses();
  std::set<std::string> seen;
  for (const Address& peer : settings->peers) {
    if (!seen.insert(peer.HostPort()).second)
      return UsageError(absl::StrCat("--peers: ", peer.HostPort(), " is there twice"));
    if (flags.server.port != 0 && peer.port == flags.server.port && own.count(peer.host) > 0) {
      return UsageError(absl::StrCat("--peers: ", peer.HostPort(),
                                     " is this node's own address; name the other nodes only"));
    }
  }
  return absl::OkStatus();
}

// Naming a peer on another host with http:// asks for plain text.
PlainText AskedFor(const std::vector<Address>& peers) {
  const bool remote_http = std::any_of(peers.begin(), peers.end(), [](const Address& peer) {
    return peer.scheme == AddressScheme::kHttp && !IsLoopback(peer.host);
  });
  return remote_http ? PlainText::kAsked : PlainText::kNotAsked;
}

absl::Status CheckSchemes(const Settings& settings) {
  for (const Address& peer : settings.peers) {
    if (settings.tls.empty() && peer.scheme == AddressScheme::kHttps) {
      return UsageError(absl::StrCat("--peers: ", peer.Url(Transport::kTls),
                                     " is TLS, which takes --tls-cert, --tls-key and --tls-ca"));
    }
    if (!settings.tls.empty() && peer.scheme == AddressScheme::kHttp) {
      return UsageError(absl::StrCat("--peers: ", peer.Url(Transport::kPlainText),
                                     " is plain text; with --tls-cert peers are named with https://"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ParseScrubInterval(const std::string& text) {
  absl::Duration interval;
  if (!absl::ParseDuration(text, &interval)) {
    return UsageError(absl::StrCat("--scrub-interval: '", text, "' is no duration such as 24h or 1h30m"));
  }
  if (interval != absl::ZeroDuration() && (interval < absl::Seconds(1) || interval > kScrubIntervalMax)) {
    return UsageError("--scrub-interval: 0, or at least 1s and at most a year");
  }
  return static_cast<uint64_t>(absl::ToInt64Milliseconds(interval));
}

absl::StatusOr<Settings> Check(const Flags& flags) {
  Settings settings;
  if (absl::Status status = CheckNodeId(flags.id); !status.ok())
    return UsageError(absl::StrCat("--id: ", status.message()));
  if (absl::Status status = CheckCluster(flags.cluster); !status.ok()) {
    return UsageError(absl::StrCat("--cluster: ", status.message()));
  }
  if (absl::Status status = TakePeers(flags, &settings); !status.ok()) return status;
  const absl::Status status =
      CheckServerFlags(flags.server, AskedFor(settings.peers), "read and write everything", &settings);
  if (!status.ok()) return status;
  if (absl::Status schemes = CheckSchemes(settings); !schemes.ok()) return schemes;
  settings.node_id = flags.id;
  settings.cluster = flags.cluster;
  settings.data_directory =
      flags.data_dir.empty() ? DefaultDataDirectory(absl::StrCat(flags.id, ".lamppost")) : flags.data_dir;
  settings.durability = flags.durability;
  settings.value_bytes_max = flags.value_bytes_max;
  settings.disk_reserve_bytes = flags.disk_reserve_bytes;
  settings.block_cache_bytes = flags.block_cache_bytes;
  settings.memtable_bytes = flags.memtable_bytes;
  const absl::StatusOr<uint64_t> scrub_interval_ms = ParseScrubInterval(flags.scrub_interval);
  if (!scrub_interval_ms.ok()) return scrub_interval_ms.status();
  settings.scrub_interval_ms = *scrub_interval_ms;
  settings.faults = flags.enable_faults ? FaultMode::kEnabled : FaultMode::kDisabled;
  if (flags.enable_faults) {
    settings.warnings.push_back(absl::StrCat(
        "faults are enabled: ", settings.tls.empty() ? "whoever can reach this port" : "every admin",
        " can disturb the replication"));
  }
  return settings;
}

}  // namespace

std::variant<Settings, ExitNow> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app;
  Flags flags;
  Declare(&app, &flags);
  if (std::optional<ExitNow> exit_now = ParseFlags(&app, kProgram, argc, argv, &flags.server)) {
    return *std::move(exit_now);
  }
  absl::StatusOr<Settings> settings = Check(flags);
  if (!settings.ok()) return WrongUsage(kProgram, settings.status());
  return *std::move(settings);
}

}  // namespace lamppost::kv
