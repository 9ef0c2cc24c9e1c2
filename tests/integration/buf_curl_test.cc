// buf curl with no proto files: it learns everything from the node's reflection.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/outside_tool.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class BufCurl : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_TOOL("BUF");
    ClusterOptions options;
    options.ids = {"A"};
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  // A method with its request, or a listing flag alone.
  Finished Run(const std::vector<std::string>& flags, const std::string& method) {
    ProcessOptions options;
    options.command = {ToolPath("BUF"), "curl", "--protocol", "grpc", "--http2-prior-knowledge"};
    options.command.insert(options.command.end(), flags.begin(), flags.end());
    options.command.push_back(
        absl::StrCat("http://", cluster_->node("A")->address(), method.empty() ? "" : "/", method));
    options.environment = {{"HOME", ::testing::TempDir()}, {"BUF_CACHE_DIR", ::testing::TempDir()}};
    return RunToEnd(options, absl::Seconds(30));
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(BufCurl, ListsServicesAndMethods) {
  const Finished services = Run({"--list-services"}, "");
  ASSERT_EQ(services.exit_code, 0) << services.err;
  EXPECT_THAT(services.out, HasSubstr("lamppost.kv.v1.KvService"));
  EXPECT_THAT(services.out, HasSubstr("grpc.health.v1.Health"));
  const Finished methods = Run({"--list-methods"}, "");
  EXPECT_THAT(methods.out, HasSubstr("lamppost.kv.v1.KvService/Put"));
}

TEST_F(BufCurl, PutsGetsAndChecksHealth) {
  const Finished put =
      Run({"--data", R"({"key":"x","value":{"text":"10"}})"}, "lamppost.kv.v1.KvService/Put");
  ASSERT_EQ(put.exit_code, 0) << put.err;
  const Finished get = Run({"--data", R"({"key":"x"})"}, "lamppost.kv.v1.KvService/Get");
  ASSERT_EQ(get.exit_code, 0) << get.err;
  EXPECT_THAT(get.out, ContainsRegex("\"text\": *\"10\""));
  const Finished status = Run({"--data", "{}"}, "lamppost.kv.v1.KvService/Status");
  EXPECT_THAT(status.out, ContainsRegex("\"contentHash\": *\"0*[1-9a-f]"));
  const Finished health = Run({"--data", "{}"}, "grpc.health.v1.Health/Check");
  ASSERT_EQ(health.exit_code, 0) << health.err;
  EXPECT_THAT(health.out, HasSubstr("SERVING"));
  const Finished refused = Run({"--data", R"({"key":"x"})"}, "lamppost.kv.v1.KvService/Put");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("invalid_argument"));
}

}  // namespace
}  // namespace lamppost::testing
