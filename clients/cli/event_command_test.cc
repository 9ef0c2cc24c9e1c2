#include "clients/cli/event_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "services/common/error.h"

namespace lamppost::cli {
namespace {

kv::v1::WatchEvent Event() {
  kv::v1::WatchEvent event;
  event.set_key("it's");
  event.mutable_version()->set_counter(17);
  event.mutable_version()->set_node_id("A");
  event.mutable_version()->set_incarnation((uint64_t{2} << 32) + 1);
  return event;
}

class EventCommandTest : public testing::Test {
 protected:
  EventCommandTest() : path_(testing::TempDir() + "/event_command_" + std::to_string(getpid())) {}
  ~EventCommandTest() override { unlink(path_.c_str()); }

  // What the command has written to $OUT.
  std::string Out() const {
    std::ifstream file(path_, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  absl::Status Run(const std::string& command, const kv::v1::WatchEvent& event) {
    setenv("OUT", path_.c_str(), 1);
    return RunEventCommand(command, event);
  }

  const std::string path_;
};

TEST_F(EventCommandTest, HasTheEventInItsEnvironmentAndTheValueOnItsInput) {
  kv::v1::WatchEvent event = Event();
  event.mutable_value()->set_data(std::string("a\0b\n", 4));
  ASSERT_TRUE(
      Run("{ echo \"$LAMPPOST_EVENT,$LAMPPOST_KEY,$LAMPPOST_VERSION\"; cat; } >\"$OUT\"", event).ok());
  EXPECT_EQ(Out(), std::string("put,it's,17@A.2\na\0b\n", 20));
}

TEST_F(EventCommandTest, ADeletionHasNoInput) {
  kv::v1::WatchEvent event = Event();
  event.set_deleted(true);
  ASSERT_TRUE(Run("{ echo \"$LAMPPOST_EVENT\"; cat; } >\"$OUT\"", event).ok());
  EXPECT_EQ(Out(), "delete\n");
}

// A pipe would be full long before, and wait for a reader.
TEST_F(EventCommandTest, MayLeaveALargeValueUnread) {
  kv::v1::WatchEvent event = Event();
  event.mutable_value()->set_text(std::string(1 << 20, 'x'));
  EXPECT_TRUE(Run("sleep 60 & exit 0", event).ok());
  ASSERT_TRUE(Run("wc -c >\"$OUT\"", event).ok());
  EXPECT_EQ(std::stoi(Out()), 1 << 20);
}

TEST_F(EventCommandTest, SaysHowItFailed) {
  const absl::Status code = Run("exit 7", Event());
  EXPECT_EQ(ErrorReason(code), "COMMAND_FAILED");
  EXPECT_EQ(code.message(), "the command ended with code 7 at put of it's, version 17@A.2");
  EXPECT_EQ(Run("kill -9 $$", Event()).message(),
            "the command was ended by signal 9 at put of it's, version 17@A.2");
}

}  // namespace
}  // namespace lamppost::cli
