#include "services/kv/core/tracer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {
namespace {

constexpr size_t kValueShownBytesMax = 40;

// The first part of it, without cutting a character in two.
std::string Shortened(const std::string& text) {
  if (text.size() <= kValueShownBytesMax) return text;
  size_t end = kValueShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "…");
}

std::string ShownOf(const Version& version) {
  if (!version.value) return version.lapsed ? " expired" : " deleted";
  if (version.value->kind == Value::Kind::kText) return absl::StrCat(" = ", Shortened(version.value->bytes));
  return absl::StrCat(" = ", version.value->bytes.size(), " bytes");
}

}  // namespace

void Describe(const std::vector<KeyedVersion>& entries, TracePoint* point) {
  point->entries = entries.size();
  for (const KeyedVersion& entry : entries) {
    if (IsSystemKey(entry.key)) continue;
    if (point->keys.size() == TracePoint::kKeysMax) break;
    if (point->keys.empty()) point->detail = absl::StrCat(entry.key, ShownOf(entry.version));
    point->keys.push_back(entry.key);
  }
  if (point->entries > 1 && !point->keys.empty()) {
    absl::StrAppend(&point->detail, " and ", point->entries - 1, " more");
  }
}

TracePoint PointOf(const SyncMessage& message) {
  TracePoint point;
  point.counter = message.clock.counter;
  const bool has_entries = message.entries != nullptr && !message.entries->empty();
  point.carries = message.receiver_incarnation == 0 ? Carries::kGreeting
                  : message.full                    ? Carries::kFull
                  : message.repair_buckets != 0     ? Carries::kRepair
                  : message.progress != 0           ? Carries::kCatchUp
                  : has_entries                     ? Carries::kPush
                                                    : Carries::kHeartbeat;
  // A greeting is to bring nothing, so nobody looks at what it has.
  if (has_entries && point.carries != Carries::kGreeting) Describe(*message.entries, &point);
  return point;
}

TracePoint PointOf(const SyncAnswer& answer) {
  TracePoint point;
  point.counter = answer.clock.counter;
  point.carries = Carries::kAnswer;
  point.refusal = answer.refusal;
  return point;
}

void Tracer::Start() {
  if (!IsOn()) vector_ = std::make_shared<VectorClock>();
}

void Tracer::Stop() {
  vector_ = nullptr;
  taken_ = {};
}

void Tracer::Add(TracePoint point) {
  if (taken_.points.size() >= kPointsMax) {
    ++taken_.left_out;
    return;
  }
  point.vector = vector_;
  taken_.points.push_back(std::move(point));
}

Trace Tracer::Happened(TracePoint point) {
  auto vector = std::make_shared<VectorClock>(*vector_);
  (*vector)[self_] = ++events_;
  vector_ = std::move(vector);
  latest_ = point.counter;
  Add(std::move(point));
  return vector_;
}

void Tracer::Received(TracePoint point, const Trace& its) {
  if (its != nullptr) {
    auto vector = std::make_shared<VectorClock>(*vector_);
    (*vector)[self_] = events_;  // so that there is room for it
    for (const auto& [process, events] : *its) {
      if (process == self_) continue;
      if (vector->size() >= kVectorEntriesMax - 1 && vector->count(process) == 0) continue;  // one is its own
      uint64_t& known = (*vector)[process];
      known = std::max(known, events);
    }
    vector_ = std::move(vector);
  }
  Happened(std::move(point));
}

void Tracer::Mark(TracePoint point) {
  point.counter = latest_;
  Add(std::move(point));
}

}  // namespace lamppost::kv
