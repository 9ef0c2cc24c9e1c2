// How a node is set up: its command line, checked.
#ifndef LAMPPOST_SERVICES_KV_SERVER_SETTINGS_H_
#define LAMPPOST_SERVICES_KV_SERVER_SETTINGS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/listen_address.h"
#include "services/common/server_flags.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

enum class FaultMode { kDisabled, kEnabled };

struct Settings : ServerSettings {
  std::string node_id;
  std::string cluster;
  std::vector<Address> peers;
  std::string data_directory;
  Durability durability = Durability::kSync;
  uint64_t value_bytes_max = 0;
  uint64_t disk_reserve_bytes = 0;
  uint64_t block_cache_bytes = 0;
  uint64_t memtable_bytes = 0;
  uint64_t scrub_interval_ms = 0;  // 0: never
  FaultMode faults = FaultMode::kDisabled;
};

std::variant<Settings, ExitNow> ParseCommandLine(int argc, const char* const* argv);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_SETTINGS_H_
