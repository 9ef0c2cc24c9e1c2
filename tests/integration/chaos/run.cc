#include "tests/integration/chaos/run.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/history/checks.h"
#include "tests/history/json_lines.h"
#include "tests/integration/chaos/arena.h"
#include "tests/integration/chaos/client.h"
#include "tests/integration/chaos/nemesis.h"
#include "tests/integration/chaos/summary.h"
#include "tests/integration/testing/namespaces.h"

namespace lamppost::chaos {
namespace {

using history::History;
using history::Operation;

constexpr uint64_t kClientCount = 8;
constexpr size_t kShownLogBytes = 6000;

// What this machine lets a run have.
struct Ground {
  std::unique_ptr<Network> network;
  SmallDisk small_disk = SmallDisk::kNone;
};

class OneRun {
 public:
  explicit OneRun(const Options& options) : options_(options), begin_(std::chrono::steady_clock::now()) {}

  RunResult Run() {
    Say(absl::StrCat("again: ", CommandOf(options_)));
    absl::StatusOr<Ground> ground = Prepare();
    if (!ground.ok()) {
      Say(absl::StrCat("not possible: ", ground.status().message()));
      return RunResult::kNotPossible;
    }
    kinds_ = AllStrikeKinds();
    if (ground->small_disk == SmallDisk::kNone) kinds_.erase(StrikeKind::kDiskFull);
    Say(absl::StrCat("network: ", ground->network->name(), "; a slow link: ", ground->network->slowness()));
    Say(absl::StrCat("clients: ", kClientCount, "; ", ToString(DrawWorkload(options_.seed))));
    absl::StatusOr<std::unique_ptr<Arena>> arena =
        Arena::Make(options_, std::move(ground->network), ground->small_disk);
    if (!arena.ok()) {
      Fail(arena.status().ToString());
    } else {
      RunIn(arena->get());
      if (!failures_.empty()) ShowLogs(arena->get());
    }
    return Verdict();
  }

 private:
  absl::StatusOr<Ground> Prepare() {
    Ground ground;
    const bool wants_proxy = options_.network == NetworkChoice::kProxy;
    const absl::Status entered = testing::EnterPrivateNamespaces(
        wants_proxy ? testing::Private::kMounts : testing::Private::kMountsAndNetwork);
    if (entered.ok()) ground.small_disk = SmallDisk::kMounted;
    if (!entered.ok()) Say(absl::StrCat("left out, full disk: ", entered.message()));
    if (!wants_proxy) {
      absl::StatusOr<std::unique_ptr<Network>> network =
          entered.ok() ? MakeNamespaceNetwork(options_.nodes) : entered;
      if (network.ok()) {
        ground.network = *std::move(network);
        return ground;
      }
      if (options_.network == NetworkChoice::kNamespaces) return network.status();
      Say(absl::StrCat("no network namespaces: ", network.status().message()));
    }
    absl::StatusOr<std::unique_ptr<Network>> network = MakeProxyNetwork(options_.nodes);
    if (!network.ok()) return network.status();
    ground.network = *std::move(network);
    return ground;
  }

  void RunIn(Arena* arena) {
    if (absl::Status status = arena->Start(); !status.ok()) return Fail(status.ToString());
    const RunClock clock = [begin = begin_] {
      const auto passed = std::chrono::steady_clock::now() - begin;
      return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
    };
    const int64_t length_ms = options_.seconds * 1000;
    ScheduleOptions schedule{options_.seed, options_.nodes, length_ms, kinds_, arena->small_disk_node()};
    Nemesis nemesis(arena, MakeSchedule(schedule), clock, [this](const std::string& line) { Say(line); });
    std::vector<std::unique_ptr<Client>> clients;
    for (uint64_t i = 0; i < kClientCount; ++i) {
      clients.push_back(std::make_unique<Client>(i, options_.seed, arena->targets(), clock));
    }
    nemesis.Run(length_ms);
    const double healed_s = SecondsSinceBegin();
    for (const auto& client : clients) client->Stop();
    for (const auto& client : clients) Take(client->Join());
    history_.disk_losses = nemesis.disk_losses();
    struck_ = nemesis.struck();
    for (const std::string& failure : nemesis.failures()) failures_.push_back(failure);
    // I14: whatever happened, a healed cluster serves and converges in bounded time.
    const absl::Status healthy = arena->WaitHealthy();
    if (!healthy.ok()) Fail(absl::StrCat("I14: ", healthy.message()));
    Say(absl::StrFormat("%s after %.1f s",
                        healthy.ok() ? "healed: all serve and are converged" : "not healed",
                        SecondsSinceBegin() - healed_s));
    auto contents = arena->ReadContents();
    if (!contents.ok()) return Fail(contents.status().ToString());
    history_.final_contents = *std::move(contents);
  }

  void Take(std::vector<Operation> operations) {
    history_.operations.insert(history_.operations.end(), std::make_move_iterator(operations.begin()),
                               std::make_move_iterator(operations.end()));
  }

  RunResult Verdict() {
    std::stable_sort(history_.operations.begin(), history_.operations.end(),
                     [](const Operation& a, const Operation& b) { return a.end_us < b.end_us; });
    WriteHistory();
    for (const history::Violation& violation : history::Check(history_)) {
      Fail(absl::StrCat(violation.invariant, ": ", violation.what));
    }
    Facts facts{&history_, static_cast<double>(options_.seconds), options_.floor_per_s, kinds_, struck_};
    for (const std::string& shortcoming : Shortcomings(facts)) Fail(shortcoming);
    std::cout << Summary(facts);
    for (const std::string& failure : failures_) std::cout << "FAILED: " << failure << "\n";
    std::cout << (failures_.empty() ? "passed" : "failed") << ", seed " << options_.seed
              << ", again: " << CommandOf(options_) << std::endl;
    return failures_.empty() ? RunResult::kPassed : RunResult::kFailed;
  }

  void WriteHistory() {
    if (options_.history_path.empty()) return;
    std::ofstream file(options_.history_path, std::ios::binary | std::ios::trunc);
    if (absl::Status status = history::WriteJsonLines(history_, &file); !status.ok()) Fail(status.ToString());
  }

  void ShowLogs(Arena* arena) {
    for (int i = 0; i < arena->size(); ++i) {
      const std::string log = arena->node(i)->Log();
      const size_t begin = log.size() > kShownLogBytes ? log.size() - kShownLogBytes : 0;
      std::cout << "---- the end of the log of node " << arena->node(i)->id() << "\n" << log.substr(begin);
    }
  }

  double SecondsSinceBegin() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  void Say(const std::string& line) {
    std::cout << absl::StrFormat("%6.1f s  ", SecondsSinceBegin()) << line << std::endl;
  }
  void Fail(const std::string& what) { failures_.push_back(what); }

  const Options options_;
  const std::chrono::steady_clock::time_point begin_;
  History history_;
  std::set<StrikeKind> kinds_;
  std::map<StrikeKind, int> struck_;
  std::vector<std::string> failures_;
};

}  // namespace

RunResult Run(const Options& options) {
  return OneRun(options).Run();
}

}  // namespace lamppost::chaos
