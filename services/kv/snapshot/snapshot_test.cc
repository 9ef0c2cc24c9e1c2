#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/coding.h"
#include "services/kv/snapshot/sample.h"
#include "services/kv/snapshot/snapshot_check.h"
#include "services/kv/snapshot/snapshot_writer.h"

namespace lamppost::kv {
namespace {

absl::Status Check(absl::string_view file, size_t piece_bytes = 1 << 16) {
  SnapshotCheck check;
  for (size_t at = 0; at < file.size(); at += piece_bytes) {
    if (absl::Status status = check.Read(file.substr(at, piece_bytes)); !status.ok()) return status;
  }
  return check.Finish();
}

void ExpectDamaged(absl::string_view file) {
  const absl::Status status = Check(file);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ErrorReason(status), "SNAPSHOT_DAMAGED") << status;
}

TEST(SnapshotTest, IsReadAsItWasWritten) {
  SampleStore store;
  store.Fill(1000, 700);  // several blocks
  const std::string file = store.File();
  EXPECT_EQ(store.File(100), file);  // however it is cut
  SnapshotCheck check;
  ASSERT_TRUE(check.Read(file).ok());
  ASSERT_TRUE(check.Finish().ok());
  EXPECT_EQ(check.header()->cluster, "c");
  EXPECT_EQ(check.header()->node_id, "A");
  EXPECT_EQ(check.header()->created_unix_ms, 1'700'000'000'000u);
  EXPECT_EQ(check.header()->state.keys, 900u);
  EXPECT_EQ(check.header()->state.tombstones, 100u);
  EXPECT_EQ(check.header()->state.heads, store.state()->heads);
  EXPECT_EQ(check.records(), 1000u);
  EXPECT_EQ(check.bytes(), file.size());
  EXPECT_TRUE(Check(file, 1).ok());
}

TEST(SnapshotTest, OfAnEmptyStore) {
  EXPECT_TRUE(Check(SampleStore().File()).ok());
}

TEST(SnapshotTest, IsOfOneMoment) {
  SampleStore store;
  store.Fill(500, 700);
  SnapshotWriter writer = store.Writer();
  std::string file = *writer.Next(1000);
  store.Fill(500, 10);  // all other values, while it is written
  while (true) {
    const std::string piece = *writer.Next(1000);
    if (piece.empty()) break;
    file += piece;
    EXPECT_LE(piece.size(), 1000u);
  }
  EXPECT_TRUE(Check(file).ok());
}

TEST(SnapshotTest, AStateOfAnotherMomentIsNoticed) {
  SampleStore store;
  store.Fill(20, 10);
  SnapshotHeader header = store.Header();
  store.Write("later", "v");
  SnapshotWriter writer(header, store.storage().Snapshot());
  std::string file;
  for (std::string piece = *writer.Next(1 << 20); !piece.empty(); piece = *writer.Next(1 << 20))
    file += piece;
  ExpectDamaged(file);
}

TEST(SnapshotTest, CutAnywhereIsNoticed) {
  SampleStore store;
  store.Fill(20, 10);
  const std::string file = store.File();
  for (size_t size = 0; size < file.size(); ++size) ExpectDamaged(absl::string_view(file).substr(0, size));
}

TEST(SnapshotTest, AnyAlteredByteIsNoticed) {
  SampleStore store;
  store.Fill(20, 10);
  const std::string file = store.File();
  for (size_t at = 0; at < file.size(); ++at) {
    for (const int bit : {0, 7}) {
      std::string altered = file;
      altered[at] = static_cast<char>(altered[at] ^ 1 << bit);
      EXPECT_FALSE(Check(altered).ok()) << at;
    }
  }
}

TEST(SnapshotTest, WhatIsAppendedOrLeftOutIsNoticed) {
  SampleStore store;
  store.Fill(600, 700);
  const std::string file = store.File();
  ExpectDamaged(file + '\0');
  ExpectDamaged(file + file);
  // A whole block is missing: every other frame is sound by itself.
  const size_t header = kSnapshotMagic.size() + 8;
  const auto frame_size = [&file](size_t at) {
    return kSnapshotFrameHeadBytes + Decoder(absl::string_view(file).substr(at + 1)).BigEndian64() +
           kSnapshotChecksumBytes;
  };
  const size_t first = header + frame_size(header);
  const size_t second = first + frame_size(first);
  ASSERT_EQ(file[second], 'B');
  ExpectDamaged(file.substr(0, first) + file.substr(second));
}

TEST(SnapshotTest, OtherFilesAndFormatsAreNamed) {
  ExpectDamaged("");
  ExpectDamaged("{\"key\":\"x\"}\n");
  SampleStore store;
  std::string file = store.File();
  file[kSnapshotMagic.size() + 7] = 9;
  EXPECT_EQ(ErrorReason(Check(file)), "SNAPSHOT_UNKNOWN_FORMAT");
  EXPECT_EQ(Check(file).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SnapshotTest, AHugeLengthTakesNoMemory) {
  SampleStore store;
  std::string file = store.File().substr(0, kSnapshotMagic.size() + 8);
  file += 'H';
  PutBigEndian64(uint64_t{1} << 60, &file);
  ExpectDamaged(file);
}

}  // namespace
}  // namespace lamppost::kv
