// An etcd of one member on loopback, for tests: killed, stopped for a while and started again on the same
// ports with the same data.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_TESTING_ETCD_PROCESS_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_TESTING_ETCD_PROCESS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/rpc/storage/etcd_address.h"
#include "services/rpc/storage/testing/test_directory.h"
#include "tests/integration/testing/process.h"

namespace lamppost::rpc {

// Not thread-safe. To be used on the test's main thread: etcd dies with the thread that started it.
class EtcdProcess {
 public:
  // Finds `etcd` on the PATH. Returns when it answers.
  static absl::StatusOr<std::unique_ptr<EtcdProcess>> Start();

  // As kill -9.
  void Kill();
  // After Kill. Returns when it answers.
  absl::Status Restart();
  // It takes connections and answers nothing.
  void Pause();
  void Resume();

  // "127.0.0.1:PORT".
  std::string endpoint() const;
  // "etcd://127.0.0.1:PORT".
  std::string address() const { return "etcd://" + endpoint(); }

 private:
  EtcdProcess(int client_port, int peer_port) : client_port_(client_port), peer_port_(peer_port) {}

  const int client_port_;
  const int peer_port_;
  const TestDirectory directory_;
  std::unique_ptr<lamppost::testing::Process> process_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_TESTING_ETCD_PROCESS_H_
