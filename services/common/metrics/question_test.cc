#include "services/common/metrics/question.h"

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace lamppost {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(20);
constexpr absl::Duration kLong = absl::Seconds(20);

TEST(QuestionTest, AnAnswerComesBack) {
  Question<int> question([](Question<int>::AnswerFn answer) { answer(7); });
  EXPECT_EQ(question.Ask(kLong), 7);
}

TEST(QuestionTest, WhoeverDoesNotAnswerIsAskedOnce) {
  std::vector<Question<int>::AnswerFn> asked;
  Question<int> question([&asked](Question<int>::AnswerFn answer) { asked.push_back(std::move(answer)); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(question.Ask(kShort), std::nullopt);
  ASSERT_EQ(asked.size(), 1u);
  asked[0](1);
  EXPECT_EQ(question.Ask(kShort), std::nullopt) << "an old answer is none to a new question";
  ASSERT_EQ(asked.size(), 2u);
  asked[1](2);
}

TEST(QuestionTest, AnAnswerThatIsOwedSuffices) {
  std::vector<Question<int>::AnswerFn> asked;
  Question<int> question([&asked](Question<int>::AnswerFn answer) { asked.push_back(std::move(answer)); });
  EXPECT_EQ(question.Ask(kShort), std::nullopt);
  std::thread late([&asked] { asked[0](3); });
  const std::optional<int> answer = question.Ask(kShort);
  late.join();
  // Either it came while the second one waited, or it came before, and the second one asked anew.
  EXPECT_TRUE(answer == 3 || asked.size() == 2u);
}

TEST(QuestionTest, AnAnswerMayComeWhenTheQuestionIsGone) {
  Question<int>::AnswerFn owed;
  {
    Question<int> question([&owed](Question<int>::AnswerFn answer) { owed = std::move(answer); });
    EXPECT_EQ(question.Ask(kShort), std::nullopt);
  }
  owed(1);
}

}  // namespace
}  // namespace lamppost
