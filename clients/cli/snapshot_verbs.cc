// snapshot save, snapshot verify, snapshot restore.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cli/atomic_file.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/progress.h"
#include "clients/cli/text_table.h"
#include "clients/cli/verbs.h"
#include "clients/cpp/snapshot_client.h"
#include "services/common/error.h"
#include "services/kv/snapshot/restore_directory.h"
#include "services/kv/snapshot/snapshot_check.h"

namespace lamppost::cli {
namespace {

// Writes a snapshot to a file that appears when it is whole, and checks it on the way.
class FileReceiver : public client::SnapshotReceiver {
 public:
  explicit FileReceiver(Session* session) : session_(session) {}

  absl::Status Begin() override {
    absl::StatusOr<std::unique_ptr<AtomicFile>> file =
        AtomicFile::Create(session_->arguments().snapshot.file);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    check_ = std::make_unique<kv::SnapshotCheck>();
    progress_.reset();
    return absl::OkStatus();
  }

  absl::Status Take(absl::string_view bytes, uint64_t) override {
    if (absl::Status status = check_->Read(bytes); !status.ok()) return status;
    if (!progress_ && check_->header() != nullptr) {
      const kv::State& state = check_->header()->state;
      progress_ = std::make_unique<Progress>(session_->io(), &session_->time(), ProgressUnit::kKeys,
                                             state.keys + state.tombstones);
    }
    if (progress_) progress_->Update(check_->records(), check_->records());
    return file_->Append(bytes);
  }

  absl::StatusOr<kv::SnapshotFacts> Finish() {
    progress_.reset();
    if (absl::Status status = check_->Finish(); !status.ok()) return status;
    if (absl::Status status = file_->Commit(); !status.ok()) return status;
    return kv::SnapshotFacts{*check_->header(), check_->records(), check_->bytes()};
  }

 private:
  Session* const session_;
  std::unique_ptr<AtomicFile> file_;
  std::unique_ptr<kv::SnapshotCheck> check_;
  std::unique_ptr<Progress> progress_;
};

std::string CreatedText(const kv::SnapshotHeader& header) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                          absl::FromUnixMillis(static_cast<int64_t>(header.created_unix_ms)),
                          absl::UTCTimeZone());
}

Json FactsJson(const kv::SnapshotFacts& facts, const std::string& file) {
  const kv::SnapshotHeader& header = facts.header;
  Json heads = Json::array();
  for (const auto& [origin, counter] : header.state.heads) {
    heads.push_back({{"node_id", origin.node_id},
                     {"incarnation", absl::StrCat(origin.incarnation)},
                     {"counter", counter}});
  }
  return {{"file", file},
          {"bytes", facts.bytes},
          {"cluster", header.cluster},
          {"node_id", header.node_id},
          {"created", CreatedText(header)},
          {"keys", header.state.keys},
          {"tombstones", header.state.tombstones},
          {"content_hash", ToHex(header.state.hash.Total())},
          {"heads", std::move(heads)}};
}

std::string FactsTable(const kv::SnapshotFacts& facts, const std::string& file, Colour colour) {
  const kv::SnapshotHeader& header = facts.header;
  TextTable table;
  const auto add = [&table](const char* title, std::string text) {
    table.Add({Cell(title, Style::kBold), Cell(Printable(text))});
  };
  add("file", absl::StrCat(file, ", ", facts.bytes, " bytes"));
  add("cluster", header.cluster);
  add("node", header.node_id);
  add("created", CreatedText(header));
  add("keys", absl::StrCat(header.state.keys));
  add("tombstones", absl::StrCat(header.state.tombstones));
  add("hash", ToHex(header.state.hash.Total()));
  add("heads", ToString(header.state.heads));
  return table.Render(colour);
}

