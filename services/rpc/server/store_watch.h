// Whether the request store can be had, judged by its answers.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_
#define LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_

#include <cstdint>
#include <map>

namespace lamppost::rpc {

enum class StoreState { kAvailable, kUnavailable };
enum class AnswerKind { kGood, kUnavailable };

// Pure; not thread-safe. Times are milliseconds of one clock that never goes back.
class StoreWatch {
 public:
  // Unavailable: for so long nothing but errors has come, or nothing at all to what was asked.
  static constexpr uint64_t kPatienceMs = 2000;
  // A question is asked at least this often, so that it is noticed when nobody calls.
  static constexpr uint64_t kProbeIntervalMs = 500;

  explicit StoreWatch(uint64_t now_ms) : next_probe_ms_(now_ms + kProbeIntervalMs) {}

  void Submitted(uint64_t number, uint64_t now_ms) { under_way_[number] = now_ms; }
  void Answered(uint64_t number, AnswerKind kind, uint64_t now_ms);

  // True if a question is due; it is then taken for asked. None is while one has no answer.
  bool TakeProbe(uint64_t number, uint64_t now_ms);
  StoreState StateAt(uint64_t now_ms) const;
  // When to look again.
  uint64_t NextMs(uint64_t now_ms) const;

 private:
  std::map<uint64_t, uint64_t> under_way_;  // operation to when it was submitted; numbers rise with time
  uint64_t last_good_ms_ = 0;
  uint64_t failing_since_ms_ = 0;  // 0: the last answer was good
  uint64_t next_probe_ms_ = 0;
  uint64_t probe_ = 0;  // without an answer; 0: none
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_
