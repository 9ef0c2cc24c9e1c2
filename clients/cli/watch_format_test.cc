// What docs/cli.md promises of watch, byte for byte.
#include "clients/cli/watch_format.h"

#include <gtest/gtest.h>

namespace lamppost::cli {
namespace {

kv::v1::WatchEvent Event(const std::string& key) {
  kv::v1::WatchEvent event;
  event.set_key(key);
  event.mutable_version()->set_counter(17);
  event.mutable_version()->set_node_id("A");
  event.mutable_version()->set_incarnation((uint64_t{2} << 32) + 1);
  return event;
}

std::string Format(const kv::v1::WatchEvent& event, OutputFormat format) {
  return FormatEvent(event, format, Colour::kOff);
}

TEST(WatchFormatTest, Put) {
  kv::v1::WatchEvent event = Event("x");
  event.mutable_value()->set_text("1\n0");
  EXPECT_EQ(Format(event, OutputFormat::kTable), "put     x  1\\n0  17@A.2\n");
  EXPECT_EQ(Format(event, OutputFormat::kRaw), "put\tx\t1\n0\n");
  EXPECT_EQ(Format(event, OutputFormat::kJson),
            R"({"event":"put","key":"x","value":"1\n0",)"
            R"("version":{"counter":17,"node_id":"A","incarnation":"8589934593"}})"
            "\n");
  event.mutable_value()->set_data("\xff");
  event.mutable_expires_at()->set_seconds(1'800'000'000);
  event.mutable_expires_at()->set_nanos(500'000'000);
  EXPECT_EQ(Format(event, OutputFormat::kJson),
            R"({"event":"put","key":"x","data":"/w==",)"
            R"("version":{"counter":17,"node_id":"A","incarnation":"8589934593"},)"
            R"("expires_at":"2027-01-15T08:00:00.5Z"})"
            "\n");
}

TEST(WatchFormatTest, DeletionsAndKeysAlone) {
  kv::v1::WatchEvent event = Event("x");
  EXPECT_EQ(Format(event, OutputFormat::kTable), "put     x  17@A.2\n");
  EXPECT_EQ(Format(event, OutputFormat::kRaw), "put\tx\n");
  event.set_deleted(true);
  EXPECT_EQ(Format(event, OutputFormat::kTable), "delete  x  17@A.2\n");
  EXPECT_EQ(Format(event, OutputFormat::kRaw), "delete\tx\n");
  EXPECT_EQ(Format(event, OutputFormat::kJson),
            R"({"event":"delete","key":"x",)"
            R"("version":{"counter":17,"node_id":"A","incarnation":"8589934593"}})"
            "\n");
}

}  // namespace
}  // namespace lamppost::cli
