// sim: simulates whole clusters. docs/testing.md tells what is simulated, what is checked, and how to add to
// it.
#include <google/protobuf/stubs/logging.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "services/common/mutation.h"
#include "tests/sim/diagram.h"
#include "tests/sim/draw_plan.h"
#include "tests/sim/drawing.h"
#include "tests/sim/mutation_table.h"
#include "tests/sim/options.h"
#include "tests/sim/plan_text.h"
#include "tests/sim/play.h"
#include "tests/sim/shrink.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kShrinkPlaysMax = 3000;
constexpr uint64_t kMutationSeedsMax = 2000;

absl::StatusOr<Plan> PlanOf(const std::string& seed_or_file) {
  uint64_t seed = 0;
  if (absl::SimpleAtoi(seed_or_file, &seed)) return DrawPlan(seed);
  return ReadPlan(seed_or_file);
}

int Fail(const absl::Status& status) {
  std::cerr << "sim: " << status.message() << "\n";
  return 2;
}

// Draws the replay, if that is asked for. The file is opened before the play, so that nobody waits for a
// drawing that cannot be written.
class Drawer {
 public:
  Drawer(const Options& options, const Plan& plan)
      : options_(options), recorder_(plan, {1000 * options.from_ms, 1000 * options.until_ms}) {}

  absl::Status Open() {
    if (options_.draw_file.empty()) return absl::OkStatus();
    const absl::StatusOr<DrawingFormat> format = DrawingFormatOf(options_.draw_file);
    if (!format.ok()) return format.status();
    format_ = *format;
    file_.open(options_.draw_file, std::ios::binary);
    return file_ ? absl::OkStatus() : CannotWrite();
  }
  void AddTo(std::vector<TimedObserver*>* watchers) {
    if (format_) watchers->push_back(&recorder_);
  }
  absl::Status Write() {
    if (!format_) return absl::OkStatus();
    const absl::StatusOr<std::string> drawing =
        Draw(recorder_.Take(), *format_, absl::StrCat("Replay of ", options_.replay));
    if (!drawing.ok()) return drawing.status();
    if (const std::optional<uint64_t> since_us = recorder_.full_since_us()) {
      std::cerr << "sim: the drawing ends at " << *since_us / 1000
                << " ms, for there are too many events; --from-ms and --until-ms choose a stretch\n";
    }
    file_ << *drawing;
    return file_.flush() ? absl::OkStatus() : CannotWrite();
  }

 private:
  absl::Status CannotWrite() const {
    return absl::UnavailableError(absl::StrCat("cannot write ", options_.draw_file));
  }

  const Options& options_;
  DiagramRecorder recorder_;
  std::optional<DrawingFormat> format_;
  std::ofstream file_;
};

int Replay(const Options& options) {
  const absl::StatusOr<Plan> plan = PlanOf(options.replay);
  if (!plan.ok()) return Fail(plan.status());
  Drawer drawer(options, *plan);
  if (const absl::Status opened = drawer.Open(); !opened.ok()) return Fail(opened);
  TraceText text(&std::cout, options.brief ? TraceText::Detail::kEssential : TraceText::Detail::kAll);
  std::vector<TimedObserver*> watchers = {&text};
  drawer.AddTo(&watchers);
  const Played played = Play(*plan, watchers);
  std::cout << absl::StrFormat("trace hash %016x, %d events\n", played.trace_hash, played.result.events);
  std::cout << (played.IsGood() ? "nothing was violated\n" : played.WhatIsWrong());
  const absl::Status drawn = drawer.Write();
  if (!drawn.ok()) return Fail(drawn);
  return played.IsGood() ? 0 : 1;
}