int RunSave(Session* session) {
  const std::string& file = session->arguments().snapshot.file;
  // A file that cannot be written is found before anybody is asked.
  if (auto probe = AtomicFile::Create(file); !probe.ok()) {
    return session->ReportUsage(probe.status().message());
  }
  FileReceiver receiver(session);
  client::CallOptions call;
  call.timeout_ms = session->RemainingMs();
  const auto result = session->MakeSnapshotClient()->Fetch(session->seen(), &receiver, call);
  if (!result.ok()) return session->Report(FailureOf(result));
  const absl::StatusOr<kv::SnapshotFacts> facts = receiver.Finish();
  if (!facts.ok()) return session->Report(facts.status());
  std::ostream& out = *session->io().out;
  if (session->arguments().format == OutputFormat::kJson) {
    Json json = FactsJson(*facts, file);
    json["node"] = result.node;
    out << Line(json) << "\n" << std::flush;
  } else if (session->arguments().format == OutputFormat::kRaw) {
    out << facts->header.state.keys << "\n" << std::flush;
  } else {
    out << "saved " << facts->header.state.keys << (facts->header.state.keys == 1 ? " key" : " keys")
        << " of node " << Printable(facts->header.node_id) << " to " << file << ", " << facts->bytes
        << " bytes\n"
        << std::flush;
  }
  return kExitDone;
}

// Of reading a file.
class FileProgress {
 public:
  explicit FileProgress(Session* session) : session_(session) {}
  void operator()(uint64_t done, uint64_t total) {
    if (!progress_) {
      progress_ = std::make_shared<Progress>(session_->io(), &session_->time(), ProgressUnit::kBytes, total);
    }
    progress_->Update(done, 0);
    if (done == total) progress_->Clear();
  }

 private:
  Session* const session_;
  std::shared_ptr<Progress> progress_;  // a std::function is copied
};

int ReportFileFailure(Session* session, const absl::Status& status) {
  if (ErrorReason(status) == "FILE_UNREADABLE" && absl::IsInvalidArgument(status)) {
    return session->ReportUsage(status.message());
  }
  return session->Report(status);
}

int RunVerify(Session* session) {
  const std::string& file = session->arguments().snapshot.file;
  const absl::StatusOr<kv::SnapshotFacts> facts = kv::VerifySnapshotFile(file, FileProgress(session));
  if (!facts.ok()) return ReportFileFailure(session, facts.status());
  std::ostream& out = *session->io().out;
  if (session->arguments().format == OutputFormat::kJson) {
    out << Line(FactsJson(*facts, file)) << "\n" << std::flush;
  } else {
    out << FactsTable(*facts, file, session->io().out_colour) << std::flush;
  }
  return kExitDone;
}

int RunRestore(Session* session) {
  const SnapshotArguments& arguments = session->arguments().snapshot;
  kv::RestorePlan plan;
  plan.file = arguments.file;
  plan.data_directory = arguments.data_directory;
  plan.node_id = arguments.node_id;
  plan.cluster = arguments.cluster;
  plan.on_progress = FileProgress(session);
  const absl::StatusOr<kv::SnapshotFacts> facts = kv::RestoreDirectory(plan);
  if (!facts.ok()) {
    const std::string reason = ErrorReason(facts.status());
    if (reason == "NODE_ID_INVALID")
      return session->ReportUsage(absl::StrCat("--id: ", facts.status().message()));
    if (reason == "CLUSTER_INVALID") {
      return session->ReportUsage(absl::StrCat("--cluster: ", facts.status().message()));
    }
    return ReportFileFailure(session, facts.status());
  }
  const std::string cluster = plan.cluster.empty() ? facts->header.cluster : plan.cluster;
  std::ostream& out = *session->io().out;
  if (session->arguments().format == OutputFormat::kJson) {
    Json json = FactsJson(*facts, plan.file);
    json["restored"] = {{"data_dir", plan.data_directory}, {"node_id", plan.node_id}, {"cluster", cluster}};
    out << Line(json) << "\n" << std::flush;
  } else if (session->arguments().format == OutputFormat::kRaw) {
    out << facts->header.state.keys << "\n" << std::flush;
  } else {
    out << "restored " << facts->header.state.keys << (facts->header.state.keys == 1 ? " key" : " keys")
        << " into " << plan.data_directory << ", for node " << plan.node_id << " of cluster "
        << Printable(cluster) << "\n"
        << std::flush;
  }
  return kExitDone;
}

}  // namespace

int RunSnapshot(Session* session) {
  switch (session->arguments().snapshot.action) {
    case SnapshotAction::kSave:
      return RunSave(session);
    case SnapshotAction::kVerify:
      return RunVerify(session);
    case SnapshotAction::kRestore:
      return RunRestore(session);
  }
  return kExitUsage;
}

}  // namespace lamppost::cli
