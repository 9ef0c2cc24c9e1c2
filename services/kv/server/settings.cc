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
#include "services/common/error.h"
#include "services/common/version.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {
namespace {

// The largest value a message can carry to a client with gRPC's usual 4 MiB limit, with room for the rest.
constexpr uint64_t kValueBytesMaxMax = uint64_t{3} << 20;

// The command line as given.
struct Flags {
  std::string id;
  int port = -1;
  std::string peers;
  std::string listen;
  std::string data_dir;
  std::string cluster = "lamppost";
  Durability durability = Durability::kSync;
  uint64_t value_bytes_max = uint64_t{1} << 20;
  uint64_t disk_reserve_bytes = uint64_t{64} << 20;
  uint64_t block_cache_bytes = uint64_t{64} << 20;
  uint64_t memtable_bytes = uint64_t{64} << 20;
  uint64_t drain_ms = 5000;
  std::string log_level = "info";
  std::string log_format = "logfmt";
  bool insecure = false;
};

void Declare(CLI::App* app, Flags* flags) {
  app->description("lamppost-kv: a node of a replicated key-value store that takes writes at any time.");
  app->set_version_flag("--version", kVersion);
  app->add_option("--id", flags->id, "This node's name: 1 to 32 of A-Z a-z 0-9 . _ -")->required();
  app->add_option("--port", flags->port, "The port to serve on; 0 for any free one")
      ->required()
      ->check(CLI::Range(0, 65535));
  app->add_option("--peers", flags->peers, "The other nodes, as http://HOST:PORT,http://HOST:PORT");
  app->add_option("--data-dir", flags->data_dir,
                  "Where the data is kept; if not given, $STATE_DIRECTORY or else ./ID.lamppost");
  app->add_option(
      "--listen", flags->listen,
      "The IP address to serve on; if not given, loopback alone, or every interface if a peer on another "
      "host is named with http://");
  app->add_flag("--insecure", flags->insecure, "Serve plain text on every interface");
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
  app->add_option("--drain-ms", flags->drain_ms, "On SIGTERM, how long calls under way may take")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, uint64_t{600000}));
  app->add_option("--log-level", flags->log_level, "debug, info, warn or error")->capture_default_str();
  app->add_option("--log-format", flags->log_format, "logfmt or json")->capture_default_str();
}

absl::Status Usage(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "USAGE", message);
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
  if (!peers.ok()) return Usage(absl::StrCat("--peers: ", peers.status().message()));
  settings->peers = *std::move(peers);
  const std::set<std::string> own = OwnAddresses();
  std::set<std::string> seen;
  for (const Address& peer : settings->peers) {
    if (!seen.insert(peer.HostPort()).second)
      return Usage(absl::StrCat("--peers: ", peer.HostPort(), " is there twice"));
    if (flags.port != 0 && peer.port == flags.port && own.count(peer.host) > 0) {
      return Usage(absl::StrCat("--peers: ", peer.HostPort(),
                                " is this node's own address; name the other nodes only"));
    }
  }
  return absl::OkStatus();
}

// Serving plain text beyond this machine has to be asked for: by name, or by naming peers so.
absl::Status TakeListen(const Flags& flags, Settings* settings) {
  std::string host = flags.listen;
  if (host.empty()) {
    const bool remote_http = std::any_of(
        settings->peers.begin(), settings->peers.end(),
        [](const Address& peer) { return peer.scheme == AddressScheme::kHttp && !IsLoopback(peer.host); });
    host = flags.insecure || remote_http ? "0.0.0.0" : "127.0.0.1";
  }
  if (host.find(':') != std::string::npos && host[0] != '[') host = absl::StrCat("[", host, "]");
  absl::StatusOr<Address> address = ParseListenAddress(absl::StrCat(host, ":", flags.port));
  if (!address.ok()) return Usage(absl::StrCat("--listen: ", address.status().message()));
  if (!IsLoopback(address->host)) {
    settings->warnings.push_back(absl::StrCat("serves plain text on ", address->HostPort(),
                                              ": whoever can reach this port can read and write everything"));
  }
  settings->listen.push_back(*std::move(address));
  return absl::OkStatus();
}

std::string DataDirectory(const Flags& flags) {
  if (!flags.data_dir.empty()) return flags.data_dir;
  const char* state_directory = std::getenv("STATE_DIRECTORY");  // set by systemd
  if (state_directory != nullptr && *state_directory != '\0') return state_directory;
  return absl::StrCat(flags.id, ".lamppost");
}

absl::StatusOr<Settings> Check(const Flags& flags) {
  Settings settings;
  if (absl::Status status = CheckNodeId(flags.id); !status.ok())
    return Usage(absl::StrCat("--id: ", status.message()));
  if (absl::Status status = CheckCluster(flags.cluster); !status.ok()) {
    return Usage(absl::StrCat("--cluster: ", status.message()));
  }
  if (absl::Status status = TakePeers(flags, &settings); !status.ok()) return status;
  if (absl::Status status = TakeListen(flags, &settings); !status.ok()) return status;
  const absl::StatusOr<LogLevel> level = ParseLogLevel(flags.log_level);
  if (!level.ok()) return Usage(absl::StrCat("--log-level: ", level.status().message()));
  const absl::StatusOr<LogFormat> format = ParseLogFormat(flags.log_format);
  if (!format.ok()) return Usage(absl::StrCat("--log-format: ", format.status().message()));
  settings.log = {*level, *format};
  settings.node_id = flags.id;
  settings.cluster = flags.cluster;
  settings.data_directory = DataDirectory(flags);
  settings.durability = flags.durability;
  settings.value_bytes_max = flags.value_bytes_max;
  settings.disk_reserve_bytes = flags.disk_reserve_bytes;
  settings.block_cache_bytes = flags.block_cache_bytes;
  settings.memtable_bytes = flags.memtable_bytes;
  settings.drain_ms = flags.drain_ms;
  return settings;
}

}  // namespace

std::variant<Settings, ExitNow> ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app;
  Flags flags;
  Declare(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return ExitNow{0, absl::StrCat("lamppost-kv ", kVersion, "\n")};
  } catch (const CLI::Success&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitNow{2,
                   absl::StrCat("lamppost-kv: ", error.what(), "\n(lamppost-kv --help shows the options)\n")};
  }
  absl::StatusOr<Settings> settings = Check(flags);
  if (!settings.ok()) return ExitNow{2, absl::StrCat("lamppost-kv: ", settings.status().message(), "\n")};
  return *std::move(settings);
}

}  // namespace lamppost::kv
