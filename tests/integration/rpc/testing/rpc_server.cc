#include "tests/integration/rpc/testing/rpc_server.h"

#include <signal.h>

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

constexpr size_t kShownLogBytes = 4000;

}  // namespace

RpcServer::RpcServer(std::vector<std::string> flags, const RpcClient::Credentials& credentials)
    : port_(ReservePort().value()),
      data_directory_(NewTestPath("rpc-data")),
      log_path_(NewTestPath("rpc.log")),
      flags_(std::move(flags)),
      client_(std::make_unique<RpcClient>(address(), absl::Seconds(10), credentials)) {}

RpcServer::~RpcServer() {
  Kill();
  if (!::testing::Test::HasFailure()) return;
  const std::string log = Log();
  const size_t begin = log.size() > kShownLogBytes ? log.size() - kShownLogBytes : 0;
  std::cerr << "---- the log of the server at port " << port_ << (begin > 0 ? ", its end\n" : "\n")
            << log.substr(begin) << "----\n";
}

std::string RpcServer::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

absl::Status RpcServer::Launch() {
  ProcessOptions options;
  options.command = {kRpcProgram, "--port", absl::StrCat(port_), "--data-dir", data_directory_};
  options.command.insert(options.command.end(), flags_.begin(), flags_.end());
  options.output_path = log_path_;
  absl::StatusOr<std::unique_ptr<Process>> process = Process::Start(options);
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  return absl::OkStatus();
}

absl::Status RpcServer::Start() {
  if (absl::Status status = Launch(); !status.ok()) return status;
  return WaitServing();
}

absl::Status RpcServer::WaitServing(absl::Duration limit) {
  const absl::Status status = WaitFor("the server to serve", limit,
                                      [this] { return !process_->IsRunning() || client_->IsServing(); });
  if (status.ok() && !process_->IsRunning()) {
    return absl::UnavailableError(absl::StrCat("the server has ended: ", Log()));
  }
  return status;
}

absl::StatusOr<int> RpcServer::Stop(absl::Duration limit) {
  process_->Signal(SIGTERM);
  return process_->Wait(limit);
}

void RpcServer::Kill() {
  if (process_) process_->Kill();
}

}  // namespace lamppost::testing
