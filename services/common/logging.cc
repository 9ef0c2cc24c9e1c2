#include "services/common/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost {
namespace {

constexpr std::array<absl::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

absl::string_view NameOf(LogLevel level) {
  return kLevelNames[static_cast<size_t>(level)];
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string CleanKey(absl::string_view key) {
  std::string clean(key.empty() ? "_" : key);
  for (char& c : clean) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.' && c != '-') c = '_';
  }
  if (clean == "time" || clean == "level" || clean == "message") clean += '_';
  return clean;
}

// C0, DEL and C1: they end lines or steer terminals.
bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}
// Line and paragraph separator, and the marks that reorder text for display.
bool IsDeceptive(char32_t c) {
  return (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
}

void AppendEscaped(const Utf8Character& character, absl::string_view bytes, std::string* out) {
  const char32_t c = character.code_point;
  if (c == '"' || c == '\\') {
    out->push_back('\\');
    out->push_back(static_cast<char>(c));
  } else if (c == '\n') {
    out->append("\\n");
  } else if (c == '\r') {
    out->append("\\r");
  } else if (c == '\t') {
    out->append("\\t");
  } else if (IsControl(c) || IsDeceptive(c)) {
    absl::StrAppendFormat(out, "\\u%04x", static_cast<uint32_t>(c));
  } else {
    out->append(bytes.data(), bytes.size());
  }
}

std::string LogfmtText(absl::string_view text) {
  std::string escaped;
  bool quote = text.empty();
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    if (character.bytes == 0) {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<uint8_t>(text[0]));
      text.remove_prefix(1);
      quote = true;
      continue;
    }
    const size_t before = escaped.size();
    AppendEscaped(character, text.substr(0, character.bytes), &escaped);
    quote = quote || character.code_point == ' ' || character.code_point == '=' || escaped[before] == '\\';
    text.remove_prefix(character.bytes);
  }
  return quote ? absl::StrCat("\"", escaped, "\"") : escaped;
}

std::string LogfmtValue(const LogField::Value& value) {
  struct Visitor {
    std::string operator()(const std::string& text) const { return LogfmtText(text); }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(int64_t number) const { return absl::StrCat(number); }
    std::string operator()(uint64_t number) const { return absl::StrCat(number); }
    std::string operator()(double number) const { return absl::StrCat(number); }
  };
  return std::visit(Visitor(), value);
}

std::string LogfmtLine(absl::Time time, LogLevel level, absl::string_view message,
                       const std::vector<LogField>& fields) {
  std::string line =
      absl::StrCat("time=", TimeText(time), " level=", NameOf(level), " message=", LogfmtText(message));
  for (const LogField& field : fields)
    absl::StrAppend(&line, " ", CleanKey(field.key), "=", LogfmtValue(field.value));
  return line;
}

std::string JsonLine(absl::Time time, LogLevel level, absl::string_view message,
                     const std::vector<LogField>& fields) {
  nlohmann::ordered_json line = {
      {"time", TimeText(time)}, {"level", std::string(NameOf(level))}, {"message", std::string(message)}};
  for (const LogField& field : fields) {
    auto& slot = line[CleanKey(field.key)];
    std::visit([&](const auto& value) { slot = value; }, field.value);
  }
  // ASCII only, so nothing in it can steer a terminal; bytes that are no UTF-8 become U+FFFD.
  return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

class ProcessLog {
 public:
  ProcessLog() : logger_("lamppost", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.set_level(spdlog::level::trace);  // what is dropped is dropped here, before it is formatted
    logger_.flush_on(spdlog::level::trace);
  }

  void SetOptions(const LogOptions& options) {
    level_.store(options.level, std::memory_order_relaxed);
    format_.store(options.format, std::memory_order_relaxed);
  }

  bool Enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }

  void Write(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
    const LogFormat format = format_.load(std::memory_order_relaxed);
    const std::string line = FormatLogLine(format, absl::Now(), level, message, fields);
    logger_.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  std::atomic<LogLevel> level_{LogLevel::kInfo};
  std::atomic<LogFormat> format_{LogFormat::kLogfmt};
  spdlog::logger logger_;
};

// Never destroyed: threads may log until the very end of the process.
ProcessLog& TheLog() {
  static ProcessLog* const log = new ProcessLog();
  return *log;
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_LOG_LEVEL",
                   absl::StrCat("log level \"", text, "\" is not one of debug, info, warn, error"));
}

absl::StatusOr<LogFormat> ParseLogFormat(absl::string_view text) {
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_LOG_FORMAT",
                   absl::StrCat("log format \"", text, "\" is not one of logfmt, json"));
}

void SetLogOptions(const LogOptions& options) {
  TheLog().SetOptions(options);
}

bool LogEnabled(LogLevel level) {
  return TheLog().Enabled(level);
}

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  if (LogEnabled(level)) TheLog().Write(level, message, fields);
}

void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  if (LogEnabled(level)) TheLog().Write(level, message, fields);
}

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, absl::string_view message,
                          const std::vector<LogField>& fields) {
  return format == LogFormat::kJson ? JsonLine(time, level, message, fields)
                                    : LogfmtLine(time, level, message, fields);
}

}  // namespace lamppost
