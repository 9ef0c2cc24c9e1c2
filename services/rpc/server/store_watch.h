// Whether the request store can be had, judged by its answers.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_
#define LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>

namespace lamppost::rpc {

enum class StoreState { kAvailable, kUnavailable };
enum class AnswerKind { kGood, kUnavailable };

// Pure; not thread-safe. Times are milliseconds of one clock that never goes back.
class StoreWatch {
 public:
  // Unavailable: for so long something has been asked, and nothing but errors has come, or nothing at all.
  static constexpr uint64_t kPatienceMs = 2000;
  // A question is asked at least this often, so that it is noticed when nobody calls.
  static constexpr uint64_t kProbeIntervalMs = 500;

  explicit StoreWatch(uint64_t now_ms) : next_probe_ms_(now_ms + kProbeIntervalMs) {}

  void Submitted(size_t operations, uint64_t now_ms);
  // To one of those.
  void Answered(uint64_t number, AnswerKind kind, uint64_t now_ms);

  // True if a question is due; it is then taken for submitted. None is while one has no answer.
  bool TakeProbe(uint64_t number, uint64_t now_ms);
  StoreState StateAt(uint64_t now_ms) const;
  // When to look again.
  uint64_t NextMs(uint64_t now_ms) const;

 private:
  size_t under_way_ = 0;
  std::optional<uint64_t> doubtful_since_ms_;  // something has been asked, and no good answer has come since
  uint64_t next_probe_ms_ = 0;
  std::optional<uint64_t> probe_;  // without an answer
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_STORE_WATCH_H_
