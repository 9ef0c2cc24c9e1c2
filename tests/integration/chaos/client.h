// A client of the run: one thread that writes, deletes, reads, scans and retries, and keeps account of each
// attempt and its outcome. It asks through the client library's own stub and judges outcomes as that does,
// so that these judgements are on trial too.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_CLIENT_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clients/cpp/client_clock.h"
#include "clients/cpp/client_session.h"
#include "clients/cpp/node_stub.h"
#include "tests/history/history.h"

namespace lamppost::chaos {

struct Target {
  std::string id;
  std::string address;  // host:port
};

// What all clients of a run have in common; each seed draws its own.
struct Workload {
  uint64_t cold_keys = 0;
  uint64_t large_percent = 0;   // of values
  uint64_t delete_percent = 0;  // of writes
};
Workload DrawWorkload(uint64_t seed);
std::string ToString(const Workload& workload);  // for people

// Microseconds since some moment before the run, which never go back; one clock for all.
using RunClock = std::function<uint64_t()>;

// The methods but Stop are for one thread.
class Client {
 public:
  // Starts at once.
  Client(uint64_t number, uint64_t seed, const std::vector<Target>& targets, RunClock clock);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Asks it to end; thread-safe.
  void Stop() { stopped_ = true; }
  // Waits for its end: what it did. In the order of the ends; nothing overlaps.
  std::vector<history::Operation> Join();

 private:
  struct Node {
    std::string id;
    std::unique_ptr<client::NodeStub> stub;
  };

  void Run();
  void Step();
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  std::string AnyKey();
  std::string NewValue();
  std::vector<history::Item> NewItems();

  void Get();
  void Scan();
  void Write();
  // One attempt at the present node; true if it was acknowledged.
  bool Attempt(const std::vector<history::Item>& items, const std::string& request_id);
  // Takes an id that was acknowledged here for something else.
  void MisuseId(const std::string& request_id);

  history::Operation Begin(history::Kind kind);
  void End(history::Operation operation, const client::AttemptEnd& end);
  // The attempt, as a Put, Delete or Write.
  client::AttemptEnd Send(const std::vector<history::Item>& items, const std::string& request_id,
                          history::Operation* operation);
  template <typename Response>
  void TakeAnswer(const Response& response, const client::AttemptEnd& end, history::Operation* operation);
  int64_t TimeoutMs();
  void Pause(uint64_t max_us);
  // Every second client carries a session to whatever node it asks. It drops it when nobody has what it asks
  // for, which may have gone with a disk.
  bool CarriesSession() const { return number_ % 2 == 0; }
  // Tells the node what this client has seen, and the history what the node was told.
  template <typename Request>
  void SetSession(Request* request, history::Operation* operation) const;
  void TakeSession(const kv::v1::Session& session, const client::AttemptEnd& end);
  void MoveOn() { node_ = Below(nodes_.size()); }

  const uint64_t number_;
  const Workload workload_;
  const RunClock run_clock_;
  std::mt19937_64 random_;
  std::vector<Node> nodes_;
  size_t node_ = 0;  // the present one
  client::ClientClock clock_;
  std::unique_ptr<client::ClientSession> session_ = std::make_unique<client::ClientSession>();
  int behind_in_row_ = 0;  // answers that a node lacks part of the session
  uint64_t values_ = 0;
  uint64_t requests_ = 0;
  std::vector<history::Operation> done_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_CLIENT_H_
