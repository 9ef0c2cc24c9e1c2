#include "services/common/logging.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace lamppost {
namespace {

using std::string_literals::operator""s;

const absl::Time kTime = absl::FromUnixMillis(1769860800123);

std::string Logfmt(absl::string_view message, const std::vector<LogField>& fields = {}) {
  return FormatLogLine(LogFormat::kLogfmt, kTime, LogLevel::kInfo, message, fields);
}

std::string Json(absl::string_view message, const std::vector<LogField>& fields = {}) {
  return FormatLogLine(LogFormat::kJson, kTime, LogLevel::kWarn, message, fields);
}

// The value of the one field of an event.
std::string Value(absl::string_view text) {
  const std::string line = Logfmt("m", {{"v", text}});
  return line.substr(line.find("v=", line.find("message=")) + 2);
}

TEST(Logging, OneEventIsOneLogfmtLine) {
  EXPECT_EQ(
      Logfmt("peer is up", {{"peer", "B"}, {"heads", 3}, {"lag_ms", -1}, {"ratio", 0.5}, {"live", true}}),
      "time=2026-01-31T12:00:00.123Z level=info message=\"peer is up\" peer=B heads=3 lag_ms=-1 ratio=0.5 "
      "live=true");
  EXPECT_EQ(Logfmt("up"), "time=2026-01-31T12:00:00.123Z level=info message=up");
}

TEST(Logging, OneEventIsOneJsonLine) {
  EXPECT_EQ(
      Json("peer is up", {{"peer", "B"}, {"heads", 3u}, {"live", false}}),
      "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"warn\",\"message\":\"peer is up\",\"peer\":\"B\","
      "\"heads\":3,\"live\":false}");
}

TEST(Logging, NumbersKeepTheirRange) {
  const std::vector<LogField> fields = {{"u", std::numeric_limits<uint64_t>::max()},
                                        {"i", std::numeric_limits<int64_t>::min()},
                                        {"s", std::string("x")}};
  EXPECT_TRUE(absl::EndsWith(Logfmt("m", fields), " u=18446744073709551615 i=-9223372036854775808 s=x"));
  EXPECT_EQ(nlohmann::json::parse(Json("m", fields))["u"], std::numeric_limits<uint64_t>::max());
}

TEST(Logging, ValuesAreQuotedWhenNeeded) {
  EXPECT_EQ(Value("plain"), "plain");
  EXPECT_EQ(Value("127.0.0.1:8000"), "127.0.0.1:8000");
  EXPECT_EQ(Value("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(Value(""), "\"\"");
  EXPECT_EQ(Value("a b"), "\"a b\"");
  EXPECT_EQ(Value("a=b"), "\"a=b\"");
  EXPECT_EQ(Value("say \"hi\""), "\"say \\\"hi\\\"\"");
  EXPECT_EQ(Value("C:\\x"), "\"C:\\\\x\"");
}

TEST(Logging, ControlsAreEscaped) {
  EXPECT_EQ(Value("a\nlevel=error"), "\"a\\nlevel=error\"");
  EXPECT_EQ(Value("\r\t\x1b[31m\x7f"), "\"\\r\\t\\u001b[31m\\u007f\"");
  EXPECT_EQ(Value("nul\0."s), "\"nul\\u0000.\"");
  EXPECT_EQ(Value("\xc2\x9b"), "\"\\u009b\"") << "the one-character CSI";
  EXPECT_EQ(Value("\xe2\x80\xae"), "\"\\u202e\"") << "right-to-left override";
  EXPECT_EQ(Value("\xff\xc3("), "\"\\xff\\xc3(\"");
}

TEST(Logging, NoByteBreaksALine) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; second += 5) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      for (const std::string& line : {Logfmt(text, {{text, text}}), Json(text, {{text, text}})}) {
        for (const char c : line) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
      }
      ASSERT_NO_THROW((void)nlohmann::json::parse(Json(text, {{text, text}})));
    }
  }
}

TEST(Logging, KeysAreClean) {
  EXPECT_TRUE(absl::EndsWith(Logfmt("m", {{"a b=\"", 1}}), " a_b__=1"));
  EXPECT_TRUE(absl::EndsWith(Logfmt("m", {{"", 1}}), " _=1"));
  EXPECT_TRUE(absl::EndsWith(Logfmt("m", {{"level", "error"}}), " level_=error"));
  EXPECT_EQ(nlohmann::json::parse(Json("m", {{"message", "forged"}}))["message"], "m");
}

TEST(Logging, ParsesItsFlags) {
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(*ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  for (const char* bad : {"", "INFO", "warning", "info "}) {
    EXPECT_EQ(ParseLogLevel(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(ParseLogFormat(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Logging, GoesToStderrFromItsLevelOn) {
  testing::internal::CaptureStderr();
  SetLogOptions({LogLevel::kWarn, LogFormat::kLogfmt});
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  Log(LogLevel::kInfo, "dropped");
  Log(LogLevel::kError, "kept {} %s", {{"n", 1}});
  const std::string text = testing::internal::GetCapturedStderr();
  SetLogOptions({});
  EXPECT_EQ(text.find("dropped"), std::string::npos);
  EXPECT_TRUE(absl::EndsWith(text, " level=error message=\"kept {} %s\" n=1\n")) << text;
  EXPECT_EQ(text.find("time=20"), 0u);
}

TEST(Logging, ThreadsDoNotMixLines) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) Log(LogLevel::kInfo, "a message", {{"filler", std::string(100, 'x')}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = testing::internal::GetCapturedStderr();
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 800u);
  for (const std::string& line : lines) {
    ASSERT_TRUE(absl::StartsWith(line, "time=20") && absl::EndsWith(line, "filler=" + std::string(100, 'x')))
        << line;
  }
}

}  // namespace
}  // namespace lamppost
