#include "tests/integration/chaos/nemesis.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::chaos {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(10);
constexpr int64_t kLookAtHeadsMs = 200;
// An orderly end waits for calls under way and for the disk.
constexpr absl::Duration kOrderlyEndLimit = absl::Seconds(20);
// A node whose commit failed for want of room ends so soon.
constexpr int64_t kLastWordsMs = 2000;
constexpr absl::Duration kAnswerLimit = absl::Seconds(20);

bool IsOnNetwork(StrikeKind kind) {
  return kind == StrikeKind::kIsolate || kind == StrikeKind::kOneWay || kind == StrikeKind::kHalves ||
         kind == StrikeKind::kSlowLink || kind == StrikeKind::kLostAnswers;
}

void AddBothWays(LinkFault::Kind kind, int one, int other, std::vector<LinkFault>* faults) {
  faults->push_back({kind, one, other});
  faults->push_back({kind, other, one});
}

void AddFaults(const Strike& strike, int nodes, std::vector<LinkFault>* faults) {
  const auto cut = strike.manner == Manner::kLoud ? LinkFault::Kind::kReject : LinkFault::Kind::kDrop;
  switch (strike.kind) {
    case StrikeKind::kIsolate:
    case StrikeKind::kHalves:
      for (int inside : strike.nodes) {
        for (int other = 0; other < nodes; ++other) {
          const bool is_inside =
              std::find(strike.nodes.begin(), strike.nodes.end(), other) != strike.nodes.end();
          if (!is_inside) AddBothWays(cut, inside, other, faults);
        }
      }
      return;
    case StrikeKind::kOneWay:
      return faults->push_back({cut, strike.nodes[0], strike.nodes[1]});
    case StrikeKind::kSlowLink:
      return AddBothWays(LinkFault::Kind::kSlow, strike.nodes[0], strike.nodes[1], faults);
    case StrikeKind::kLostAnswers:
      return faults->push_back({LinkFault::Kind::kDrop, strike.nodes[0], kClients});
    default:
      return;
  }
}

}  // namespace

Nemesis::Nemesis(Arena* arena, std::vector<Strike> schedule, RunClock clock,
                 std::function<void(const std::string&)> log)
    : arena_(arena), clock_(std::move(clock)), log_(std::move(log)), nodes_(arena->size()) {
  for (Strike& strike : schedule) schedule_.push_back({std::move(strike)});
}

int64_t Nemesis::NowMs() const {
  return static_cast<int64_t>(clock_() - begin_us_) / 1000;
}

void Nemesis::Run(int64_t length_ms) {
  begin_us_ = clock_();
  while (NowMs() < length_ms) {
    for (Planned& planned : schedule_) {
      if (planned.state == State::kActive && IsDue(planned)) End(&planned);
      if (planned.state == State::kWaiting && planned.strike.start_ms <= NowMs()) Begin(&planned);
    }
    LookForDeaths();
    LookAtHeads();
    absl::SleepFor(kLook);
  }
  Heal();
}

// An orderly end may take its time; nothing else waits for it, and another strike may have come in between
// and started the node again.
bool Nemesis::IsDue(const Planned& planned) const {
  const int64_t late_ms = NowMs() - planned.strike.end_ms;
  if (late_ms < 0) return false;
  const int node = planned.strike.nodes[0];
  return planned.strike.kind != StrikeKind::kStop || nodes_[node].should_run ||
         late_ms > absl::ToInt64Milliseconds(kOrderlyEndLimit) || !arena_->node(node)->process()->IsRunning();
}

void Nemesis::Begin(Planned* planned) {
  const Strike& strike = planned->strike;
  planned->state = State::kActive;
  log_(absl::StrCat("strikes, ", ToString(strike)));
  if (IsOnNetwork(strike.kind)) {
    ApplyFaults();
  } else if (absl::Status status = BeginOnProcess(strike); !status.ok()) {
    return Fail(status.ToString());
  }
  ++struck_[strike.kind];
}

void Nemesis::End(Planned* planned) {
  planned->state = State::kOver;
  if (IsOnNetwork(planned->strike.kind)) {
    ApplyFaults();
  } else {
    EndOnProcess(planned->strike);
  }
}

absl::Status Nemesis::BeginOnProcess(const Strike& strike) {
  const int node = strike.nodes[0];
  switch (strike.kind) {
    case StrikeKind::kKill:
    case StrikeKind::kKillAll:
      for (int each : strike.nodes) {
        nodes_[each].should_run = false;
        arena_->node(each)->Kill();
      }
      return absl::OkStatus();
    case StrikeKind::kStop:
      nodes_[node].should_run = false;
      nodes_[node].is_early = !arena_->node(node)->process()->Blocks(SIGTERM);
      arena_->node(node)->process()->Signal(SIGTERM);
      return absl::OkStatus();
    case StrikeKind::kPause:
    case StrikeKind::kLongPause:
      arena_->node(node)->Pause();
      nodes_[node].is_paused = true;
      return absl::OkStatus();
    case StrikeKind::kWipe:
      Wipe(node);
      return absl::OkStatus();
    case StrikeKind::kDiskFull:
      nodes_[node].full_until_ms = strike.end_ms;
      nodes_[node].may_end_until_ms = strike.end_ms + kLastWordsMs;
      return arena_->TakeRoom(strike.manner);
    default:
      return absl::OkStatus();
  }
}

