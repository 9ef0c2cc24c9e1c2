#include "tests/integration/chaos/schedule.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace lamppost::chaos {
namespace {

// How long a strike of a kind lasts the first time it comes. Later ones may last several times as long.
struct Kind {
  StrikeKind kind;
  int64_t duration_min_ms;
  int64_t duration_max_ms;
};
using Lane = std::vector<Kind>;

// A node that restarts asks its peers for up to two seconds before it takes writes; so what ends a process
// leaves it some time. The sums fit into kLengthMinMs with the pauses between.
const Lane& NetworkLane() {
  static const Lane& lane = *new Lane{
      {StrikeKind::kIsolate, 1500, 3000},     {StrikeKind::kOneWay, 1500, 3000},
      {StrikeKind::kHalves, 1500, 3000},      {StrikeKind::kSlowLink, 1500, 3000},
      {StrikeKind::kLostAnswers, 1000, 2000},
  };
  return lane;
}
const Lane& ProcessLane() {
  static const Lane& lane = *new Lane{
      {StrikeKind::kKill, 100, 3000},
      {StrikeKind::kStop, 1000, 3000},
      {StrikeKind::kPause, 200, 3000},
      {StrikeKind::kKillAll, 100, 1500},
  };
  return lane;
}
const Lane& LongLane() {
  static const Lane& lane = *new Lane{
      {StrikeKind::kLongPause, 8800, 9200},  // keepalive 5 s + 3 s, heartbeat 250 ms
      {StrikeKind::kWipe, 500, 2000},
      {StrikeKind::kDiskFull, 2000, 3500},
  };
  return lane;
}

constexpr int64_t kPauseMinMs = 300;
constexpr int64_t kPauseMaxMs = 1000;
constexpr int64_t kStretchMax = 4;
// Before a process is struck again.
constexpr int64_t kRecoveryMs = 2500;

class Drawer {
 public:
  explicit Drawer(const ScheduleOptions& options) : options_(options), random_(options.seed) {}

  std::vector<Strike> Draw() {
    DrawLane(LongLane());
    DrawLane(ProcessLane());
    DrawLane(NetworkLane());
    std::stable_sort(strikes_.begin(), strikes_.end(),
                     [](const Strike& a, const Strike& b) { return a.start_ms < b.start_ms; });
    return std::move(strikes_);
  }

 private:
  // Not std::uniform_int_distribution, which may differ from library to library.
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
  }

  void DrawLane(const Lane& whole) {
    Lane lane;
    for (const Kind& kind : whole) {
      if (options_.kinds.count(kind.kind) > 0) lane.push_back(kind);
    }
    if (lane.empty()) return;
    int64_t now_ms = Between(kPauseMinMs, kPauseMaxMs);
    // Each round strikes in every way once, in an order of its own.
    for (int64_t stretch_max = 1;; stretch_max = kStretchMax) {
      for (size_t i = lane.size() - 1; i > 0; --i) std::swap(lane[i], lane[Between(0, i)]);
      for (const Kind& kind : lane) {
        const int64_t duration_ms =
            Between(kind.duration_min_ms, kind.duration_max_ms) * Between(1, stretch_max);
        if (now_ms + duration_ms > options_.length_ms) return;
        now_ms = Add(kind.kind, now_ms, duration_ms) + Between(kPauseMinMs, kPauseMaxMs);
      }
    }
  }

  // When it ends: where no node is free for so long, sooner.
  int64_t Add(StrikeKind kind, int64_t start_ms, int64_t duration_ms) {
    const Manner manner = Between(0, 1) == 0 ? Manner::kSilent : Manner::kLoud;
    Strike strike{kind, start_ms, start_ms + duration_ms, {}, Manner::kSilent};
    switch (kind) {
      case StrikeKind::kKill:
      case StrikeKind::kStop:
      case StrikeKind::kPause:
      case StrikeKind::kLongPause:
      case StrikeKind::kWipe:
        TakeFreeNode(&strike);
        break;
      case StrikeKind::kDiskFull:
        strike.nodes = {options_.small_disk_node};
        strike.manner = manner;
        break;
      case StrikeKind::kIsolate:
        strike.nodes = AnyNodes(1);
        strike.manner = manner;
        break;
      case StrikeKind::kOneWay:
        strike.nodes = AnyNodes(2);
        strike.manner = manner;
        break;
      case StrikeKind::kHalves:
        strike.nodes = AnyNodes(options_.nodes / 2);
        strike.manner = manner;
        break;
      case StrikeKind::kSlowLink:
        strike.nodes = AnyNodes(2);
        break;
      case StrikeKind::kLostAnswers:
        strike.nodes = AnyNodes(1);
        break;
      case StrikeKind::kKillAll:
        strike.nodes = AnyNodes(options_.nodes);
        break;
    }
    strikes_.push_back(strike);
    return strike.end_ms;
  }

