// How a function server is set up: its command line, checked.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_
#define LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/listen_address.h"
#include "services/common/server_flags.h"
#include "services/rpc/server/faults.h"

namespace lamppost::rpc {

// Where requests are recorded.
struct StoreChoice {
  enum class Kind { kRocksDb, kMemory, kEtcd };

  Kind kind = Kind::kRocksDb;
  std::vector<Address> endpoints;  // kEtcd
  std::string fleet;               // kEtcd: which servers share the records; 1 to 64 of A-Z a-z 0-9 . _ -
};

// "rocksdb", "memory", "etcd://HOST:PORT,HOST:PORT[/FLEET]". INVALID_ARGUMENT otherwise.
absl::StatusOr<StoreChoice> ParseStoreChoice(absl::string_view text);

struct Settings : ServerSettings {
  std::string node_id;              // who stamps timestamps
  std::string functions_directory;  // empty: built-in functions only
  std::string data_directory;
  StoreChoice store;
  uint64_t retention_ms = 0;
  size_t requests_max = 0;
  size_t builtin_threads = 0;
  Faults::Mode faults = Faults::Mode::kDisabled;
};

std::variant<Settings, ExitNow> ParseCommandLine(int argc, const char* const* argv);

// The host's name, as far as a node id can hold it, and the port.
std::string DefaultNodeId(absl::string_view host_name, int port);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_
