// Says which mutations it has been built with, and whether one changes what the libraries do.
//
//   probe list      the names, one a line
//   probe tie NAME  with that mutation active: whether a tie of counters goes to the higher node id
#include <cstdio>
#include <optional>

#include "absl/strings/string_view.h"
#include "services/common/mutation.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {
namespace {

int Tie(absl::string_view name) {
  const std::optional<Mutation> mutation = mutation::Find(name);
  if (!mutation) {
    std::printf("no such mutation\n");
    return 1;
  }
  mutation::SetActive(*mutation);
  Version present;
  present.timestamp = {7, {"A", 1}};
  Version incoming;
  incoming.timestamp = {7, {"B", 1}};
  const bool wins = Decide(incoming, &present) == Merge::kReplacesConcurrent;
  std::printf("%s\n", wins ? "the higher id wins" : "the first stays");
  return 0;
}

int Run(int argc, char** argv) {
  if (argc == 2 && absl::string_view(argv[1]) == "list") {
    for (const mutation::Description& each : mutation::All()) std::printf("%s\n", each.name);
    return 0;
  }
  if (argc == 3 && absl::string_view(argv[1]) == "tie") return Tie(argv[2]);
  std::fprintf(stderr, "usage: probe list | probe tie NAME\n");
  return 2;
}

}  // namespace
}  // namespace lamppost::kv

int main(int argc, char** argv) {
  return lamppost::kv::Run(argc, argv);
}
