// One lamppost-rpc as a process of its own. Its port and data directory stay the same over restarts.
//
// Not thread-safe; its client is. When a test has failed, the end of the log is shown.
#ifndef LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_SERVER_H_
#define LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/integration/rpc/testing/rpc_client.h"
#include "tests/integration/testing/process.h"

namespace lamppost::testing {

// Where Bazel puts the program under test.
inline constexpr char kRpcProgram[] = "services/rpc/server/lamppost-rpc";

class RpcServer {
 public:
  // `flags` beside --port and --data-dir. credentials: of its client; null: plain text.
  explicit RpcServer(std::vector<std::string> flags = {},
                     const RpcClient::Credentials& credentials = nullptr);
  ~RpcServer();

  // Starts the process; does not wait for it to serve.
  absl::Status Launch();
  // Starts the process and waits until it serves.
  absl::Status Start();
  absl::Status WaitServing(absl::Duration limit = absl::Seconds(20));
  // SIGTERM; the exit code.
  absl::StatusOr<int> Stop(absl::Duration limit = absl::Seconds(20));
  // SIGKILL.
  void Kill();

  int port() const { return port_; }
  std::string address() const;
  const std::string& data_directory() const { return data_directory_; }
  std::string Log() const { return ReadFile(log_path_); }
  Process* process() { return process_.get(); }
  RpcClient* client() { return client_.get(); }

 private:
  const int port_;
  const std::string data_directory_;
  const std::string log_path_;
  const std::vector<std::string> flags_;
  const std::unique_ptr<RpcClient> client_;
  std::unique_ptr<Process> process_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_RPC_SERVER_H_
