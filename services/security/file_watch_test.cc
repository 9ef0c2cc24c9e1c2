#include "services/security/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace lamppost::security {
namespace {

// What could not be taken, for a reason that has nothing to do with the file itself, is taken later.
TEST(FileWatchTest, AChangeThatCouldNotBeTakenIsOfferedAgain) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/watched");
  std::ofstream(path) << "before";
  const std::vector<FileWatch::Mark> seen = FileWatch::Look({path});
  std::ofstream(path) << "after, and longer";
  absl::Mutex mutex;
  int offered = 0;
  int looked = 0;
  FileWatch watch({path}, seen,
                  {[&] {
                     absl::MutexLock lock(&mutex);
                     return ++offered == 2;
                   },
                   [&] {
                     absl::MutexLock lock(&mutex);
                     ++looked;
                   }});
  absl::MutexLock lock(&mutex);
  const auto enough = [&] { return looked >= 3; };
  ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(60)));
  EXPECT_EQ(offered, 2) << "once it is taken, it is not offered any more";
}

TEST(FileWatchTest, AChangeOfModeIsAChange) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/mode");
  std::ofstream(path) << "text";
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  const std::vector<FileWatch::Mark> before = FileWatch::Look({path});
  EXPECT_EQ(FileWatch::Look({path}), before);
  // The kernel's clock for files goes in ticks of some milliseconds.
  const absl::Time until = absl::Now() + absl::Seconds(20);
  while (FileWatch::Look({path}) == before && absl::Now() < until)
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  EXPECT_NE(FileWatch::Look({path}), before);
}

}  // namespace
}  // namespace lamppost::security
