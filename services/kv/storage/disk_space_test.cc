#include "services/kv/storage/disk_space.h"

#include <cstdint>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace lamppost::kv {
namespace {

TEST(DiskSpaceTest, TellsTheRoomOfADirectory) {
  const absl::StatusOr<uint64_t> bytes = FreeBytes(testing::TempDir());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_GT(*bytes, 0u);
}

TEST(DiskSpaceTest, AFileSystemWithoutBlocksHasNoRoom) {
  const absl::StatusOr<uint64_t> bytes = FreeBytes("/proc");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, 0u);
}

TEST(DiskSpaceTest, AMissingDirectoryIsNamed) {
  const absl::StatusOr<uint64_t> bytes = FreeBytes(testing::TempDir() + "/nothing-here");
  EXPECT_EQ(bytes.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(bytes.status().message().find("nothing-here"), absl::string_view::npos) << bytes.status();
}

}  // namespace
}  // namespace lamppost::kv
