// How a function server is set up: its command line, checked.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_
#define LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/server_flags.h"
#include "services/rpc/server/faults.h"
#include "services/rpc/storage/etcd_address.h"

namespace lamppost::rpc {

// Where requests are recorded.
struct StoreChoice {
  enum class Kind { kRocksDb, kMemory, kEtcd };

  Kind kind = Kind::kRocksDb;
  EtcdAddress etcd;  // kEtcd
};

// "rocksdb", "memory", or what ParseEtcdEndpoints takes. INVALID_ARGUMENT otherwise.
absl::StatusOr<StoreChoice> ParseStoreChoice(absl::string_view text);

struct Settings : ServerSettings {
  std::string node_id;              // who stamps timestamps
  std::string functions_directory;  // empty: built-in functions only
  std::string data_directory;
  StoreChoice store;
  uint64_t retention_ms = 0;
  std::string counter_directory;
  size_t requests_max = 0;  // under way
  size_t records_max = 0;   // kept
  size_t builtin_threads = 0;
  Faults::Mode faults = Faults::Mode::kDisabled;
};

std::variant<Settings, ExitNow> ParseCommandLine(int argc, const char* const* argv);

// The host's name, as far as a node id can hold it, and the port.
std::string DefaultNodeId(absl::string_view host_name, int port);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_SETTINGS_H_