  std::vector<int> AnyNodes(int count) {
    std::vector<int> nodes(options_.nodes);
    std::iota(nodes.begin(), nodes.end(), 0);
    for (size_t i = nodes.size() - 1; i > 0; --i) std::swap(nodes[i], nodes[Between(0, i)]);
    nodes.resize(count);
    return nodes;
  }

  static bool StrikesOneProcess(StrikeKind kind) {
    return kind == StrikeKind::kKill || kind == StrikeKind::kStop || kind == StrikeKind::kPause ||
           kind == StrikeKind::kLongPause || kind == StrikeKind::kWipe || kind == StrikeKind::kDiskFull;
  }

  bool IsBusy(int node, int64_t start_ms, int64_t end_ms) const {
    return std::any_of(strikes_.begin(), strikes_.end(), [&](const Strike& other) {
      return StrikesOneProcess(other.kind) && other.nodes[0] == node && start_ms < other.end_ms &&
             other.start_ms < end_ms;
    });
  }

  // One whose process nothing else strikes at that time, if possible one that has recovered as well. The
  // one other lane that strikes single processes strikes one at a time; so at any moment one is free, and
  // a strike that is short enough finds it.
  void TakeFreeNode(Strike* strike) {
    const std::vector<int> order = AnyNodes(options_.nodes);
    while (true) {
      for (int64_t recovery_ms : {kRecoveryMs, int64_t{0}}) {
        for (int node : order) {
          if (IsBusy(node, strike->start_ms - recovery_ms, strike->end_ms + recovery_ms)) continue;
          strike->nodes = {node};
          return;
        }
      }
      strike->end_ms = strike->start_ms + (strike->end_ms - strike->start_ms) / 2;
    }
  }

  const ScheduleOptions& options_;
  std::mt19937_64 random_;
  std::vector<Strike> strikes_;
};

}  // namespace

const char* ToString(StrikeKind kind) {
  switch (kind) {
    case StrikeKind::kKill:
      return "kill -9";
    case StrikeKind::kStop:
      return "orderly restart";
    case StrikeKind::kPause:
      return "pause";
    case StrikeKind::kKillAll:
      return "kill -9 of all";
    case StrikeKind::kLongPause:
      return "long pause";
    case StrikeKind::kWipe:
      return "wiped disk";
    case StrikeKind::kDiskFull:
      return "full disk";
    case StrikeKind::kIsolate:
      return "isolated node";
    case StrikeKind::kOneWay:
      return "one-way cut";
    case StrikeKind::kHalves:
      return "halves";
    case StrikeKind::kSlowLink:
      return "slow link";
    case StrikeKind::kLostAnswers:
      return "lost answers";
  }
  return "?";
}

const std::set<StrikeKind>& AllStrikeKinds() {
  static const std::set<StrikeKind>& all = *[] {
    auto* kinds = new std::set<StrikeKind>;
    for (const Lane* lane : {&NetworkLane(), &ProcessLane(), &LongLane()}) {
      for (const Kind& kind : *lane) kinds->insert(kind.kind);
    }
    return kinds;
  }();
  return all;
}

std::string ToString(const Strike& strike) {
  const std::string nodes = absl::StrJoin(
      strike.nodes, ", ", [](std::string* out, int node) { out->push_back(static_cast<char>('A' + node)); });
  return absl::StrFormat("%.1f s to %.1f s: %s, %s%s", strike.start_ms / 1000.0, strike.end_ms / 1000.0,
                         ToString(strike.kind), nodes, strike.manner == Manner::kLoud ? ", loud" : "");
}

std::vector<Strike> MakeSchedule(const ScheduleOptions& options) {
  return Drawer(options).Draw();
}

}  // namespace lamppost::chaos
