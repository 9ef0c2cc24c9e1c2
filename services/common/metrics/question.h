// A question to a thread that may be stuck: whoever asks waits for so long and no longer, and however often
// it is asked, it stands in that thread's queue once.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_QUESTION_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_QUESTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost {

// Thread-safe.
template <typename Answer>
class Question {
 public:
  // To be called once, by the thread that answers, if it does; also when nobody waits any more.
  using AnswerFn = std::function<void(Answer)>;
  // Hands the question over; must not block.
  using PostFn = std::function<void(AnswerFn)>;

  explicit Question(PostFn post) : post_(std::move(post)) {}

  // An answer that was given after the call began; nothing if none came in time. If one is still owed to an
  // earlier caller, that one is waited for.
  std::optional<Answer> Ask(absl::Duration limit) {
    const std::shared_ptr<State> state = state_;
    uint64_t before = 0;
    bool posts = false;
    {
      absl::MutexLock lock(&state->mutex);
      before = state->answers;
      posts = !std::exchange(state->is_asked, true);
    }
    if (posts) {
      post_([state](Answer answer) {
        absl::MutexLock lock(&state->mutex);
        state->latest = std::move(answer);
        ++state->answers;
        state->is_asked = false;
      });
    }
    absl::MutexLock lock(&state->mutex);
    const auto answered = [&state, before]()
                              ABSL_NO_THREAD_SAFETY_ANALYSIS { return state->answers != before; };
    if (!state->mutex.AwaitWithTimeout(absl::Condition(&answered), limit)) return std::nullopt;
    return state->latest;
  }

 private:
  struct State {
    absl::Mutex mutex;
    bool is_asked ABSL_GUARDED_BY(mutex) = false;
    uint64_t answers ABSL_GUARDED_BY(mutex) = 0;
    std::optional<Answer> latest ABSL_GUARDED_BY(mutex);
  };

  const PostFn post_;
  // Outlives this while an answer is owed.
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_QUESTION_H_
