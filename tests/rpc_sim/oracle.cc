#include "tests/rpc_sim/oracle.h"

#include <algorithm>

#include "services/common/error.h"

namespace lamppost::rpc::sim {
namespace {

constexpr char kShutDown[] = "SHUT_DOWN";

// The number of the run that the outcome says it is of; nothing if it is the engine's own.
std::optional<uint64_t> StartOf(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kError && outcome.error.exit_code) return *outcome.error.exit_code;
  if (outcome.kind != Outcome::Kind::kResult) return std::nullopt;
  const absl::StatusOr<Json> json = ParseJson(outcome.result, 1000);
  if (!json.ok() || !json->is_object() || !json->contains("start")) return UINT64_MAX;
  const Json& start = (*json)["start"];
  return start.is_number_integer() ? start.get<uint64_t>() : UINT64_MAX;
}

}  // namespace

void Oracle::Stored(const RequestId& id, const std::string& value) {
  const absl::StatusOr<Record> record = DecodeRecord(value);
  if (!record.ok())
    return journal_.Violated(CheckId::kDurable, absl::StrCat(Name(id), " is stored as garbage"));
  Facts& facts = ids_[id];
  if (!facts.stored) {
    journal_.Expect(CheckId::kExpired, !facts.forgotten, Name(id), " had an outcome, and is recorded anew");
  }
  switch (record->state) {
    case Record::State::kRunning:
      StoredRunning(id, &facts, *record);
      break;
    case Record::State::kDone:
      StoredDone(id, &facts, *record);
      break;
    case Record::State::kForgotten:
      facts.forgotten = true;
      break;
  }
  facts.stored = *record;
}

void Oracle::StoredRunning(const RequestId& id, Facts* facts, const Record& record) {
  CheckStamp(record.started, absl::StrCat(Name(id), " started"));
  if (facts->stored) {
    const Record& before = *facts->stored;
    journal_.Expect(CheckId::kSameOutcome, before.state == Record::State::kRunning, Name(id),
                    " had come to its end, and runs again");
    journal_.Expect(CheckId::kRepeat, before.repeat == Repeat::kIdempotent, Name(id),
                    " is not idempotent, and is taken over");
    journal_.Expect(CheckId::kRepeat, !is_alive_(before.owner), Name(id), " is taken over from ",
                    before.owner, ", which is alive");
    journal_.Count("takeovers");
  }
  facts->recorded.insert({record.owner, record.run});
}

void Oracle::StoredDone(const RequestId& id, Facts* facts, const Record& record) {
  const Outcome& outcome = record.outcome;
  CheckStamp(outcome.started, absl::StrCat(Name(id), " started"));
  CheckStamp(outcome.finished, absl::StrCat(Name(id), " finished"));
  if (facts->outcome) {
    journal_.Expect(CheckId::kSameOutcome, *facts->outcome == outcome, Name(id), " gets another outcome");
    return;
  }
  facts->outcome = outcome;
  if (outcome.kind != Outcome::Kind::kUnknown || !facts->stored) return;
  const std::string& owner = facts->stored->owner;
  const bool shut_down = outcome.error.reason == kShutDown;
  journal_.Count(shut_down ? "unknown, shut down" : "unknown, crashed");
  journal_.Expect(CheckId::kUnknown, shut_down ? killed_owners_.count(owner) > 0 : !is_alive_(owner),
                  Name(id), " is unknown, and ", owner, ", which ran it, is alive");
  journal_.Expect(CheckId::kUnknown, facts->stored->repeat == Repeat::kOnce || setup_.swaps > 0, Name(id),
                  " is idempotent, and its outcome is unknown");
}

void Oracle::Forgotten(const RequestId& id) {
  Facts& facts = ids_[id];
  // Removed before it started, by an orderly stop, it may be recorded anew.
  facts.forgotten |= facts.outcome.has_value();
  facts.stored.reset();
}

