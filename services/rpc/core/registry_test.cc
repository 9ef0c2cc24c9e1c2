#include "services/rpc/core/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;

class Nothing final : public Runnable {
 public:
  void Start(RunRequest request, RunSink* sink) override { sink->Finished(request.run, std::string("null")); }
  void Kill(RunId) override {}
};

std::shared_ptr<Function> Named(const std::string& name) {
  auto function = std::make_shared<Function>();
  function->spec.name = name;
  function->params = *ParamsSchema::Compile(Json::object());
  function->runnable = std::make_shared<Nothing>();
  return function;
}

std::string Unknown(const Registry& registry, const std::string& name) {
  const absl::Status status = registry.UnknownError(name);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "FUNCTION_UNKNOWN");
  return std::string(status.message());
}

TEST(RegistryTest, FunctionsAreFoundByName) {
  Registry registry;
  const auto add = Named("add");
  ASSERT_TRUE(registry.Add(add).ok());
  EXPECT_EQ(registry.Find("add"), add);
  EXPECT_EQ(registry.Find("Add"), nullptr);
}

TEST(RegistryTest, ANameIsTakenOnce) {
  Registry registry;
  auto first = Named("add");
  first->spec.source = "first.json";
  ASSERT_TRUE(registry.Add(first).ok());
  const absl::Status status = registry.Add(Named("add"));
  EXPECT_EQ(ErrorReason(status), "FUNCTION_EXISTS");
  EXPECT_THAT(std::string(status.message()), HasSubstr("first.json"));
  EXPECT_EQ(registry.Find("add"), first);
}

TEST(RegistryTest, WhatIsOutOfBoundsIsRefused) {
  const auto refused = [](auto change) {
    auto function = Named("f");
    change(*function);
    Registry registry;
    return ErrorReason(registry.Add(function)) == "FUNCTION_INVALID" && registry.functions().empty();
  };
  EXPECT_FALSE(refused([](Function&) {}));
  EXPECT_FALSE(refused([](Function& f) { f.spec.name = std::string(64, 'a'); }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.name = ""; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.name = std::string(65, 'a'); }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.name = "a/b"; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.name = "a b"; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.name = "\xc3\xa9"; }));
  EXPECT_FALSE(refused([](Function& f) { f.spec.description = std::string(1024, 'a'); }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.description = std::string(1025, 'a'); }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.time_limit_ms = 0; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.concurrency_max = 0; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.result_bytes_max = 0; }));
  EXPECT_TRUE(refused([](Function& f) { f.spec.result_bytes_max = size_t{4} << 20; }));
  EXPECT_TRUE(refused([](Function& f) { f.params = nullptr; }));
  EXPECT_TRUE(refused([](Function& f) { f.runnable = nullptr; }));
}

TEST(RegistryTest, TheNearestNamesAreNamed) {
  Registry registry;
  for (const char* name : {"add", "counter", "reverse", "sleep", "uppercase"}) {
    ASSERT_TRUE(registry.Add(Named(name)).ok());
  }
  EXPECT_THAT(Unknown(registry, "ad"), HasSubstr("did you mean \"add\"?"));
  EXPECT_THAT(Unknown(registry, "conuter"), HasSubstr("did you mean \"counter\"?"));
  EXPECT_THAT(Unknown(registry, "REVERSE"), HasSubstr("did you mean \"reverse\"?"));
  EXPECT_THAT(Unknown(registry, "launch-missiles"), HasSubstr("ListFunctions"));
  EXPECT_THAT(Unknown(registry, ""), HasSubstr("ListFunctions"));
  // Nothing from outside gets into the message raw or at length.
  EXPECT_THAT(Unknown(registry, "a\nb\x1b"), Not(HasSubstr("\n")));
  EXPECT_LT(Unknown(registry, std::string(100'000, 'x')).size(), 300u);
}

TEST(RegistryTest, AtMostThreeNamesTheNearestFirst) {
  Registry registry;
  for (const char* name : {"part-a", "part-b", "part-c", "part-dd"})
    ASSERT_TRUE(registry.Add(Named(name)).ok());
  EXPECT_THAT(Unknown(registry, "part-dx"),
              HasSubstr("did you mean \"part-dd\" or \"part-a\" or \"part-b\"?"));
}

TEST(RegistryTest, EditDistanceCountsEachKindOfSlip) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", "abc"), 0u);
  EXPECT_EQ(EditDistance("abc", "abxc"), 1u);
  EXPECT_EQ(EditDistance("abxc", "abc"), 1u);
  EXPECT_EQ(EditDistance("abc", "axc"), 1u);
  EXPECT_EQ(EditDistance("abc", "acb"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace lamppost::rpc
