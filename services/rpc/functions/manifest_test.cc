#include "services/rpc/functions/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/rpc/functions/program_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string Refusal(const std::string& text) {
  const auto manifest = ParseManifest(text, "f.json", "/functions");
  return manifest.ok() ? "" : std::string(manifest.status().message());
}

TEST(ManifestTest, WhatIsNotSaidHasADefault) {
  const auto manifest = ParseManifest(R"({"command": ["./f"]})", "f.json", "/functions");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->spec.name, "f");
  EXPECT_EQ(manifest->spec.source, "f.json");
  EXPECT_EQ(manifest->spec.repeat, Repeat::kOnce);
  EXPECT_EQ(manifest->spec.when_abandoned, WhenAbandoned::kFinish);
  EXPECT_EQ(manifest->spec.time_limit_ms, 30'000u);
  EXPECT_EQ(manifest->mode, Manifest::Mode::kProcess);
  EXPECT_EQ(manifest->program.limits.memory_bytes, 512u << 20);
  EXPECT_EQ(manifest->program.limits.cpu_s, 31u);
  EXPECT_EQ(manifest->program.directory, "/functions");
  EXPECT_THAT(manifest->program.environment, Contains("LAMPPOST_FUNCTION=f"));
  EXPECT_THAT(manifest->program.environment, Contains("LANG=C.UTF-8"));
  EXPECT_TRUE(manifest->params->Check({{"anything", 1}}).ok());
}

TEST(ManifestTest, EverythingCanBeSaid) {
  const auto manifest = ParseManifest(R"({
    "name": "weather", "description": "Tomorrow.", "command": ["python3", "./w.py"], "mode": "worker",
    "idempotent": true, "params": {"type": "object", "required": ["city"]}, "time_limit_ms": 1, "concurrency_max": 2,
    "queue_max": 3, "when_abandoned": "kill", "abandon_grace_ms": 4, "result_bytes_max": 5,
    "memory_bytes_max": 100000000, "environment": {"TZ": "UTC", "PATH": "/opt"}})",
                                      "weather.json", "/functions");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->spec.name, "weather");
  EXPECT_EQ(manifest->spec.description, "Tomorrow.");
  EXPECT_EQ(manifest->mode, Manifest::Mode::kWorker);
  EXPECT_EQ(manifest->spec.repeat, Repeat::kIdempotent);
  EXPECT_EQ(manifest->spec.when_abandoned, WhenAbandoned::kKill);
  EXPECT_EQ(manifest->spec.time_limit_ms, 1u);
  EXPECT_EQ(manifest->spec.concurrency_max, 2u);
  EXPECT_EQ(manifest->spec.queue_max, 3u);
  EXPECT_EQ(manifest->spec.abandon_grace_ms, 4u);
  EXPECT_EQ(manifest->spec.result_bytes_max, 5u);
  EXPECT_EQ(manifest->program.limits.memory_bytes, 100'000'000u);
  EXPECT_EQ(manifest->program.limits.cpu_s, 0u);
  EXPECT_THAT(manifest->program.environment, Contains("TZ=UTC"));
  EXPECT_THAT(manifest->program.environment, Contains("PATH=/opt"));
  EXPECT_FALSE(manifest->params->Check({}).ok());
}

TEST(ManifestTest, WhatIsWrongIsNamed) {
  const auto with = [](const std::string& member) {
    return Refusal(R"({"command": ["./f"], )" + member + "}");
  };
  EXPECT_EQ(Refusal("{"), "not JSON text");
  EXPECT_EQ(Refusal("[]"), "a manifest is a JSON object");
  EXPECT_EQ(Refusal("{}"), "command: is required: a list of the program and its arguments");
  EXPECT_EQ(Refusal(R"({"command": []})"), "command: must be a list of 1 to 256 strings");
  EXPECT_EQ(Refusal(R"({"command": "./f"})"), "command: must be a list of 1 to 256 strings");
  EXPECT_EQ(Refusal(R"({"command": ["./f", 1]})"), "command: must be a list of strings");
  EXPECT_THAT(with(R"("timeout_ms": 1)"), HasSubstr("\"timeout_ms\" is not known"));
  // Not that something is missing.
  EXPECT_THAT(Refusal(R"({"comand": ["./f"]})"), HasSubstr("\"comand\" is not known"));
  EXPECT_EQ(with(R"("name": "g")"), "name: must be the file's name without .json, \"f\"");
  EXPECT_EQ(with(R"("name": 1)"), "name: must be a string");
  EXPECT_EQ(with(R"("name": "f")"), "");
  EXPECT_EQ(with(R"("time_limit_ms": "1s")"), "time_limit_ms: must be a whole number, 0 or more");
  EXPECT_EQ(with(R"("time_limit_ms": 1.5)"), "time_limit_ms: must be a whole number, 0 or more");
  EXPECT_EQ(with(R"("queue_max": -1)"), "queue_max: must be a whole number, 0 or more");
  EXPECT_EQ(with(R"("idempotent": 1)"), "idempotent: must be true or false");
  EXPECT_EQ(with(R"("mode": "daemon")"), "mode: must be \"process\" or \"worker\"");
  EXPECT_EQ(with(R"("when_abandoned": "wait")"), "when_abandoned: must be \"finish\" or \"kill\"");
  EXPECT_EQ(with(R"("memory_bytes_max": 1)"), "memory_bytes_max: must be at least 8388608");
  EXPECT_THAT(with(R"("mode": "worker", "cpu_limit_s": 1)"), HasSubstr("cpu_limit_s"));
  EXPECT_EQ(with(R"("environment": {"A B": "x"})"), "environment: \"A B\" is no variable's name");
  EXPECT_THAT(with(R"("environment": {"LAMPPOST_RUN": "x"})"), HasSubstr("are the server's"));
  EXPECT_EQ(with(R"("environment": {"A": 1})"), "environment: A: must be a string without NUL");
  EXPECT_EQ(with(R"("params": {"type": "objekt"})").substr(0, 15), "params: #/type:");
}

TEST(ManifestTest, CommandsAreFoundOrSaidToBeUnusable) {
  const std::string directory = NewDirectory();
  WriteScript(directory + "/f", "#!/bin/sh\n");
  EXPECT_EQ(*FindCommand("./f", directory), directory + "/f");
  EXPECT_EQ(*FindCommand(directory + "/f", "/"), directory + "/f");
  EXPECT_THAT(*FindCommand("sh", directory), HasSubstr("/bin/sh"));
  const auto refusal = [&](const char* word) {
    return std::string(FindCommand(word, directory).status().message());
  };
  EXPECT_EQ(refusal("./g"), "command: " + directory + "/g: No such file or directory");
  EXPECT_THAT(refusal("no-such-command"),
              HasSubstr("command: there is no no-such-command in /usr/local/sbin:"));
  EXPECT_THAT(refusal("./."), HasSubstr("is not a file"));
  chmod((directory + "/f").c_str(), 0644);
  EXPECT_EQ(refusal("./f"), "command: " + directory + "/f: is not executable (chmod +x)");
}

}  // namespace
}  // namespace lamppost::rpc
