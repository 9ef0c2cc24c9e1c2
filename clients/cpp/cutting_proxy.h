// For tests: forwards TCP connections to a port of loopback until told to cut them, as a network does.
#ifndef LAMPPOST_CLIENTS_CPP_CUTTING_PROXY_H_
#define LAMPPOST_CLIENTS_CPP_CUTTING_PROXY_H_

#include <mutex>
#include <thread>
#include <vector>

namespace lamppost::client {

// Thread-safe.
class CuttingProxy {
 public:
  explicit CuttingProxy(int target_port);
  ~CuttingProxy();

  // Breaks every connection there is; new ones are accepted.
  void Cut();
  int port() const { return port_; }

 private:
  void AcceptLoop();
  void Forward(int from, int to);

  const int target_port_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  bool stopped_ = false;            // guarded by mutex_
  std::vector<int> sockets_;        // guarded by mutex_; closed at the end only
  std::vector<std::thread> pumps_;  // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_CUTTING_PROXY_H_
