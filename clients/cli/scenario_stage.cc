#include "clients/cli/scenario_stage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/text_table.h"
#include "clients/cpp/time_source.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

constexpr size_t kActors = 3;
constexpr int64_t kCallMs = 3000;
constexpr int64_t kPollMs = 20;
// Should this process be killed, the faults end all the same.
constexpr uint64_t kFaultForMs = 60'000;

client::CallOptions ShortCall() {
  client::CallOptions call;
  call.timeout_ms = kCallMs;
  return call;
}

absl::Status Refused(const char* reason, const std::string& what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, what);
}

absl::Status Cancelled() {
  return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "the scenario was interrupted");
}

}  // namespace

absl::Status ScenarioStage::NotAsPromised(const std::string& what) {
  return Refused("NOT_AS_PROMISED", what);
}

absl::StatusOr<std::unique_ptr<ScenarioStage>> ScenarioStage::Open(Session* session,
                                                                   const Directory& directory) {
  if (directory.entries().size() < kActors) {
    return Refused("TOO_FEW_MEMBERS",
                   absl::StrCat("a scenario needs three members; there are ", directory.entries().size()));
  }
  std::vector<Actor> actors;
  for (size_t i = 0; i < kActors; ++i) {
    const DirectoryEntry& entry = directory.entries()[i];
    actors.push_back({entry.node_id, entry.address, session->MakeClientOf(entry.address, 2),
                      session->MakeAdminClientOf(entry.address)});
  }
  std::unique_ptr<ScenarioStage> stage(new ScenarioStage(session, std::move(actors)));
  if (absl::Status status = stage->CheckFaults(); !status.ok()) return status;
  if (absl::Status status = stage->CheckKeys(); !status.ok()) return status;
  return stage;
}

absl::Status ScenarioStage::CheckFaults() {
  for (const Actor& actor : actors_) {
    const auto list = actor.admin->ListLinkFaults(ShortCall());
    if (!list.ok()) return list.status;
    if (list.response.faults_size() == 0) continue;
    return Refused("FAULTS_PRESENT", absl::StrCat("at node ", actor.node_id,
                                                  " faults are in force already; 'lamppost fault clear' ends "
                                                  "them"));
  }
  return absl::OkStatus();
}

// They may be somebody's own, or what a scenario that was killed has left.
absl::Status ScenarioStage::CheckKeys() {
  kv::v1::ScanRequest request;
  request.set_prefix("scenario/");
  request.set_page_size(1);
  request.set_keys_only(true);
  const auto scan = a().client->Scan(request, ShortCall());
  if (!scan.ok()) return scan.status;
  if (scan.response.entries_size() == 0) return absl::OkStatus();
  return Refused("KEYS_PRESENT",
                 absl::StrCat("there is a key ", scan.response.entries(0).key(),
                              "; a scenario writes keys that begin with scenario/ and deletes "
                              "them, so there may be none before"));
}

void ScenarioStage::Say(const std::string& text) {
  *session_->io().out << text << "\n" << std::flush;
}

void ScenarioStage::Title(const std::string& text) {
  Say(Styled(text, Style::kBold, session_->io().out_colour));
}

void ScenarioStage::Expect(const std::string& text) {
  Say(absl::StrCat("  expects: ", text));
}

void ScenarioStage::Act(const std::string& text) {
  Say(absl::StrCat("  ", Styled("→", Style::kBusy, session_->io().out_colour), " ", text));
}

void ScenarioStage::See(const std::string& text) {
  Say(absl::StrCat("  ", Styled("✓", Style::kGood, session_->io().out_colour), " ", text));
}

absl::Status ScenarioStage::SetFault(Actor& from, kv::v1::LinkFault fault, const std::string& what) {
  if (stopped_) return Cancelled();
  Act(what);
  fault.set_for_ms(kFaultForMs);
  const auto here = static_cast<size_t>(&from - actors_.data());
  faults_.emplace_back(here, fault.to());
  return from.admin->SetLinkFault(fault, ShortCall()).status;
}

