// Waiting for conditions instead of sleeping, and assertions on absl::Status.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_WAIT_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_WAIT_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#define ASSERT_OK(expression) ASSERT_EQ(absl::OkStatus(), (expression))
#define EXPECT_OK(expression) EXPECT_EQ(absl::OkStatus(), (expression))

namespace lamppost::testing {

// Looks at the condition again and again until it holds. DEADLINE_EXCEEDED names what was waited for.
inline absl::Status WaitFor(absl::string_view what, absl::Duration limit,
                            const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + limit;
  while (!condition()) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("waited ", absl::FormatDuration(limit), " for: ", what));
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::OkStatus();
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_WAIT_H_
