// Many calls of the function "counter", whose every run leaves the request id in a file; and what became of
// them, held against that file.
#ifndef LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_COUNTER_LOAD_H_
#define LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_COUNTER_LOAD_H_

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "clients/cpp/function_client.h"

namespace lamppost::testing {

struct CounterLoadOptions {
  std::string servers;  // host:port,host:port
  int calls = 10'000;
  int threads = 32;
  std::string counter = "load";
};

// The calls begin with it and go on in threads of their own. Finish waits for them.
class CounterLoad {
 public:
  explicit CounterLoad(const CounterLoadOptions& options);
  ~CounterLoad() { Finish(); }

  bool IsDone() const { return done_ == options_.calls; }
  void Finish();

  // After Finish: everything that must hold whatever has happened, as gtest failures. `file` is the
  // counter's.
  void Check(const std::string& file) const;

  // After Finish.
  int CountOf(client::CallOutcome outcome) const;
  int replayed() const { return replayed_; }
  int repeated() const { return repeated_; }  // calls with more than one attempt

 private:
  void Run();

  const CounterLoadOptions options_;
  client::FunctionClient client_;
  std::atomic<int> begun_{0};
  std::atomic<int> done_{0};
  std::atomic<int> replayed_{0};
  std::atomic<int> repeated_{0};
  std::mutex mutex_;
  std::map<std::string, client::CallOutcome> outcomes_;  // by request id; guarded by mutex_ until Finish
  std::string last_error_;                               // as well
  std::vector<std::thread> threads_;
};

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_RPC_TESTING_COUNTER_LOAD_H_