int ShrinkIt(const Options& options) {
  const absl::StatusOr<Plan> plan = PlanOf(options.shrink);
  if (!plan.ok()) return Fail(plan.status());
  const Played played = Play(*plan);
  if (played.result.violations.empty()) {
    std::cerr << "sim: that plan violates nothing\n";
    return 1;
  }
  const std::string invariant = played.result.violations.front().invariant;
  uint64_t plays = 0;
  const StillBad still_bad = [&](const Plan& smaller) {
    ++plays;
    return Play(smaller).Violates(invariant);
  };
  const Plan small = Shrink(*plan, still_bad, kShrinkPlaysMax);
  std::cerr << absl::StrFormat(
      "%s: %d nodes, %d errands and %d strikes became %d, %d and %d, after %d plays\n", invariant,
      plan->nodes, plan->errands.size(), plan->strikes.size(), small.nodes, small.errands.size(),
      small.strikes.size(), plays);
  const history::Violation violation = Play(small).result.violations.front();
  const std::string title = absl::StrCat("# ", violation.invariant, ": ", violation.what);
  const std::string text = absl::StrCat(absl::StrReplaceAll(title, {{"\n", "\n# "}}), "\n", ToText(small));
  if (options.out_file.empty()) {
    std::cout << text;
    return 0;
  }
  std::ofstream file(options.out_file);
  file << text;
  if (file.flush()) return 0;
  std::cerr << "sim: cannot write " << options.out_file << "\n";
  return 2;
}

// A bar on a terminal, a line now and then elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(const Options& options)
      : total_(options.seeds), terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { Clear(); }

  void Update(uint64_t done, uint64_t bad) {
    if (!terminal_ || done % 20 != 0) return;
    std::string bar;
    if (total_ != UINT64_MAX) {
      const size_t filled = static_cast<size_t>(20 * done / std::max<uint64_t>(1, total_));
      bar = absl::StrCat("[", std::string(filled, '='), std::string(20 - filled, ' '), "] ");
    }
    std::cerr << "\r" << bar << done << " seeds, " << bad << " bad " << std::flush;
    drawn_ = true;
  }
  void Clear() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
  }

 private:
  const uint64_t total_;
  const bool terminal_;
  bool drawn_ = false;
};

int SweepSeeds(const Options& options, size_t threads) {
  ProgressLine progress(options);
  uint64_t done = 0;
  uint64_t bad = 0;
  Sweep sweep;
  sweep.first_seed = options.first_seed;
  sweep.seeds = options.seeds;
  sweep.threads = threads;
  if (options.minutes) sweep.limit_ms = static_cast<uint64_t>(*options.minutes * 60000);
  sweep.on_played = [&](uint64_t seed, const Played& played) {
    if (options.hashes) std::cout << absl::StrFormat("%d %016x\n", seed, played.trace_hash);
    progress.Update(++done, bad);
    if (played.IsGood()) return true;
    progress.Clear();
    std::cout << "seed " << seed << ":\n"
              << played.WhatIsWrong() << "  see it:     ./run soak --replay " << seed
              << "\n  shrink it:  ./run soak --shrink " << seed << "\n"
              << std::flush;
    return ++bad < options.failures_max;
  };
  const SweepSummary summary = Run(sweep);
  progress.Clear();
  if (!options.hashes) std::cout << ToText(summary);
  return summary.bad == 0 && summary.seeds > 0 ? 0 : 1;
}

int Main(int argc, const char* const* argv) {
  google::protobuf::SetLogHandler(nullptr);  // flipped bits are meant to be unreadable
  const auto parsed = ParseCommandLine(argc, argv);
  if (const auto* exit_now = std::get_if<ExitNow>(&parsed)) return exit_now->code;
  const auto& options = std::get<Options>(parsed);
  const size_t threads = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  if (!options.mutations && !options.mutation_names.empty()) {
    const std::optional<Mutation> mutation = mutation::Find(options.mutation_names.front());
    if (!mutation) return Fail(absl::NotFoundError("this build has no such mutation"));
    mutation::SetActive(*mutation);
  }
  if (!options.replay.empty()) return Replay(options);
  if (!options.shrink.empty()) return ShrinkIt(options);
  if (!options.plan.empty()) {
    const absl::StatusOr<Plan> plan = PlanOf(options.plan);
    if (!plan.ok()) return Fail(plan.status());
    std::cout << ToText(*plan);
    return 0;
  }
  if (options.mutations) {
    return CatchMutations(options.mutation_names, options.plans, kMutationSeedsMax, threads, &std::cout) ? 0
                                                                                                         : 1;
  }
  return SweepSeeds(options, threads);
}

}  // namespace
}  // namespace lamppost::sim

int main(int argc, char** argv) {
  return lamppost::sim::Main(argc, argv);
}
