#include "clients/cli/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/exit_code.h"
#include "clients/cli/session_file.h"
#include "clients/cli/text_table.h"
#include "services/common/error.h"
#include "services/security/credentials.h"

namespace lamppost::cli {
namespace {

// So long one call of a command without a --timeout (a batch of load, a page of dump) may take.
constexpr int64_t kCallTimeoutMs = 60'000;

Json ErrorJson(const Failure& failure) {
  Json error = {{"code", absl::StatusCodeToString(failure.status.code())},
                {"reason", ErrorReason(failure.status)},
                {"message", std::string(failure.status.message())},
                {"outcome", std::string(ToString(failure.outcome))},
                {"request_id", failure.request_id}};
  if (!failure.ask_again.empty()) error["ask_again"] = failure.ask_again;
  if (const auto metadata = ErrorMetadata(failure.status); !metadata.empty()) error["details"] = metadata;
  error.update(failure.details);
  return {{"error", error}};
}

std::string ClocksOf(uint64_t sent, std::optional<uint64_t> received) {
  return received ? absl::StrCat("clock ", sent, " -> ", *received) : absl::StrCat("clock ", sent);
}

std::string CodeAndReason(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  return absl::StrCat(absl::StatusCodeToString(status.code()), reason.empty() ? "" : "/", Printable(reason));
}

bool IsAboutCalls(Verb verb) {
  return verb == Verb::kCall || verb == Verb::kFunctions || verb == Verb::kOutcome || verb == Verb::kFaultRpc;
}

// gRPC's own UNIMPLEMENTED has no reason of a Lamppost server, and often no message: whoever listens there
// does not have the service.
void ExplainWrongServer(Verb verb, Failure* failure) {
  if (failure->status.code() != absl::StatusCode::kUnimplemented || !ErrorReason(failure->status).empty()) {
    return;
  }
  if (verb == Verb::kFaultRpc) return;  // a lamppost-rpc may be without that service
  const std::string server =
      failure->server.empty() ? "a server" : absl::StrCat("the server at ", failure->server);
  failure->status =
      MakeError(absl::StatusCode::kUnimplemented, "",
                absl::StrCat(server, " is not a ", IsAboutCalls(verb) ? "lamppost-rpc" : "lamppost-kv"));
}

}  // namespace

Session::Session(const Arguments& arguments, const Io& io)
    : arguments_(arguments),
      io_(io),
      time_(std::make_shared<client::SteadyTimeSource>()),
      deadline_ms_(arguments.timeout_ms ? std::optional<int64_t>(time_->NowMs() + *arguments.timeout_ms)
                                        : std::nullopt) {}

client::ClientOptions Session::MakeOptions() {
  client::ClientOptions options;
  options.credentials = credentials_;
  options.nodes = arguments_.nodes;
  options.timeout_ms = arguments_.timeout_ms ? arguments_.timeout_ms : kCallTimeoutMs;
  options.retry.attempt_timeout_ms = arguments_.attempt_timeout_ms;
  options.session = seen_;
  if (arguments_.verbosity == Verbosity::kEachAttempt) {
    options.observer = [this](const client::AttemptReport& report) { TellAttempt(report); };
  }
  return options;
}

absl::Status Session::OpenSecurity() {
  const SecurityArguments& security = arguments_.security;
  if (security.transport == Transport::kPlainText || arguments_.verb == Verb::kTls) return absl::OkStatus();
  const absl::StatusOr<security::ClientMaterial> material = security::ReadClientFiles(security.files);
  if (!material.ok()) return material.status();
  const absl::StatusOr<std::string> token = ReadToken(security);
  if (!token.ok()) return token.status();
  const bool is_one_of_several = IsAboutCalls(arguments_.verb) && arguments_.functions.servers.size() > 1;
  credentials_ = security::MakeClientCredentials(
      *material, *token,
      is_one_of_several ? security::ServerCheck::kFunctions : security::ServerCheck::kHost);
  return absl::OkStatus();
}

absl::Status Session::OpenSession() {
  if (arguments_.session_file.empty()) return absl::OkStatus();
  const absl::StatusOr<kv::v1::Session> seen = OpenSessionFile(arguments_.session_file);
  if (!seen.ok()) return seen.status();
  seen_ = std::make_shared<client::ClientSession>(*seen);
  return absl::OkStatus();
}

void Session::SaveSession() {
  if (seen_ == nullptr) return;
  const absl::Status status = AddToSessionFile(arguments_.session_file, seen_->Get());
  if (!status.ok()) {
    *io_.err << "lamppost: the session is not kept: " << Printable(status.message()) << std::endl;
  }
}

std::unique_ptr<client::Client> Session::MakeClient(client::ClientOptions options) {
  client::ClientEnvironment environment;
  environment.time = time_;
  return std::make_unique<client::Client>(std::move(options), std::move(environment));
}

std::unique_ptr<client::Client> Session::MakeClient() {
  return MakeClient(MakeOptions());
}

std::unique_ptr<client::Client> Session::MakeClientOf(const Address& node, int attempts_max) {
  client::ClientOptions options = MakeOptions();
  options.nodes = {node};
  options.retry.attempts_max = attempts_max;
  return MakeClient(std::move(options));
}

std::unique_ptr<client::Client> Session::MakeClientOf(const Address& node, const kv::v1::Session& seen) {
  client::ClientOptions options = MakeOptions();
  options.nodes = {node};
  options.session = std::make_shared<client::ClientSession>(seen);
  return MakeClient(std::move(options));
}

std::unique_ptr<client::AdminClient> Session::MakeAdminClient() {
  client::AdminEnvironment environment;
  environment.time = time_;
  return std::make_unique<client::AdminClient>(MakeOptions(), std::move(environment));
}

std::unique_ptr<client::AdminClient> Session::MakeAdminClientOf(const Address& node) {
  client::ClientOptions options = MakeOptions();
  options.nodes = {node};
  options.retry.attempts_max = 2;
  client::AdminEnvironment environment;
  environment.time = time_;
  return std::make_unique<client::AdminClient>(std::move(options), std::move(environment));
}

// Without a --timeout a snapshot takes as long as it takes, so long as something comes.
std::unique_ptr<client::SnapshotClient> Session::MakeSnapshotClient() {
  client::ClientOptions options = MakeOptions();
  options.timeout_ms = arguments_.timeout_ms;
  client::ClientEnvironment environment;
  environment.time = time_;
  return std::make_unique<client::SnapshotClient>(options, std::move(environment));
}

std::unique_ptr<client::FunctionClient> Session::MakeFunctionClient(const std::vector<Address>& servers,
                                                                    int attempts_max) {
  client::FunctionClientOptions options;
  options.credentials = credentials_;
  options.servers = servers;
  options.timeout_ms = arguments_.timeout_ms ? arguments_.timeout_ms : kCallTimeoutMs;
  options.retry.attempt_timeout_ms = arguments_.attempt_timeout_ms;
  options.hedge.delay_ms = arguments_.functions.hedge_delay_ms;
  if (arguments_.functions.retries) {
    options.retry.attempts_max = *arguments_.functions.retries + 1;
    // Whoever asks for many gets them: the budget stops at half.
    options.retry.budget_tokens_max =
        std::max(options.retry.budget_tokens_max, 2.0 * options.retry.attempts_max + 2);
  }
  if (attempts_max > 0) options.retry.attempts_max = attempts_max;
  if (arguments_.verbosity == Verbosity::kEachAttempt) {
    options.observer = [this](const client::AttemptReport& report) { TellAttempt(report); };
  }
  client::FunctionEnvironment environment;
  environment.time = time_;
  return std::make_unique<client::FunctionClient>(std::move(options), std::move(environment));
}

void Session::RestartDeadline() {
  if (arguments_.timeout_ms) deadline_ms_ = time_->NowMs() + *arguments_.timeout_ms;
}

std::optional<int64_t> Session::RemainingMs() {
  if (!deadline_ms_) return std::nullopt;
  return std::max<int64_t>(0, *deadline_ms_ - time_->NowMs());
}

void Session::TellAttempt(const client::AttemptReport& report) {
  std::string line = absl::StrFormat("attempt %d: %s at %s: %s after %.1f ms, ", report.number, report.method,
                                     Printable(report.node), CodeAndReason(report.status),
                                     static_cast<double>(report.elapsed_us) / 1000);
  absl::StrAppend(&line, ClocksOf(report.clock_sent, report.clock_received));
  if (report.reach == client::Reach::kNotSent) absl::StrAppend(&line, ", nothing sent");
  if (report.retry_after_ms) absl::StrAppend(&line, ", again in ", *report.retry_after_ms, " ms");
  absl::StrAppend(&line, "\n");
  for (const client::RpcReport& rpc : report.rpcs) {
    absl::StrAppendFormat(&line, "  %s after %.1f ms, at %s: %s after %.1f ms, %s\n",
                          rpc.started_us == report.rpcs[0].started_us ? "sent" : "hedge",
                          static_cast<double>(rpc.started_us) / 1000,
                          rpc.server.empty() ? "a server" : Printable(rpc.server), CodeAndReason(rpc.status),
                          static_cast<double>(rpc.elapsed_us) / 1000,
                          ClocksOf(rpc.clock_sent, rpc.clock_received));
  }
  *io_.err << line << std::flush;  // one piece: several threads may tell at the same time
}

std::string Session::Describe(const Failure& failure) const {
  if (arguments_.format == OutputFormat::kJson) return Line(ErrorJson(failure)) + "\n";
  const char* const outcome = failure.outcome == client::Outcome::kUnknown ? " outcome unknown: "
                              : failure.outcome == client::Outcome::kPending
                                  ? " done, but not yet as asked for: "
                                  : " failed: ";
  std::string text = absl::StrCat(Styled("lamppost:", Style::kBad, io_.err_colour), outcome,
                                  CodeAndReason(failure.status), ": ", Printable(failure.status.message()));
  if (!failure.hint.empty()) absl::StrAppend(&text, " (", Printable(failure.hint), ")");
  text += "\n";
  if (!failure.ask_again.empty()) {
    absl::StrAppend(&text, "request id ", Printable(failure.request_id), "; to ask again:\n  ",
                    failure.ask_again, "\n");
  }
  return text;
}

int Session::Report(Failure failure) {
  ExplainWrongServer(arguments_.verb, &failure);
  *io_.err << Describe(failure) << std::flush;
  const bool is_failed = failure.outcome == client::Outcome::kFailed;
  return is_failed ? kExitFailed : kExitUnknown;
}

int Session::Report(const absl::Status& status) {
  Failure failure;
  failure.status = status;
  return Report(std::move(failure));
}

int Session::ReportUsage(absl::string_view message) {
  Failure failure;
  failure.status = MakeError(absl::StatusCode::kInvalidArgument, "USAGE", message);
  *io_.err << Describe(failure) << std::flush;
  return kExitUsage;
}

}  // namespace lamppost::cli
