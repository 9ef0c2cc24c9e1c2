#include "services/rpc/storage/testing/etcd_process.h"

#include <signal.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/rpc/storage/etcd_channels.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::rpc {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(30);

std::string Url(int port) {
  return absl::StrCat("http://127.0.0.1:", port);
}

// A signal reaches a process' threads one after the other.
bool IsStopped(pid_t pid) {
  std::error_code error;
  for (const auto& thread :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/task"), error)) {
    const std::string stat = lamppost::testing::ReadFile(thread.path().string() + "/stat");
    const size_t behind_name = stat.rfind(") ");
    if (behind_name == std::string::npos || stat[behind_name + 2] != 'T') return false;
  }
  return !error;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdProcess>> EtcdProcess::Start() {
  const absl::StatusOr<int> client_port = lamppost::testing::ReservePort();
  if (!client_port.ok()) return client_port.status();
  const absl::StatusOr<int> peer_port = lamppost::testing::ReservePort();
  if (!peer_port.ok()) return peer_port.status();
  std::unique_ptr<EtcdProcess> etcd(new EtcdProcess(*client_port, *peer_port));
  if (absl::Status status = etcd->Restart(); !status.ok()) return status;
  return etcd;
}

absl::Status EtcdProcess::Restart() {
  const std::string log = directory_.path() + "/log";
  lamppost::testing::ProcessOptions options;
  options.command = {"/usr/bin/env", "etcd", "--name=one",
                     absl::StrCat("--data-dir=", directory_.path(), "/data"),
                     absl::StrCat("--listen-client-urls=", Url(client_port_)),
                     absl::StrCat("--advertise-client-urls=", Url(client_port_)),
                     absl::StrCat("--listen-peer-urls=", Url(peer_port_)),
                     absl::StrCat("--initial-advertise-peer-urls=", Url(peer_port_)),
                     absl::StrCat("--initial-cluster=one=", Url(peer_port_)),
                     // Alone it need not wait long for others; and leases of a second can be had.
                     "--heartbeat-interval=50", "--election-timeout=250", "--logger=zap", "--log-level=warn"};
  options.output_path = log;
  auto process = lamppost::testing::Process::Start(options);
  if (!process.ok()) return process.status();
  process_ = *std::move(process);

  EtcdChannels channels({Address{AddressScheme::kNone, "127.0.0.1", client_port_}});
  etcdserverpb::TxnRequest probe;
  probe.add_success()->mutable_request_range()->set_key("probe");
  absl::Status last;
  const absl::Status ready = lamppost::testing::WaitFor("etcd's first answer", kStartLimit, [&] {
    last = channels.Txn(absl::Milliseconds(500), probe).status();
    return !process_->IsRunning() || last.ok();
  });
  if (ready.ok() && process_->IsRunning()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("etcd has not started: ", ready.message(), "; ", last.message(),
                                             "\n", lamppost::testing::ReadFile(log)));
}

void EtcdProcess::Kill() {
  process_->Signal(SIGCONT);
  process_->Kill();
}

void EtcdProcess::Pause() {
  process_->Signal(SIGSTOP);
  EXPECT_OK(lamppost::testing::WaitFor("etcd to stand still", absl::Seconds(10),
                                       [this] { return IsStopped(process_->pid()); }));
}

void EtcdProcess::Resume() {
  process_->Signal(SIGCONT);
}

std::string EtcdProcess::endpoint() const {
  return absl::StrCat("127.0.0.1:", client_port_);
}

}  // namespace lamppost::rpc
