#include "clients/cpp/watch_progress.h"

#include <gtest/gtest.h>

#include <string>

namespace lamppost::client {
namespace {

void AddHead(const std::string& node_id, uint64_t counter, kv::v1::Session* session) {
  clock::v1::Head* head = session->add_heads();
  head->mutable_origin()->set_node_id(node_id);
  head->mutable_origin()->set_incarnation(1);
  head->set_counter(counter);
}

std::string Text(const kv::v1::Session& session) {
  std::string text;
  for (const clock::v1::Head& head : session.heads()) {
    text += head.origin().node_id() + std::to_string(head.counter()) + " ";
  }
  return text;
}

// A told up to 5 before; then A6 B7 B7 A9, all of it covered by A10 B8.
class WatchProgress : public testing::Test {
 protected:
  WatchProgress() {
    AddHead("A", 5, &before_);
    AddHead("A", 10, message_.mutable_session());
    AddHead("B", 8, message_.mutable_session());
    AddEvent("A", 6);
    AddEvent("B", 7);
    AddEvent("B", 7);
    AddEvent("A", 9);
  }

  void AddEvent(const std::string& node_id, uint64_t counter) {
    clock::v1::Timestamp* version = message_.add_events()->mutable_version();
    version->set_node_id(node_id);
    version->set_incarnation(1);
    version->set_counter(counter);
  }
  std::string After(size_t events_done) const { return Text(SessionAfter(before_, message_, events_done)); }

  kv::v1::Session before_;
  kv::v1::WatchResponse message_;
};

TEST_F(WatchProgress, TheWholeMessageIsItsSession) {
  EXPECT_EQ(After(4), "A10 B8 ");
}

TEST_F(WatchProgress, APartIsWhatWasDone) {
  EXPECT_EQ(After(0), "A5 ");
  EXPECT_EQ(After(1), "A6 ");
  EXPECT_EQ(After(3), "A6 B7 ");
}

TEST_F(WatchProgress, ABatchThatIsNotDoneComesAgain) {
  EXPECT_EQ(After(2), "A6 ");
}

// What came before stays, even if it is beyond the events' counters: late arrivals.
TEST_F(WatchProgress, NeverGoesBack) {
  kv::v1::Session before;
  AddHead("A", 9, &before);
  EXPECT_EQ(Text(SessionAfter(before, message_, 3)), "A9 B7 ");
}

}  // namespace
}  // namespace lamppost::client
