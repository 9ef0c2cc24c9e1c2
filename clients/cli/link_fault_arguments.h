// The arguments of the commands about faults on the links between nodes: fault delay, drop, duplicate,
// reorder, cut, pause, list and clear. Those of fault rpc are in function_arguments.h.
#ifndef LAMPPOST_CLIENTS_CLI_LINK_FAULT_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_LINK_FAULT_ARGUMENTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lamppost/kv/v1/faults.pb.h"

namespace CLI {
class App;
}

namespace lamppost::cli {

enum class LinkFaultAction { kSet, kList, kClear };
// The one thing that a command lets go wrong.
enum class LinkEffect { kDelay, kDrop, kDuplicate, kReorder, kCut, kPause };
enum class LinkWays { kBoth, kOneWay };

struct LinkFaultArguments {
  LinkFaultAction action = LinkFaultAction::kList;
  LinkEffect effect = LinkEffect::kCut;  // kSet
  std::string from;                      // kSet, kClear; kClear: empty for all nodes
  std::string to;                        // the same; empty if it is about a node: a pause, or all its links
  LinkWays ways = LinkWays::kBoth;       // kSet, kClear
  kv::v1::LinkFault fault;               // kSet: the effect, and for_ms if --for was given; nothing else
};

// What CLI11 fills in, before it is checked.
struct RawLinkFaultArguments {
  std::string amount;  // of delay a duration, of drop, duplicate and reorder a share
  std::string jitter;
  std::string lasting;  // --for
  LinkFaultArguments arguments;
};

// Adds the commands to `fault`; `raw` must outlive the app.
void AddLinkFaultVerbs(CLI::App* fault, RawLinkFaultArguments* raw);

// Completes raw->arguments. INVALID_ARGUMENT says what is wrong with which.
absl::Status CheckLinkFaultArguments(RawLinkFaultArguments* raw);

// "30%" or "0.3": more than nothing, at most all. INVALID_ARGUMENT otherwise, saying what is accepted.
absl::StatusOr<double> ParseShare(absl::string_view text);

// The fault that a node is to have: its present one (empty if it has none), with the one effect changed. It
// ends when --for says, or else when the present one would have.
kv::v1::LinkFault WithEffect(kv::v1::LinkFault present, const LinkFaultArguments& asked);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_LINK_FAULT_ARGUMENTS_H_
