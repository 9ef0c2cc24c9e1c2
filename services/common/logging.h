// Structured logs: one event a line, for people and programs.
//
//   time=2026-01-31T12:00:00.123Z level=info message="peer is up" peer=B heads=3
//   {"time":"2026-01-31T12:00:00.123Z","level":"info","message":"peer is up","peer":"B","heads":3}
//
// Whatever a value holds, it cannot start a new line, forge a field or steer a terminal. Thread-safe.
#ifndef LAMPPOST_SERVICES_COMMON_LOGGING_H_
#define LAMPPOST_SERVICES_COMMON_LOGGING_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace lamppost {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

// "debug", "info", "warn" or "error"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);
// "logfmt" or "json"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogFormat> ParseLogFormat(absl::string_view text);

// A name and a value: {"peer", "B"}, {"keys", 17}, {"ratio", 0.5}, {"durable", true}. In JSON numbers
// and booleans stay what they are. Names are [A-Za-z0-9_.-]; anything else in them becomes '_'.
struct LogField {
  using Value = std::variant<std::string, int64_t, uint64_t, double, bool>;

  LogField(absl::string_view key_in, absl::string_view text) : key(key_in), value(std::string(text)) {}
  LogField(absl::string_view key_in, const std::string& text) : key(key_in), value(text) {}
  LogField(absl::string_view key_in, const char* text) : key(key_in), value(std::string(text)) {}
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  LogField(absl::string_view key_in, T number) : key(key_in), value(Convert(number)) {}

  std::string key;
  Value value;

 private:
  template <typename T>
  static Value Convert(T number) {
    if constexpr (std::is_same_v<T, bool>) {
      return Value(std::in_place_type<bool>, number);
    } else if constexpr (std::is_floating_point_v<T>) {
      return Value(std::in_place_type<double>, number);
    } else if constexpr (std::is_signed_v<T>) {
      return Value(std::in_place_type<int64_t>, number);
    } else {
      return Value(std::in_place_type<uint64_t>, number);
    }
  }
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;  // events below it are dropped
  LogFormat format = LogFormat::kLogfmt;
};

// The process's log, on stderr. It is the one thing here that belongs to the whole process rather than
// to an object: everything may log from the start, and main() sets the options once it knows them.
void SetLogOptions(const LogOptions& options);

// True when an event of this level would be written; spares the making of costly fields.
bool LogEnabled(LogLevel level);

// Writes an event: Log(LogLevel::kInfo, "peer is up", {{"peer", "B"}}). Returns once it is written.
void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});
void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields);

// The line that Log writes, without its end. A field named time, level or message gets a '_' behind.
std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, absl::string_view message,
                          const std::vector<LogField>& fields);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_LOGGING_H_
