#include "services/rpc/server/faults.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kMethodBytesMax = 64;

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FAULT_INVALID", message);
}

void Add(const Fault& fault, Strikes* strikes) {
  switch (fault.kind) {
    case FaultKind::kDelay:
      strikes->delay_ms = std::max(strikes->delay_ms, fault.delay_ms);
      break;
    case FaultKind::kFailBefore:
      strikes->fails_before = true;
      break;
    case FaultKind::kLoseReply:
      strikes->loses_reply = true;
      break;
    case FaultKind::kCrash:
      strikes->crash_after_ms = std::min(strikes->crash_after_ms.value_or(fault.delay_ms), fault.delay_ms);
      break;
  }
}

}  // namespace

absl::Status FaultTable::Add(Fault fault) {
  if (fault.delay_ms > kFaultDelayMsMax) {
    return Invalid(absl::StrCat("delay_ms is at most ", kFaultDelayMsMax));
  }
  if (!(fault.probability > 0 && fault.probability <= 1)) {  // NaN is neither
    return Invalid("a probability is above 0 and up to 1");
  }
  if (fault.method.size() > kMethodBytesMax) {
    return Invalid(absl::StrCat("a function's name has at most ", kMethodBytesMax, " characters"));
  }
  if (faults_.size() >= kFaultsMax) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_FAULTS",
                     absl::StrCat("there are ", kFaultsMax, " faults already; clear them first"));
  }
  faults_.push_back(std::move(fault));
  return absl::OkStatus();
}

size_t FaultTable::Clear() {
  return std::exchange(faults_, {}).size();
}

bool FaultTable::Hits(const Fault& fault, absl::string_view method) {
  if (!fault.method.empty() && fault.method != method) return false;
  // Of 53 bits, as many as a double holds: the same on every system.
  return static_cast<double>(random_() >> 11) / static_cast<double>(uint64_t{1} << 53) < fault.probability;
}

Strikes FaultTable::Strike(absl::string_view method) {
  Strikes strikes;
  for (auto it = faults_.begin(); it != faults_.end();) {
    if (!Hits(*it, method)) {
      ++it;
      continue;
    }
    rpc::Add(*it, &strikes);
    const bool used_up = it->times == 1;
    if (it->times > 1) --it->times;
    it = used_up ? faults_.erase(it) : it + 1;
  }
  return strikes;
}

absl::Status Faults::CheckEnabled() const {
  if (mode_ == Mode::kEnabled) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "FAULTS_DISABLED",
                   "the server has not been started with --enable-faults");
}

absl::Status Faults::Add(Fault fault) {
  if (absl::Status status = CheckEnabled(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  return table_.Add(std::move(fault));
}

absl::StatusOr<size_t> Faults::Clear() {
  if (absl::Status status = CheckEnabled(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  return table_.Clear();
}

absl::StatusOr<std::vector<Fault>> Faults::List() const {
  if (absl::Status status = CheckEnabled(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  return table_.faults();
}

Strikes Faults::Strike(absl::string_view method) {
  if (mode_ == Mode::kDisabled) return Strikes();
  absl::MutexLock lock(&mutex_);
  return table_.Strike(method);
}

void Faults::ArmCrash(const RequestId& id, uint64_t delay_ms) {
  absl::MutexLock lock(&mutex_);
  armed_[id] = delay_ms;
}

void Faults::DisarmCrash(const RequestId& id) {
  absl::MutexLock lock(&mutex_);
  armed_.erase(id);
}

void Faults::RunStarted(const RequestId& id) {
  std::optional<uint64_t> delay_ms;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = armed_.find(id);
    if (it == armed_.end()) return;
    delay_ms = it->second;
    armed_.erase(it);
  }
  crash_(*delay_ms);
}

}  // namespace lamppost::rpc
