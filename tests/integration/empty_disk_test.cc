// A node that has lost its disk, or was given an old one, comes back as a new life and loses nobody's writes.
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

uint64_t LifeOf(Cluster* cluster, const std::string& id) {
  return cluster->client(id)->Status().value().incarnation();
}

class EmptyDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    for (const std::string& id : cluster_.ids()) {
      ASSERT_OK(cluster_.client(id)->Fill("from-" + id, 2000, id));
    }
    ASSERT_OK(cluster_.client("B")->Delete("from-A000000").status());
    ASSERT_OK(cluster_.WaitConverged());
  }

  void ExpectWhole(const std::string& id) {
    const auto everything = cluster_.client(id)->Everything();
    ASSERT_OK(everything.status());
    for (const std::string& writer : cluster_.ids())
      EXPECT_EQ(everything->count("from-" + writer + "001999"), 1u);
    EXPECT_EQ(everything->count("from-A000000"), 0u);
  }

  Cluster cluster_{{}};
};

TEST_F(EmptyDisk, AWipedNodeFillsAsANewLife) {
  const uint64_t life_before = LifeOf(&cluster_, "C");
  cluster_.node("C")->Kill();
  cluster_.node("C")->WipeDisk();
  ASSERT_OK(cluster_.client("A")->Put("while away", "1").status());
  ASSERT_OK(cluster_.node("C")->Start());
  EXPECT_GT(LifeOf(&cluster_, "C") >> 32, life_before >> 32);
  ASSERT_OK(cluster_.WaitConverged());
  ExpectWhole("C");
  EXPECT_EQ(cluster_.client("C")->Status()->keys(), 6000u);
  EXPECT_EQ(cluster_.client("C")->Text("while away"), "1");
  // Its writes reach everybody, and win over those of its last life.
  ASSERT_OK(cluster_.client("C")->Put("from-C000001", "again").status());
  EXPECT_OK(cluster_.WaitText("A", "from-C000001", "again", absl::Seconds(2)));
  EXPECT_OK(cluster_.WaitText("B", "from-C000001", "again", absl::Seconds(2)));
}

TEST_F(EmptyDisk, AnOldBackupLosesNothing) {
  namespace fs = std::filesystem;
  const std::string backup = NewTestPath("backup");
  ASSERT_EQ(cluster_.node("C")->Stop().value(), 0);
  fs::copy(cluster_.node("C")->data_directory(), backup, fs::copy_options::recursive);
  ASSERT_OK(cluster_.node("C")->Start());
  const uint64_t life_before = LifeOf(&cluster_, "C");
  // After the backup C writes more, under timestamps that it must not give out again.
  ASSERT_OK(cluster_.client("C")->Fill("later", 500, "C"));
  ASSERT_OK(cluster_.client("C")->Put("from-C000002", "newer").status());
  ASSERT_OK(cluster_.client("A")->Delete("from-C000003").status());
  ASSERT_OK(cluster_.WaitConverged());
  const auto version = cluster_.client("A")->Get("later000499")->version();
  cluster_.node("C")->Kill();
  cluster_.node("C")->WipeDisk();
  fs::copy(backup, cluster_.node("C")->data_directory(), fs::copy_options::recursive);

  ASSERT_OK(cluster_.node("C")->Start());
  EXPECT_GT(LifeOf(&cluster_, "C") >> 32, life_before >> 32);
  const auto fresh = cluster_.client("C")->Put("fresh", "1");
  ASSERT_OK(fresh.status());
  EXPECT_NE(fresh->version().incarnation(), version.incarnation());
  ASSERT_OK(cluster_.WaitConverged());
  ExpectWhole("C");
  for (const std::string& id : cluster_.ids()) {
    EXPECT_EQ(cluster_.client(id)->Text("later000499"), "C") << id;
    EXPECT_EQ(cluster_.client(id)->Text("from-C000002"), "newer") << id;
    EXPECT_FALSE(cluster_.client(id)->Text("from-C000003")) << id;
    EXPECT_EQ(cluster_.client(id)->Text("fresh"), "1") << id;
  }
}

// With nobody to ask, a node must take it for possible that its disk is an old one.
TEST_F(EmptyDisk, ANodeThatStartsAloneTakesANewLifeAndWrites) {
  const uint64_t life_before = LifeOf(&cluster_, "A");
  for (const std::string& id : cluster_.ids()) cluster_.node(id)->Kill();
  ASSERT_OK(cluster_.node("A")->Start());
  EXPECT_GT(LifeOf(&cluster_, "A") >> 32, life_before >> 32);
  ASSERT_OK(cluster_.client("A")->Put("alone", "1").status());
  ASSERT_OK(cluster_.node("B")->Start());
  ASSERT_OK(cluster_.node("C")->Start());
  ASSERT_OK(cluster_.WaitConverged());
  EXPECT_EQ(cluster_.client("C")->Text("alone"), "1");
  ExpectWhole("C");
}

TEST_F(EmptyDisk, ThreeWipesOfThreeNodesOneAfterTheOther) {
  for (const std::string& id : cluster_.ids()) {
    cluster_.node(id)->Kill();
    cluster_.node(id)->WipeDisk();
    ASSERT_OK(cluster_.node(id)->Start());
    ASSERT_OK(cluster_.WaitConverged());
    ExpectWhole(id);
  }
}

}  // namespace
}  // namespace lamppost::testing
