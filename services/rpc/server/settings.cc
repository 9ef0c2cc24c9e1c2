#include "services/rpc/server/settings.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace lamppost::rpc {
namespace {

constexpr char kProgram[] = "lamppost-rpc";
constexpr size_t kNodeIdBytesMax = 32;
constexpr absl::Duration kRetentionMax = absl::Hours(24 * 366);

// The command line as given.
struct Flags {
  ServerFlags server;
  std::string id;
  std::string functions_dir;
  std::string data_dir;
  std::string counter_dir;
  std::string request_store = "rocksdb";
  std::string retention = "24h";
  size_t requests_max = 10'000;
  size_t records_max = 1'000'000;
  size_t builtin_threads = 16;
  bool enable_faults = false;
};

void Declare(CLI::App* app, Flags* flags) {
  app->description(
      "lamppost-rpc: runs functions by name, each request at most once however often it is sent.");
  DeclarePort(app, &flags->server);
  app->add_option("--functions-dir", flags->functions_dir,
                  "The directory with a manifest for each function; if not given, built-in functions only");
  app->add_option("--data-dir", flags->data_dir,
                  "Where requests are recorded; if not given, $STATE_DIRECTORY or else ./lamppost-rpc.data");
  app->add_option("--request-store", flags->request_store,
                  "rocksdb: in the data directory; memory: forgotten with the process; "
                  "etcd://HOST:PORT,HOST:PORT[/FLEET]: shared by all servers of the fleet")
      ->capture_default_str();
  app->add_option("--id", flags->id,
                  "This server's name in timestamps: 1 to 32 of A-Z a-z 0-9 . _ -; if not given, the "
                  "host's name and the port");
  app->add_option("--retention", flags->retention, "How long a request id is good for, such as 1h30m")
      ->capture_default_str();
  app->add_option("--requests-max", flags->requests_max, "How many requests may be under way at a time")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}));
  app->add_option("--records-max", flags->records_max,
                  "How many requests may be kept; beyond, new ones are refused")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{1'000'000'000}));
  app->add_option("--counter-dir", flags->counter_dir,
                  "Where the function \"counter\" counts; if not given, counters in the data directory");
  app->add_option("--builtin-threads", flags->builtin_threads,
                  "How many runs of built-in functions go on at a time")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{256}));
  app->add_flag("--enable-faults", flags->enable_faults, "Let clients make calls fail on purpose");
  DeclareServerFlags(app, "loopback alone, or every interface with TLS", &flags->server);
}

bool IsName(absl::string_view text, size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

std::string HostName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "";
  return name;
}

absl::StatusOr<uint64_t> ParseRetention(const std::string& text) {
  absl::Duration retention;
  if (!absl::ParseDuration(text, &retention)) {
    return UsageError(absl::StrCat("--retention: '", text, "' is no duration such as 24h or 1h30m"));
  }
  if (retention < absl::Seconds(1) || retention > kRetentionMax) {
    return UsageError("--retention: at least 1s, at most a year");
  }
  return static_cast<uint64_t>(absl::ToInt64Milliseconds(retention));
}

absl::StatusOr<Settings> Check(const Flags& flags) {
  Settings settings;
  const absl::Status common =
      CheckServerFlags(flags.server, PlainText::kNotAsked, "run every function", &settings);
  if (!common.ok()) return common;
  settings.node_id = flags.id.empty() ? DefaultNodeId(HostName(), flags.server.port) : flags.id;
  if (!IsName(settings.node_id, kNodeIdBytesMax)) {
    return UsageError(
        absl::StrCat("--id: a node id is 1 to ", kNodeIdBytesMax, " characters of A-Z a-z 0-9 . _ -"));
  }
  absl::StatusOr<StoreChoice> store = ParseStoreChoice(flags.request_store);
  if (!store.ok())
    return UsageError(
        absl::StrCat("--request-store: ", absl::StripPrefix(store.status().message(), "request store: ")));
  settings.store = *std::move(store);
  const absl::StatusOr<uint64_t> retention_ms = ParseRetention(flags.retention);
  if (!retention_ms.ok()) return retention_ms.status();
  settings.retention_ms = *retention_ms;
  settings.functions_directory = flags.functions_dir;
  settings.data_directory =
      flags.data_dir.empty() ? DefaultDataDirectory("lamppost-rpc.data") : flags.data_dir;
  settings.counter_directory =
      flags.counter_dir.empty() ? absl::StrCat(settings.data_directory, "/counters") : flags.counter_dir;
  settings.requests_max = flags.requests_max;
  settings.records_max = flags.records_max;
  settings.builtin_threads = flags.builtin_threads;
  settings.faults = flags.enable_faults ? Faults::Mode::kEnabled : Faults::Mode::kDisabled;
  if (settings.store.kind == StoreChoice::Kind::kMemory) {
    settings.warnings.push_back(
        "requests are recorded in memory alone: after a restart a retry runs its function again");
  }
  if (flags.enable_faults) {
    settings.warnings.push_back(absl::StrCat(
        "faults are enabled: ", settings.tls.empty() ? "whoever can reach this port" : "every admin",
        " can make calls fail"));
  }
  return settings;
}

}  // namespace

absl::StatusOr<StoreChoice> ParseStoreChoice(absl::string_view text) {
  StoreChoice choice;
  if (text == "rocksdb") return choice;
  if (text == "memory") {
    choice.kind = StoreChoice::Kind::kMemory;
    return choice;
  }
  if (IsEtcdAddress(text)) {
    absl::StatusOr<EtcdAddress> etcd = ParseEtcdEndpoints(text);
    if (!etcd.ok()) return etcd.status();
    choice.kind = StoreChoice::Kind::kEtcd;
    choice.etcd = *std::move(etcd);
    return choice;
  }
  return UsageError(absl::StrCat("'", text, "' is none of rocksdb, memory and etcd://HOST:PORT"));
}

std::string DefaultNodeId(absl::string_view host_name, int port) {
  const std::string behind = absl::StrCat("-", port);
  std::string id(host_name.substr(0, kNodeIdBytesMax - behind.size()));
  for (char& c : id) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_') c = '-';
  }
  if (id.empty()) id = "rpc";
  return absl::StrCat(id, behind);
}

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

}  // namespace lamppost::rpc
