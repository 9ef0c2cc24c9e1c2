// A TCP proxy between two programs, with which a test plays the network: it cuts, stalls and delays.
//
// Thread-safe.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_LINK_PROXY_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_LINK_PROXY_H_

#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace lamppost::testing {

class LinkProxy {
 public:
  enum class Mode {
    kOpen,     // bytes pass, after the delay
    kCut,      // connections are closed, and new ones at once
    kStalled,  // connections stay, and nothing passes: as behind a dead router
    kMute,     // bytes pass to the target, and its answers are lost; what has lost some is closed afterwards
  };

  // Forwards to this port of loopback; listens on a port of its own.
  explicit LinkProxy(int target_port);
  ~LinkProxy();
  LinkProxy(const LinkProxy&) = delete;
  LinkProxy& operator=(const LinkProxy&) = delete;

  int port() const { return port_; }

  void SetMode(Mode mode);
  // How long each byte takes, in either direction.
  void SetDelay(absl::Duration delay);
  // Once these bytes have gone to the target, nothing of its answers passes any more on that connection.
  void SwallowAnswersAfter(std::string marker);
  // How many connections have had the marker on them.
  int swallowed() const;
  // Closes all connections of now.
  void BreakConnections();

 private:
  struct Chunk {
    absl::Time due;
    std::string bytes;
  };
  // One direction of a connection.
  struct Pipe {
    int from = -1;
    int to = -1;
    bool ended = false;  // nothing more will be read
    size_t queued_bytes = 0;
    std::deque<Chunk> queue;
  };
  struct Connection {
    Pipe up;    // to the target
    Pipe down;  // from it
    bool swallows = false;
    bool broken = false;
  };

  void Run();
  void Wake();
  // How long Run may wait for something to happen.
  int NextDelayMs() const;
  void Accept();
  void Read(Connection* connection, Pipe* pipe);
  void WriteDue(Connection* connection, Pipe* pipe);
  void DropEnded();

  const int target_port_;
  int listener_ = -1;
  int port_ = 0;
  int wake_[2] = {-1, -1};

  mutable std::mutex mutex_;
  bool stopped_ = false;
  Mode mode_ = Mode::kOpen;
  absl::Duration delay_;
  std::string marker_;
  int swallowed_ = 0;
  std::list<Connection> connections_;
  std::thread thread_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_LINK_PROXY_H_
