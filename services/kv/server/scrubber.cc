#include "services/kv/server/scrubber.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/kv/core/content_check.h"

namespace lamppost::kv {
namespace {

constexpr size_t kStepBytes = size_t{256} << 10;

}  // namespace

// The store at one moment, and what its contents must hash to. Shared with the driver, which may never come
// to it.
struct Scrubber::Moment {
  absl::Mutex mutex;
  bool given_up ABSL_GUARDED_BY(mutex) = false;
  std::optional<ContentHash> hash ABSL_GUARDED_BY(mutex);
  std::unique_ptr<StoreReader> snapshot ABSL_GUARDED_BY(mutex);
};

Scrubber::Scrubber(ScrubberOptions options, const RocksDbStorage* storage, Driver* driver)
    : options_(std::move(options)),
      storage_(storage),
      driver_(driver),
      pace_(options_.bytes_per_second),
      thread_([this] { Run(); }) {}

Scrubber::~Scrubber() {
  pace_.Stop();
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  thread_.join();
}

bool Scrubber::Sleep(uint64_t duration_ms) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopped_),
                                  absl::Milliseconds(static_cast<int64_t>(duration_ms)));
}

void Scrubber::Run() {
  if (!Sleep(std::min(options_.interval_ms, options_.first_ms_max))) return;
  do {
    Look();
  } while (Sleep(options_.interval_ms));
}

void Scrubber::Look() {
  const uint64_t begun_ms = MonotonicMs();
  const absl::StatusOr<TablesReport> tables = storage_->CheckTables(&pace_);
  if (!tables.ok()) return;  // stopped
  for (const TablesReport::Damaged& damaged : tables->damaged) {
    Log(LogLevel::kError, "the scrub has found a damaged table",
        {{"table", damaged.path}, {"error", std::string(damaged.why.message())}});
    options_.on_damage(damaged.why);
  }
  absl::Status content;
  if (tables->damaged.empty()) content = CheckContent();
  if (absl::IsCancelled(content)) return;
  if (absl::IsDataLoss(content)) {
    Log(LogLevel::kError, "the scrub has found damaged contents",
        {{"error", std::string(content.message())}});
    options_.on_damage(content);
  }
  // A want of files or memory, say, which tells nothing of the data.
  const absl::Status& unseen = tables->unchecked > 0 ? tables->why_unchecked : content;
  if (!unseen.ok() && !absl::IsDataLoss(unseen)) {
    Log(LogLevel::kWarn, "the scrub could not look at everything",
        {{"error", std::string(unseen.message())}});
  }
  Log(LogLevel::kInfo, "scrub finished",
      {{"tables", tables->tables},
       {"bytes", tables->bytes},
       {"damaged_tables", tables->damaged.size()},
       {"unchecked_tables", tables->unchecked},
       {"contents", content.ok()                ? "as they should be"
                    : absl::IsDataLoss(content) ? "damaged"
                                                : "unknown"},
       {"elapsed_ms", MonotonicMs() - begun_ms}});
}

absl::Status Scrubber::CheckContent() {
  auto moment = std::make_shared<Moment>();
  driver_->PostBetweenGroups([this, moment](Replica* replica) {
    absl::MutexLock lock(&moment->mutex);
    if (moment->given_up) return;
    moment->snapshot = storage_->Snapshot();
    moment->hash = replica->state().hash;
  });
  std::optional<ContentCheck> check;
  while (!check) {
    if (!Sleep(20)) break;
    absl::MutexLock lock(&moment->mutex);
    if (moment->hash) check.emplace(std::move(moment->snapshot), *moment->hash);
  }
  if (!check) {
    absl::MutexLock lock(&moment->mutex);
    moment->given_up = true;
    moment->snapshot.reset();
    return absl::CancelledError("stopped");
  }
  while (true) {
    const absl::StatusOr<size_t> bytes = check->Next(kStepBytes);
    if (!bytes.ok() && !absl::IsDataLoss(bytes.status())) return bytes.status();
    if (!bytes.ok()) {
      return MakeError(absl::StatusCode::kDataLoss, "CONTENT_DAMAGED", bytes.status().message());
    }
    if (*bytes == 0) break;
    if (!pace_.Take(*bytes)) return absl::CancelledError("stopped");
  }
  const std::vector<int> wrong = check->WrongBuckets();
  if (wrong.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "CONTENT_DAMAGED",
                   absl::StrCat("the stored versions are not those that were written, in bucket ",
                                absl::StrJoin(wrong, ", "), " of the content hash"));
}

}  // namespace lamppost::kv
