#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/diagram/history.h"
#include "clients/diagram/testing/events.h"

namespace lamppost::diagram {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Of;
using testing::Receive;
using testing::Send;
using testing::Write;

using Vector = std::map<std::string, uint64_t>;

Event With(Event event, Vector vector) {
  event.vector = std::move(vector);
  return event;
}

std::vector<std::string> Differences(std::vector<Event> events) {
  const absl::StatusOr<History> history = Build(std::move(events));
  return history.ok() ? CheckVectors(*history) : std::vector<std::string>{"not built"};
}

TEST(CheckVectorsTest, OnlyTheirOrderMatters) {
  const Event send = With(Send("A", "B", 2), {{"A", 17}});
  EXPECT_THAT(Differences({send, With(Receive(send, 3), {{"A", 17}, {"B", 5}}),
                           With(Write("B", 4, "x", "1"), {{"A", 17}, {"B", 9}})}),
              IsEmpty());
}

TEST(CheckVectorsTest, TellsWhatAVectorDoesNotKnow) {
  const Event send = With(Send("A", "B", 2), {{"A", 1}});
  EXPECT_THAT(
      Differences({send, With(Receive(send, 3), {{"B", 1}})}),
      ElementsAre("by its vector, A 2: sends push x to B, is not before B 3: receives push x from A"));
}

TEST(CheckVectorsTest, TellsWhatAVectorKnowsTooMuch) {
  EXPECT_THAT(Differences({With(Write("A", 1, "x", "1"), {{"A", 1}}),
                           With(Write("B", 1, "x", "2"), {{"A", 1}, {"B", 1}})}),
              ElementsAre("by its vector, A 1: write: x = 1, is before B 1: write: x = 2"));
}

TEST(CheckVectorsTest, TellsOfALaneThatDoesNotGrow) {
  EXPECT_THAT(
      Differences({With(Write("A", 1, "x", "1"), {{"A", 2}}), With(Write("A", 2, "x", "2"), {{"A", 2}})}),
      ElementsAre("by its vector, A 2: write: x = 2, is before A 1: write: x = 1"));
}

TEST(CheckVectorsTest, ALaterProcessKnowsWhatTheEarlierOnesDid) {
  const Event old = With(Write("A", 1, "x", "1"), {{"A", 1}});
  const Event send = With(Send("A", "B", 12), {{"A/2", 1}});
  EXPECT_THAT(
      Differences({old, Of(Event::Kind::kStart, "A"), send, With(Receive(send, 13), {{"A/2", 1}, {"B", 1}})}),
      IsEmpty());
}

TEST(CheckVectorsTest, EventsWithoutAVectorAreNotAsked) {
  const Event send = With(Send("A", "B", 2), {{"A", 1}});
  EXPECT_THAT(Differences({send, Receive(send, 3), With(Write("B", 4, "x", "1"), {{"A", 1}, {"B", 1}})}),
              IsEmpty());
}

}  // namespace
}  // namespace lamppost::diagram
