// What the server and its launcher say to each other, over a SOCK_SEQPACKET socket: one message a packet.
//
// Both are the same program, forked, so the messages are plain structs. Not for anybody else.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCH_PROTOCOL_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCH_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lamppost::rpc {

using ProgramId = uint64_t;  // of one life of a server; never used twice

// What a program may use. 0: as much as the server itself.
struct ProgramLimits {
  uint64_t cpu_s = 0;
  uint64_t memory_bytes = 0;  // of address space
  uint64_t file_bytes = 0;    // of each file that it writes
  uint64_t open_files = 0;
};

struct ProgramSpec {
  std::vector<std::string> command;      // the first is a path, absolute or from the directory
  std::vector<std::string> environment;  // "NAME=value", all there is
  std::string directory;
  ProgramLimits limits;
};

// With its strings a spec must fit into a packet.
inline constexpr size_t kLaunchPacketBytesMax = 64 * 1024;

// What a program gets as 0, 1, 2 and 3: standard input, output and error, and what it tells its progress to.
inline constexpr int kProgramFds = 4;

struct LaunchRequest {
  enum class Kind : uint32_t { kStart, kKill };

  Kind kind = Kind::kStart;
  ProgramId program = 0;
  ProgramSpec spec;  // kStart
};

// Which step on the way to the program failed.
enum class LaunchStep : uint32_t { kReceive, kFork, kDescriptors, kDirectory, kLimits, kExec };

// How a program ended.
struct LaunchReport {
  ProgramId program = 0;
  // It has never run: the step that failed, and errno.
  int32_t error = 0;
  LaunchStep step = LaunchStep::kExec;
  // It has: as of wait(2), and the processor time that it used.
  int32_t wait_status = 0;
  uint64_t cpu_ms = 0;
};

// The packet of a request; nothing if it is too large, or if a string holds a NUL.
std::optional<std::string> EncodeRequest(const LaunchRequest& request);
// Nothing if it is none.
std::optional<LaunchRequest> DecodeRequest(absl::string_view packet);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_LAUNCH_PROTOCOL_H_