void Nemesis::EndOnProcess(const Strike& strike) {
  switch (strike.kind) {
    case StrikeKind::kPause:
    case StrikeKind::kLongPause:
      nodes_[strike.nodes[0]].is_paused = false;
      return arena_->node(strike.nodes[0])->Resume();
    case StrikeKind::kStop:
      if (!nodes_[strike.nodes[0]].should_run) EndOrderly(strike.nodes[0]);
      break;
    case StrikeKind::kDiskFull:
      arena_->GiveRoom();
      break;
    default:
      break;
  }
  for (int node : strike.nodes) StartAgain(node);
}

// What the others have is asked for when the node can send no more; so it is less than what they will have,
// never more.
void Nemesis::Wipe(int node) {
  nodes_[node].should_run = false;
  arena_->node(node)->Kill();
  history::DiskLoss loss;
  loss.node = arena_->node(node)->id();
  loss.kept = arena_->KeptWithout(node);
  arena_->WipeDisk(node);
  loss.at_us = clock_();
  log_(absl::StrCat("  the others keep ", kv::ToString(loss.kept)));
  disk_losses_.push_back(std::move(loss));
}

void Nemesis::ApplyFaults() {
  std::vector<LinkFault> faults;
  for (const Planned& planned : schedule_) {
    if (planned.state == State::kActive) AddFaults(planned.strike, arena_->size(), &faults);
  }
  if (absl::Status status = arena_->network()->Apply(faults); !status.ok()) Fail(status.ToString());
}

void Nemesis::EndOrderly(int node) {
  const absl::StatusOr<int> code = arena_->node(node)->process()->Wait(kOrderlyEndLimit);
  const std::string& id = arena_->node(node)->id();
  if (!code.ok())
    return Fail(absl::StrCat("node ", id, " does not end in order: ", code.status().ToString()));
  const bool killed = *code == 128 + SIGKILL;  // by a strike on all
  // One that has only just been started may be hit before it has come to the point of taking signals; it has
  // opened nothing then.
  const bool early = *code == 128 + SIGTERM && nodes_[node].is_early;
  if (*code != 0 && !killed && !early) Fail(absl::StrCat("node ", id, " ended with ", *code, " on SIGTERM"));
}

void Nemesis::StartAgain(int node) {
  nodes_[node].should_run = true;
  if (arena_->node(node)->process()->IsRunning()) return;
  if (absl::Status status = arena_->node(node)->Launch(); !status.ok()) Fail(status.ToString());
}

void Nemesis::LookForDeaths() {
  for (int node = 0; node < arena_->size(); ++node) {
    NodeState& state = nodes_[node];
    if (!state.should_run || arena_->node(node)->process()->IsRunning()) continue;
    if (NowMs() < state.may_end_until_ms) {
      log_(absl::StrCat("  node ", arena_->node(node)->id(), " ended on its full disk"));
    } else {
      Fail(absl::StrCat("node ", arena_->node(node)->id(), " ended by itself with ",
                        arena_->node(node)->process()->Wait(absl::ZeroDuration()).value_or(-1)));
    }
    // On a full disk there is no point in starting it before the strike is over.
    state.should_run = false;
    if (NowMs() >= state.full_until_ms) StartAgain(node);
  }
}

void Nemesis::LookAtHeads() {
  if (NowMs() < next_look_ms_) return;
  next_look_ms_ = NowMs() + kLookAtHeadsMs;
  for (int node = 0; node < arena_->size(); ++node) {
    if (nodes_[node].should_run && !nodes_[node].is_paused) arena_->LookAtHeads(node);
  }
}

void Nemesis::Heal() {
  for (Planned& planned : schedule_) {
    if (planned.state == State::kActive) End(&planned);
  }
  ApplyFaults();
  arena_->GiveRoom();
  for (int node = 0; node < arena_->size(); ++node) {
    StartAgain(node);
    arena_->node(node)->Resume();
  }
  // One that answers has no failed commit behind it; one that had may end only now.
  const absl::Status all_answer = testing::WaitFor("all nodes to answer", kAnswerLimit, [this] {
    LookForDeaths();
    for (int node = 0; node < arena_->size(); ++node) {
      if (!arena_->node(node)->client()->Status().ok()) return false;
    }
    return true;
  });
  if (!all_answer.ok()) Fail(all_answer.ToString());
}

void Nemesis::Fail(const std::string& what) {
  log_(absl::StrCat("FAILED: ", what));
  failures_.push_back(what);
}

}  // namespace lamppost::chaos