uint64_t Oracle::Started(const LifeFacts& life, const FunctionSpec& spec, const RunRequest& request) {
  const uint64_t start = runs_.size();
  Facts& facts = ids_[request.id];
  const std::string what = spec.name + CanonicalText(request.params);
  const bool recorded = std::any_of(life.owners.begin(), life.owners.end(), [&](const std::string& owner) {
    return facts.recorded.count({owner, request.run}) > 0;
  });
  journal_.Expect(CheckId::kRecorded, recorded, Name(request.id), " starts, and its record is not durable");
  // Of a wall clock that is set back nothing else can be expected; nor is another server held to it.
  journal_.Expect(CheckId::kExpired,
                  facts.too_old_for.count(life.owners.front()) == 0 || setup_.wall_jumps > 0,
                  Name(request.id), " starts after it has been refused as too old");
  facts.once |= spec.repeat == Repeat::kOnce;
  journal_.Expect(CheckId::kOnce, !facts.once || facts.starts.empty(), Name(request.id), " starts again");
  if (!facts.starts.empty()) journal_.Count("runs repeated");
  journal_.Expect(CheckId::kReused, facts.starts.empty() || facts.started_what == what, Name(request.id),
                  " was started for ", facts.started_what, ", and now is for ", what);
  facts.started_what = what;
  facts.starts.push_back(start);
  runs_.push_back({request.id, spec.name, life.server});
  const size_t running = ++running_[{life.server, spec.name}];
  journal_.Expect(CheckId::kBounds, running <= setup_.ConcurrencyMax(spec), spec.name, " runs ", running,
                  " times at once at S", life.server);
  journal_.Count("runs");
  return start;
}

void Oracle::TookEffect(uint64_t start) {
  runs_[start].effect = true;
}

void Oracle::RunEnded(uint64_t start) {
  runs_[start].going_on = false;
  --running_[{runs_[start].server, runs_[start].function}];
}

void Oracle::LifeEnded(const LifeFacts& life) {
  for (Run& run : runs_) {
    if (run.server != life.server || !run.going_on) continue;
    run.going_on = false;
    journal_.Strike(Fault::kCrashInRun);
  }
  for (auto& [key, running] : running_) {
    if (key.first == life.server) running = 0;
  }
}

void Oracle::KillsAll(const LifeFacts& life) {
  killed_owners_.insert(life.owners.begin(), life.owners.end());
}

void Oracle::Asked(const Request& request) {
  if (request.kind == Request::Kind::kCall) ids_[request.id].asked.insert(request.What());
  if (!request.watermark) return;
  RequestId& watermark = watermarks_[request.client_id];
  watermark = std::max(watermark, *request.watermark);
}

void Oracle::Replied(const LifeFacts& life, const Request& request, const absl::StatusOr<CallReply>& reply,
                     uint64_t clock) {
  if (!reply.ok()) return CheckRefusal(life, request, reply.status());
  Facts& facts = ids_[request.id];
  CheckOutcome(request.id, facts, reply->outcome, clock);
  journal_.Expect(CheckId::kReused, facts.starts.empty() || facts.started_what == request.What(),
                  Name(request.id), " ran for ", facts.started_what, ", and answers ", request.What());
  if (reply->replay == Replay::kFirst) {
    ++facts.first_replies;
    journal_.Expect(CheckId::kReplies, facts.first_replies <= std::max<size_t>(1, facts.starts.size()),
                    Name(request.id), " has more first replies than runs");
  } else {
    journal_.Count("replies replayed");
  }
}

void Oracle::Told(const LifeFacts& life, const Request& request, const absl::StatusOr<CallInfo>& reply,
                  uint64_t clock) {
  if (!reply.ok()) return CheckRefusal(life, request, reply.status());
  Facts& facts = ids_[request.id];
  if (reply->state == CallInfo::State::kDone) {
    if (reply->outcome) return CheckOutcome(request.id, facts, *reply->outcome, clock);
    return journal_.Violated(CheckId::kReplies,
                             absl::StrCat(Name(request.id), " is done without an outcome"));
  }
  journal_.Count("looks at what is not done");
  journal_.Expect(CheckId::kReplies, !reply->outcome.has_value(), Name(request.id),
                  " has an outcome and is not done");
}

void Oracle::CheckOutcome(const RequestId& id, const Facts& facts, const Outcome& outcome, uint64_t clock) {
  journal_.Expect(CheckId::kDurable, facts.outcome.has_value(), Name(id),
                  " is answered with an outcome that is not durable");
  journal_.Expect(CheckId::kSameOutcome, !facts.outcome || *facts.outcome == outcome, Name(id),
                  " is answered with another outcome than the durable one");
  journal_.Expect(CheckId::kClock, outcome.started.counter < outcome.finished.counter, Name(id), " ended at ",
                  ToString(outcome.finished), " and started at ", ToString(outcome.started));
  journal_.Expect(CheckId::kClock, outcome.finished.counter < clock, Name(id), " ended at ",
                  ToString(outcome.finished), ", and the reply is from ", clock);
  journal_.Count("replies with an outcome");
  const std::optional<uint64_t> start = StartOf(outcome);
  if (!start) {
    journal_.Expect(CheckId::kAcknowledged, outcome.kind == Outcome::Kind::kUnknown || !facts.starts.empty(),
                    Name(id), " was ended and has never started");
    return;
  }
  const bool known = *start < runs_.size() && runs_[*start].id == id;
  journal_.Expect(CheckId::kAcknowledged, known, Name(id), " has an outcome that is not of a run of its");
  if (!known) return;
  journal_.Expect(CheckId::kAcknowledged, runs_[*start].effect, Name(id),
                  " is acknowledged and has not taken effect");
}

