// Accepts a TLS server's connections, and looks at the first byte of each: who speaks TLS goes to one
// acceptor of gRPC's, everybody else to another. Alone, gRPC would hang up on the latter without a word.
#ifndef LAMPPOST_SERVICES_SECURITY_TLS_LISTENER_H_
#define LAMPPOST_SERVICES_SECURITY_TLS_LISTENER_H_

#include <grpcpp/server_builder.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "services/common/listen_address.h"

namespace lamppost::security {

// Start and Stop are for one thread.
class TlsListener {
 public:
  using Acceptor = std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>;
  struct Acceptors {
    Acceptor tls;
    Acceptor plain_text;
  };

  // A connection that has said nothing for so long is closed; so is the one that has been silent longest when
  // there are more of them.
  static constexpr int64_t kSilenceMaxMs = 10'000;
  static constexpr size_t kSilentMax = 1024;

  // Listens at all of them or, after an error, at none. 0.0.0.0 and [::] both mean every interface, of either
  // IP version. Errors: BindPort's.
  static absl::StatusOr<std::unique_ptr<TlsListener>> Open(const std::vector<Address>& addresses);
  ~TlsListener();  // as Stop
  TlsListener(const TlsListener&) = delete;
  TlsListener& operator=(const TlsListener&) = delete;

  // Of the addresses, in their order.
  const std::vector<int>& ports() const { return ports_; }

  // Once. What the acceptors get before their servers have started is closed.
  void Start(Acceptors acceptors);
  // Returns once no acceptor is being called, nor will be.
  void Stop();

 private:
  struct Silent {
    int fd;
    int listener_fd;
    int64_t until_ms;
  };

  TlsListener() = default;
  absl::Status Listen(const Address& address);
  void Loop();
  int64_t WaitMs(int64_t now_ms) const;
  bool IsListener(int fd) const;
  void Accept(int listener_fd, int64_t now_ms);
  void SetAccepting(uint32_t events);
  void Sort(int fd);
  void Forget(std::list<Silent>::iterator silent);
  void CloseSilent(int64_t now_ms);

  std::vector<int> ports_;
  std::vector<int> listeners_;
  int epoll_fd_ = -1;
  int stop_fd_ = -1;
  Acceptors acceptors_;
  // Of the loop's thread.
  std::list<Silent> silent_;  // the longest first
  absl::flat_hash_map<int, std::list<Silent>::iterator> silent_by_fd_;
  int64_t paused_until_ms_ = 0;  // nothing is accepted; 0: it is
  std::thread thread_;
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_TLS_LISTENER_H_
