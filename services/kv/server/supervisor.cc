#include "services/kv/server/supervisor.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/common/version.h"
#include "services/kv/storage/salvage_files.h"

namespace lamppost::kv {
namespace {

// From one look to the next: what is reported and cannot be found is not looked for again and again.
constexpr uint64_t kCheckIntervalMs = 10'000;
constexpr uint64_t kLonelyLogIntervalMs = 60'000;
// Beside the time that calls have: for the last commit and the store to close.
constexpr uint64_t kCloseMs = 60'000;

// A removed node is as ready as it will ever be.
void Tell(NodeState state, uint64_t now_ms, ServiceNotices* notices) {
  using Readiness = ServiceNotices::Readiness;
  switch (state) {
    case NodeState::kDecidingLife:
      return notices->Alive(Readiness::kNotYet, now_ms, "asking the other members");
    case NodeState::kRefilling:
      return notices->Alive(Readiness::kNotYet, now_ms, "getting everything from a peer; takes writes alone");
    case NodeState::kServing:
      return notices->Alive(Readiness::kReady, now_ms, "serving");
    case NodeState::kRemoved:
      return notices->Alive(Readiness::kReady, now_ms, "removed from the cluster");
  }
}

}  // namespace

int Supervisor::Run() {
  while (true) {
    absl::StatusOr<std::unique_ptr<Node>> node = Start();
    if (!node.ok()) {
      Log(LogLevel::kError, "cannot start",
          {{"reason", ErrorReason(node.status())}, {"error", std::string(node.status().message())}});
      if (absl::IsDataLoss(node.status()) && HealClosed()) continue;
      return 1;
    }
    Log(LogLevel::kInfo, "serving",
        {{"node", settings_.node_id},
         {"address", settings_.listen[0].host},
         {"port", (*node)->port()},
         {"data_dir", settings_.data_directory},
         {"version", kVersion}});
    const End end = Serve(node->get());
    if (end == End::kBySignal) Log(LogLevel::kInfo, "draining");
    if (end == End::kByDamage) {
      notices_->Rest("setting damaged data aside");
    } else {
      notices_->Stopping(settings_.drain_ms + kCloseMs);
    }
    StopCheck();
    const std::string directory = (*node)->data_directory();
    (*node)->Drain();
    node->reset();
    if (end != End::kByDamage) {
      Log(LogLevel::kInfo, "stopped");
      return end == End::kByFailure ? 1 : 0;
    }
    if (!SetAside(directory, damaged_)) return 1;
  }
}

absl::StatusOr<std::unique_ptr<Node>> Supervisor::Start() {
  news_ = std::make_shared<News>();
  NodeEnvironment environment;
  environment.on_fatal_error = [news = news_, signals = signals_](const absl::Status& status) {
    {
      absl::MutexLock lock(&news->mutex);
      news->failure = status;
    }
    signals->Wake();
  };
  environment.on_damage = [news = news_, signals = signals_](const absl::Status& status) {
    {
      absl::MutexLock lock(&news->mutex);
      if (!news->damage.ok()) return;  // it has been told of some
      news->damage = status;
    }
    signals->Wake();
  };
  environment.on_alive = [notices = notices_](NodeState state, uint64_t now_ms) {
    Tell(state, now_ms, notices);
  };
  environment.owner = owner_;
  absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(settings_, std::move(environment));
  if (!node.ok()) return node;
  owner_ = Identity{settings_.node_id, settings_.cluster};
  // After a salvage it is to be found where it was, at ports that the system chose, too.
  for (size_t i = 0; i < settings_.listen.size(); ++i) settings_.listen[i].port = (*node)->ports()[i];
  if (settings_.metrics) settings_.metrics->port = (*node)->metrics_port();
  return node;
}

Supervisor::End Supervisor::Serve(Node* node) {
  while (true) {
    if (signals_->WaitOrWake() == SignalWaiter::Woken::kBySignal) return End::kBySignal;
    if (const std::optional<End> end = Consider(node)) return *end;
  }
}

std::optional<Supervisor::End> Supervisor::Consider(Node* node) {
  if (const std::optional<End> end = EndCheck()) return end;
  absl::Status failure;
  absl::Status damage;
  {
    absl::MutexLock lock(&news_->mutex);
    failure = news_->failure;
    // While a check is under way it waits: the check may be past what is meant.
    if (check_ == nullptr) damage = std::exchange(news_->damage, absl::OkStatus());
  }
  if (!failure.ok() && (!absl::IsDataLoss(failure) || !node->HasPeers())) return End::kByFailure;
  if (check_ != nullptr) return std::nullopt;
  if (damage.ok()) damage = failure;
  if (damage.ok()) return std::nullopt;
  const uint64_t now_ms = MonotonicMs();
  if (!node->HasPeers()) {
    if (now_ms < next_lonely_log_ms_) return std::nullopt;
    next_lonely_log_ms_ = now_ms + kLonelyLogIntervalMs;
    Log(LogLevel::kError,
        "the data is damaged, and there is no other node to get it back from; what cannot be read is not "
        "served",
        {{"error", std::string(damage.message())}});
    return std::nullopt;
  }
  const uint64_t begin_ms = failure.ok() ? std::max(now_ms, next_check_ms_) : now_ms;
  next_check_ms_ = begin_ms + kCheckIntervalMs;
  BeginCheck(node, damage, begin_ms - now_ms);
  return std::nullopt;
}

void Supervisor::BeginCheck(Node* node, const absl::Status& damage, uint64_t delay_ms) {
  Log(LogLevel::kError, "the data is damaged: looking at all tables",
      {{"reason", ErrorReason(damage)}, {"error", std::string(damage.message())}});
  check_ = std::make_unique<Check>();
  check_->contents_damaged = ErrorReason(damage) == "CONTENT_DAMAGED";
  check_->thread = std::thread([check = check_.get(), node, signals = signals_, delay_ms] {
    absl::StatusOr<TablesReport> report = absl::CancelledError("stopped");
    if (check->pace.Sleep(absl::Milliseconds(delay_ms))) report = node->CheckTables(&check->pace);
    {
      absl::MutexLock lock(&check->mutex);
      check->report = std::move(report);
    }
    signals->Wake();
  });
}

std::optional<Supervisor::End> Supervisor::EndCheck() {
  if (check_ == nullptr) return std::nullopt;
  absl::StatusOr<TablesReport> report = absl::CancelledError();
  {
    absl::MutexLock lock(&check_->mutex);
    if (!check_->report) return std::nullopt;
    report = *std::move(check_->report);
  }
  const bool contents_damaged = check_->contents_damaged;
  StopCheck();
  damaged_.clear();
  if (report.ok()) {
    for (const TablesReport::Damaged& damaged : report->damaged) damaged_.push_back(damaged.path);
  }
  if (!damaged_.empty() || contents_damaged) return End::kByDamage;
  absl::MutexLock lock(&news_->mutex);
  if (!news_->failure.ok()) return End::kByFailure;
  Log(LogLevel::kWarn, "all tables are sound; the damage may have been one of reading");
  return std::nullopt;
}

void Supervisor::StopCheck() {
  if (check_ == nullptr) return;
  check_->pace.Stop();
  check_->thread.join();
  check_.reset();
}

bool Supervisor::SetAside(const std::string& directory, const std::vector<std::string>& tables) {
  for (const std::string& table : tables) {
    Log(LogLevel::kError, "a damaged table is set aside", {{"table", table}, {"kept_in", kLostFolder}});
  }
  const absl::Status status = SetTablesAside(directory, tables);
  if (status.ok()) return true;
  Log(LogLevel::kError, "cannot set the damaged tables aside",
      {{"reason", ErrorReason(status)}, {"error", std::string(status.message())}});
  return false;
}

// Once: what does not open then either is for an operator. And only if a table is what is damaged; a log may
// hold writes that nobody else has.
bool Supervisor::HealClosed() {
  if (closed_heal_tried_ || settings_.peers.empty()) return false;
  closed_heal_tried_ = true;
  Pace pace(0);
  std::vector<std::string> damaged;
  for (const std::string& table : TablesIn(settings_.data_directory)) {
    if (absl::IsDataLoss(CheckTableFile(table, &pace))) damaged.push_back(table);
  }
  return !damaged.empty() && SetAside(settings_.data_directory, damaged);
}

}  // namespace lamppost::kv
