#include "clients/cli/scenario_plays.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {
namespace {

// Less than it takes until a third node passes on what a peer lacks (ReplicaOptions::relay_ms).
constexpr int64_t kDelayMs = 700;
constexpr int kItems = 6;

kv::v1::LinkFault CutTo(const Actor& to) {
  kv::v1::LinkFault fault;
  fault.set_to(to.node_id);
  fault.set_cut(true);
  return fault;
}

absl::Status Expected(const std::string& what, const std::string& got, const std::string& wanted) {
  if (got == wanted) return absl::OkStatus();
  return ScenarioStage::NotAsPromised(
      absl::StrCat(what, " is ", got.empty() ? "absent" : got, ", not ", wanted.empty() ? "absent" : wanted));
}

// That the node has this now; it is said if it is so.
absl::Status SeeNow(ScenarioStage* stage, Actor& at, const std::string& key, const std::string& wanted) {
  const absl::StatusOr<std::string> got = stage->Read(at, key);
  if (!got.ok()) return got.status();
  const std::string what = absl::StrCat(key, " at ", at.node_id);
  if (absl::Status status = Expected(what, *got, wanted); !status.ok()) return status;
  stage->See(absl::StrCat(what, " = ", wanted.empty() ? "(absent)" : wanted));
  return absl::OkStatus();
}

absl::Status SeeSoon(ScenarioStage* stage, Actor& at, const std::string& key, const std::string& wanted) {
  const auto has = [&]() -> absl::StatusOr<bool> {
    const absl::StatusOr<std::string> got = stage->Read(at, key);
    if (!got.ok()) return got.status();
    return *got == wanted;
  };
  const std::string what = absl::StrCat(key, " at ", at.node_id, " = ", wanted.empty() ? "(absent)" : wanted);
  const absl::Status status = stage->Await(what, has);
  if (status.ok()) stage->See(what);
  return status;
}

// Puts, and tells the version. The write is known at all three if `replicas` is 3.
absl::StatusOr<kv::v1::PutResponse> Put(ScenarioStage* stage, Actor& at, const std::string& key,
                                        const std::string& value, uint32_t replicas = 1) {
  absl::StatusOr<kv::v1::PutResponse> put = stage->Put(at, key, value, replicas);
  if (!put.ok()) return put;
  stage->Act(
      absl::StrCat("put ", key, " = ", value, " at ", at.node_id, ": ", ToString(FromProto(put->version()))));
  return put;
}

// Nobody hears of anybody any more.
absl::Status CutAll(ScenarioStage* stage) {
  for (Actor& from : stage->actors()) {
    for (Actor& to : stage->actors()) {
      if (&from == &to) continue;
      const std::string what = absl::StrCat("cut from ", from.node_id, " to ", to.node_id);
      if (absl::Status status = stage->SetFault(from, CutTo(to), what); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// Whether the node's ledger has the loser, with its value and what it lost to.
absl::StatusOr<bool> HasConflict(Actor& at, const std::string& key, const kv::v1::PutResponse& loser,
                                 const std::string& value, const kv::v1::PutResponse& winner) {
  kv::v1::ListConflictsRequest request;
  request.set_key(key);
  request.set_open_only(true);
  while (true) {
    const auto list = at.admin->ListConflicts(request);
    if (!list.ok()) return list.status;
    for (const kv::v1::Conflict& conflict : list.response.conflicts()) {
      const bool is_it = FromProto(conflict.loser().version()) == FromProto(loser.version()) &&
                         FromProto(conflict.winner().version()) == FromProto(winner.version());
      if (is_it && conflict.loser().value().text() == value) return true;
    }
    if (list.response.next_page_token().empty()) return false;
    request.set_page_token(list.response.next_page_token());
  }
}

struct ConcurrentWrite {
  kv::v1::PutResponse put;
  std::string value;
};

// What must be so at every node once the two have met.
absl::Status SeeSettled(ScenarioStage* stage, const std::string& key, const ConcurrentWrite& winner,
                        const ConcurrentWrite& loser) {
  for (Actor& actor : stage->actors()) {
    if (absl::Status status = SeeSoon(stage, actor, key, winner.value); !status.ok()) return status;
  }
  for (Actor& actor : stage->actors()) {
    const std::string what =
        absl::StrCat("the ledger of ", actor.node_id, " has ", loser.value, ", lost to ", winner.value);
    const auto has = [&] { return HasConflict(actor, key, loser.put, loser.value, winner.put); };
    if (absl::Status status = stage->Await(what, has); !status.ok()) return status;
    stage->See(what);
  }
  return absl::OkStatus();
}

std::string ItemKey(int number) {
  return absl::StrCat("scenario/item-", number);
}

std::string ItemValue(int number) {
  return absl::StrCat("value ", number);
}

// At the two that are left, in turn.
absl::Status WriteMeanwhile(ScenarioStage* stage, const std::string& deleted) {
  for (int i = 1; i <= kItems; ++i) {
    Actor& at = i % 2 == 0 ? stage->a() : stage->b();
    const auto put = stage->Put(at, ItemKey(i), ItemValue(i));
    if (!put.ok()) return put.status();
  }
  stage->Act(absl::StrCat("put ", kItems, " keys at ", stage->a().node_id, " and ", stage->b().node_id));
  if (absl::Status status = stage->Delete(stage->b(), deleted); !status.ok()) return status;
  stage->Act(absl::StrCat("del ", deleted, " at ", stage->b().node_id));
  return absl::OkStatus();
}

absl::Status SeeCaughtUp(ScenarioStage* stage, Actor& actor) {
  const int64_t start_ms = stage->time().NowMs();
  for (int i = 1; i <= kItems; ++i) {
    const auto has = [&]() -> absl::StatusOr<bool> {
      const absl::StatusOr<std::string> got = stage->Read(actor, ItemKey(i));
      if (!got.ok()) return got.status();
      return *got == ItemValue(i);
    };
    absl::Status status = stage->Await(absl::StrCat(ItemKey(i), " at ", actor.node_id), has);
    if (!status.ok()) return status;
  }
  stage->See(absl::StrCat(actor.node_id, " has all ", kItems, " keys, ", stage->time().NowMs() - start_ms,
                          " ms after it was back"));
  return absl::OkStatus();
}

}  // namespace

absl::Status PlayDelay(ScenarioStage* stage) {
  const std::string key = "scenario/x";
  Actor& a = stage->a();
  Actor& c = stage->c();
  stage->Title(
      absl::StrCat("A. Replication from ", a.node_id, " to ", c.node_id, " is delayed by ", kDelayMs, " ms"));
  stage->Expect(absl::StrCat("a read at ", c.node_id, " is old at first, and new after ", kDelayMs,
                             " ms at the earliest; a read with a session waits and is new; ",
                             stage->b().node_id, " has it at once"));
  if (const auto old = Put(stage, a, key, "old", 3); !old.ok()) return old.status();
  kv::v1::LinkFault fault;
  fault.set_to(c.node_id);
  fault.set_delay_ms(kDelayMs);
  absl::Status status = stage->SetFault(
      a, fault, absl::StrCat("delay from ", a.node_id, " to ", c.node_id, ": ", kDelayMs, " ms"));
  if (!status.ok()) return status;
  const int64_t start_ms = stage->time().NowMs();
  const auto put = Put(stage, a, key, "new");
  if (!put.ok()) return put.status();
  status = SeeNow(stage, c, key, "old");
  if (status.ok()) status = SeeSoon(stage, stage->b(), key, "new");
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> seen = stage->ReadAfter(c, key, put->session());
  const int64_t waited_ms = stage->time().NowMs() - start_ms;
  if (!seen.ok()) return seen.status();
  status =
      Expected(absl::StrCat(key, " at ", c.node_id, ", read with the session of the write,"), *seen, "new");
  if (!status.ok()) return status;
  if (waited_ms < kDelayMs) {
    return ScenarioStage::NotAsPromised(absl::StrCat("the write was at ", c.node_id, " after ", waited_ms,
                                                     " ms, before its message could be"));
  }
  stage->See(absl::StrCat("a read with the session of the write waited at ", c.node_id, ", and was new ",
                          waited_ms, " ms after the write"));
  status = SeeNow(stage, c, key, "new");
  if (status.ok()) status = stage->ClearFaults();
  return status.ok() ? stage->AwaitConverged() : status;
}

absl::Status PlayConcurrent(ScenarioStage* stage) {
  const std::string key = "scenario/color";
  Actor& a = stage->a();
  Actor& b = stage->b();
  stage->Title(
      absl::StrCat("B. ", a.node_id, " and ", b.node_id, " write the same key and cannot see each other"));
  stage->Expect(
      "both writes are accepted; then all nodes have the one with the greater timestamp, and the ledger "
      "of every node has the other one");
  absl::Status status = CutAll(stage);
  if (!status.ok()) return status;
  const auto red = Put(stage, a, key, "red");
  if (!red.ok()) return red.status();
  const auto blue = Put(stage, b, key, "blue");
  if (!blue.ok()) return blue.status();
  status = SeeNow(stage, a, key, "red");
  if (status.ok()) status = SeeNow(stage, b, key, "blue");
  if (!status.ok()) return status;
  const bool blue_wins = FromProto(red->version()) < FromProto(blue->version());
  const ConcurrentWrite first{*red, "red"};
  const ConcurrentWrite second{*blue, "blue"};
  const ConcurrentWrite& winner = blue_wins ? second : first;
  const ConcurrentWrite& loser = blue_wins ? first : second;
  stage->Expect(absl::StrCat(winner.value, " wins: ", ToString(FromProto(winner.put.version())), " is above ",
                             ToString(FromProto(loser.put.version()))));
  stage->Act("the cuts end");
  status = stage->ClearFaults();
  if (status.ok()) status = SeeSettled(stage, key, winner, loser);
  return status.ok() ? stage->AwaitConverged() : status;
}

absl::Status PlayOutage(ScenarioStage* stage) {
  const std::string gone = "scenario/gone";
  Actor& c = stage->c();
  stage->Title(absl::StrCat("C. ", c.node_id, " is cut off for a while"));
  stage->Expect(
      absl::StrCat("the others take writes all the time; ", c.node_id,
                   " has them soon after it is back, and what was deleted meanwhile stays deleted"));
  if (const auto put = Put(stage, stage->a(), gone, "here", 3); !put.ok()) return put.status();
  kv::v1::LinkFault pause;
  pause.set_pause(true);
  absl::Status status = stage->SetFault(c, pause, absl::StrCat("pause: ", c.node_id));
  if (status.ok()) status = WriteMeanwhile(stage, gone);
  if (status.ok()) status = SeeNow(stage, c, gone, "here");
  if (status.ok()) status = SeeNow(stage, c, ItemKey(kItems), "");
  if (!status.ok()) return status;
  stage->Act(absl::StrCat(c.node_id, " is back"));
  status = stage->ClearFaults();
  if (status.ok()) status = SeeCaughtUp(stage, c);
  if (status.ok()) status = stage->AwaitConverged();
  for (Actor& actor : stage->actors()) {
    if (status.ok()) status = SeeNow(stage, actor, gone, "");
  }
  return status;
}

}  // namespace lamppost::cli