absl::Status ScenarioStage::ClearFaults() {
  absl::Status first;
  std::vector<std::pair<size_t, std::string>> left;
  for (const auto& [actor, to] : std::exchange(faults_, {})) {
    const auto cleared = actors_[actor].admin->ClearLinkFaults(to, ShortCall());
    if (cleared.ok()) continue;
    left.emplace_back(actor, to);
    if (first.ok()) first = cleared.status;
  }
  faults_ = std::move(left);
  return first;
}

absl::StatusOr<kv::v1::PutResponse> ScenarioStage::Put(Actor& at, const std::string& key,
                                                       const std::string& value, uint32_t replicas) {
  if (stopped_) return Cancelled();
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(key);
  client::CallOptions call = ShortCall();
  call.replicas = replicas;
  const auto put = at.client->Put(key, client::TextValue(value), call);
  if (!put.ok()) return put.status;
  seen_.Merge(put.response.session());
  return put.response;
}

absl::Status ScenarioStage::Delete(Actor& at, const std::string& key) {
  if (stopped_) return Cancelled();
  return at.client->Delete(key, ShortCall()).status;
}

absl::StatusOr<std::string> ScenarioStage::Read(Actor& at, const std::string& key) {
  if (stopped_) return Cancelled();
  const auto got = at.client->Get(key, ShortCall());
  if (!got.ok()) return got.status;
  return got.response.value().text();
}

absl::StatusOr<std::string> ScenarioStage::ReadAfter(Actor& at, const std::string& key,
                                                     const kv::v1::Session& seen) {
  const auto reader = session_->MakeClientOf(at.address, seen);
  std::string text;
  const auto is_read = [&]() -> absl::StatusOr<bool> {
    const auto got = reader->Get(key, ShortCall());
    if (!got.ok()) return got.status;
    text = got.response.value().text();
    return true;
  };
  const absl::Status status = Await(absl::StrCat("the read of ", key, " at ", at.node_id), is_read);
  if (!status.ok()) return status;
  return text;
}

absl::Status ScenarioStage::Await(const std::string& what,
                                  const std::function<absl::StatusOr<bool>()>& holds) {
  const int64_t until_ms = time().NowMs() + kPatienceMs;
  absl::Status last;
  while (!stopped_) {
    const absl::StatusOr<bool> held = holds();
    if (held.ok() && *held) return absl::OkStatus();
    last = held.status();
    if (time().NowMs() >= until_ms) {
      return NotAsPromised(absl::StrCat(what, ": not within ", kPatienceMs / 1000, " s",
                                        last.ok() ? "" : absl::StrCat("; ", last.message())));
    }
    time().SleepMs(kPollMs);
  }
  return Cancelled();
}

absl::Status ScenarioStage::AwaitConverged() {
  std::string hash;
  const auto converged = [&]() -> absl::StatusOr<bool> {
    std::vector<std::string> hashes;
    for (const Actor& actor : actors_) {
      const auto status = actor.client->Status(ShortCall());
      if (!status.ok()) return status.status;
      if (!status.response.converged()) return false;
      hashes.push_back(status.response.content_hash());
    }
    hash = hashes[0];
    return std::all_of(hashes.begin(), hashes.end(), [&](const std::string& each) { return each == hash; });
  };
  const absl::Status status = Await("all nodes have the same", converged);
  if (status.ok()) See(absl::StrCat("all nodes have the same: content hash ", hash));
  return status;
}

absl::Status ScenarioStage::CleanUp() {
  absl::Status first = ClearFaults();
  // Of somebody who has seen all that was put: the deletions are no conflicts.
  const auto deleter = session_->MakeClientOf(a().address, seen_.Get());
  for (const std::string& key : std::exchange(keys_, {})) {
    kv::v1::ResolveConflictRequest settle;
    settle.set_key(key);
    settle.set_keep_winner(true);
    a().admin->ResolveConflict(settle, ShortCall());  // most keys have none
    const auto deleted = deleter->Delete(key, ShortCall());
    if (first.ok()) first = deleted.status;
  }
  return first;
}

}  // namespace lamppost::cli