void Oracle::CheckRefusal(const LifeFacts& life, const Request& request, const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  const Facts& facts = ids_[request.id];
  if (reason == "REQUEST_ID_REUSED") {
    journal_.Count("refused as reused");
    return journal_.Expect(CheckId::kReused, facts.asked.size() > 1, Name(request.id),
                           " is refused as reused, and has come with nothing else");
  }
  if (reason == "REQUEST_ID_EXPIRED") {
    journal_.Count("refused as expired");
    if (TooOld(life, request.id)) ids_[request.id].too_old_for.insert(life.owners.front());
    return journal_.Expect(CheckId::kExpired, MayBeExpired(life, request, facts), Name(request.id),
                           " is refused as expired without reason: ", status.message());
  }
  if (reason == "REQUEST_STORE_FULL") return journal_.Strike(Fault::kStoreFull);
  if (status.code() == absl::StatusCode::kResourceExhausted) journal_.Strike(Fault::kBusy);
  static const auto* const kReasons = new std::set<std::string>{
      "FUNCTION_BUSY",  "OVERLOADED",       "SHUTTING_DOWN",      "REQUEST_STORE_UNAVAILABLE",
      "CLOCK",          "FUNCTION_UNKNOWN", "REQUEST_ID_UNKNOWN", "REQUEST_ID_FROM_THE_FUTURE",
      "RUN_INTERRUPTED"};
  journal_.Count(reason == "REQUEST_ID_FROM_THE_FUTURE" ? "refused as from the future" : "refused otherwise");
  journal_.Expect(CheckId::kReplies, kReasons->count(reason) > 0, Name(request.id), " gets ",
                  status.ToString());
}

bool Oracle::TooOld(const LifeFacts& life, const RequestId& id) const {
  return id.minted_ms() && *id.minted_ms() + setup_.engine.sweeper.retention_ms < life.wall_ms;
}

bool Oracle::MayBeExpired(const LifeFacts& life, const Request& request, const Facts& facts) const {
  if (facts.forgotten) return true;
  const std::optional<uint64_t> minted_ms = request.id.minted_ms();
  if (!minted_ms) return false;
  if (*minted_ms <= horizon_ms_) return true;
  if (TooOld(life, request.id)) return true;
  const auto watermark = watermarks_.find(request.client_id);
  return watermark != watermarks_.end() && request.id < watermark->second;
}

void Oracle::CheckStamp(const Timestamp& stamp, const std::string& of) {
  const std::string& node = stamp.origin.node_id;
  const auto [it, added] = stamps_.insert({{node, stamp.counter}, of});
  journal_.Expect(CheckId::kUnique, added || it->second == of, ToString(stamp), " is of ", it->second,
                  " and of ", of);
  auto& lives = lives_[node];
  const auto [own, first] = lives.insert({stamp.origin.incarnation, {stamp.counter, stamp.counter}});
  own->second.first = std::min(own->second.first, stamp.counter);
  own->second.second = std::max(own->second.second, stamp.counter);
  if (own != lives.begin()) {
    journal_.Expect(CheckId::kUnique, std::prev(own)->second.second < own->second.first, ToString(stamp),
                    " is not above all of the life before");
  }
  if (std::next(own) != lives.end()) {
    journal_.Expect(CheckId::kUnique, own->second.second < std::next(own)->second.first, ToString(stamp),
                    " is not below all of the next life");
  }
}

void Oracle::AtRest(const std::map<RequestId, StoredRecord>& records) {
  for (const auto& [id, stored] : records) {
    const Facts& facts = ids_[id];
    if (!facts.stored || facts.stored->state != Record::State::kRunning) continue;
    journal_.Expect(CheckId::kLiveness, !is_alive_(facts.stored->owner), Name(id),
                    " is recorded as running at ", facts.stored->owner, ", which is alive and idle");
  }
  journal_.Looked(CheckId::kLiveness);
}

}  // namespace lamppost::rpc::sim
