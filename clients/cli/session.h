// What all verbs share: the arguments, the streams, the client and the command's deadline.
#ifndef LAMPPOST_CLIENTS_CLI_SESSION_H_
#define LAMPPOST_CLIENTS_CLI_SESSION_H_

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/admin_client.h"
#include "clients/cpp/client.h"
#include "clients/cpp/client_session.h"
#include "clients/cpp/function_client.h"
#include "clients/cpp/snapshot_client.h"

namespace lamppost::cli {

// An error as it is told to the user.
struct Failure {
  absl::Status status;
  client::Outcome outcome = client::Outcome::kFailed;
  std::string request_id;
  std::string ask_again = {};     // the command that asks for a call's outcome once more; may be empty
  std::string hint = {};          // for people, behind the message; may be empty
  Json details = Json::object();  // further members of the error object
  std::string server = {};        // host:port of who answered, if that is known
};

class Session {
 public:
  // The deadline is counted from here. Nothing is connected to.
  Session(const Arguments& arguments, const Io& io);

  const Arguments& arguments() const { return arguments_; }
  const Io& io() const { return io_; }
  client::TimeSource& time() { return *time_; }

  // Reads what is to be shown to servers. INVALID_ARGUMENT if it cannot be used; then nothing may be done.
  absl::Status OpenSecurity();
  // Null: plain text.
  const std::shared_ptr<grpc::ChannelCredentials>& credentials() const { return credentials_; }

  // Reads the file of --session, if it is given: clients made from then on keep a session. INVALID_ARGUMENT
  // if it cannot be used; then nothing may be done.
  absl::Status OpenSession();
  // What the file said, and the clients have seen since; empty without --session.
  kv::v1::Session seen() const { return seen_ == nullptr ? kv::v1::Session() : seen_->Get(); }
  // Adds to the file what has been seen, and says so on stderr if that fails.
  void SaveSession();

  // Tries all nodes.
  std::unique_ptr<client::Client> MakeClient();
  // Tries one, at most so often.
  std::unique_ptr<client::Client> MakeClientOf(const Address& node, int attempts_max);
  // The same, of somebody who has seen this, whatever --session says.
  std::unique_ptr<client::Client> MakeClientOf(const Address& node, const kv::v1::Session& seen);
  // Tries all nodes.
  std::unique_ptr<client::AdminClient> MakeAdminClient();
  // Tries one, twice at most: who asks each of several is not to wait for one that is down.
  std::unique_ptr<client::AdminClient> MakeAdminClientOf(const Address& node);
  std::unique_ptr<client::SnapshotClient> MakeSnapshotClient();
  // gRPC chooses among the servers. attempts_max: 0 stands for --retries, or for as many as the time allows.
  std::unique_ptr<client::FunctionClient> MakeFunctionClient(const std::vector<Address>& servers,
                                                             int attempts_max = 0);
  // What remains of --timeout; unset if there is none.
  std::optional<int64_t> RemainingMs();
  // The user has been asked something: the time for the answer does not count.
  void RestartDeadline();

  // The failure as it is told on stderr in the format asked for.
  std::string Describe(const Failure& failure) const;
  // Tells the failure on stderr in the format asked for; gives kExitFailed or kExitUnknown.
  int Report(Failure failure);
  // The same, of what has failed for certain and of which no more is known.
  int Report(const absl::Status& status);
  // The same for something that the user has to change: gives kExitUsage.
  int ReportUsage(absl::string_view message);

 private:
  client::ClientOptions MakeOptions();
  std::unique_ptr<client::Client> MakeClient(client::ClientOptions options);
  void TellAttempt(const client::AttemptReport& report);

  const Arguments arguments_;
  const Io io_;
  const std::shared_ptr<client::TimeSource> time_;
  std::optional<int64_t> deadline_ms_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::shared_ptr<client::ClientSession> seen_;  // null without --session
};

template <typename Response>
Failure FailureOf(const client::Result<Response>& result) {
  Failure failure{result.status, result.outcome, result.request_id};
  failure.server = result.node;
  return failure;
}

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SESSION_H_
