#include "services/rpc/functions/builtins.h"

#include <openssl/evp.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::rpc {
namespace {

using Result = absl::StatusOr<Json>;

constexpr uint64_t kQuickMs = 5000;
constexpr int64_t kSleepMsMax = 3600 * 1000;
constexpr int64_t kProgressEveryMs = 100;

// JSON knows no infinity.
Result Finite(double number) {
  if (std::isfinite(number)) return Json(number);
  return MakeError(absl::StatusCode::kOutOfRange, "RESULT_OUT_OF_RANGE",
                   "the result is beyond a double's range");
}

Result Sum(CallContext&, const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return Finite(sum);
}

Result Reverse(CallContext&, absl::string_view text) {
  std::string reversed(text.size(), ' ');
  size_t end = text.size();
  while (!text.empty()) {
    const size_t bytes = std::max<size_t>(FirstUtf8Character(text).bytes, 1);
    end -= bytes;
    std::copy_n(text.begin(), bytes, reversed.begin() + static_cast<std::ptrdiff_t>(end));
    text.remove_prefix(bytes);
  }
  return Json(std::move(reversed));
}

Result Hash(CallContext&, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &bytes, EVP_sha256(), nullptr) != 1)
    return MakeError(absl::StatusCode::kInternal, "HASH_FAILED", "OpenSSL has no SHA-256");
  return Json(absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), bytes)));
}

Result Sleep(CallContext& call, int64_t ms, const std::optional<std::string>& fail) {
  for (int64_t slept_ms = 0; slept_ms < ms;) {
    const int64_t step_ms = std::min(ms - slept_ms, std::max(kProgressEveryMs, ms / 100));
    if (call.WaitFor(static_cast<uint64_t>(step_ms)) == CallContext::Waited::kCancelled)
      return absl::CancelledError(absl::StrCat("cancelled after ", slept_ms, " ms"));
    slept_ms += step_ms;
    call.ReportProgress(static_cast<double>(slept_ms) / static_cast<double>(ms),
                        absl::StrCat("slept ", slept_ms, " ms"));
  }
  if (fail) return MakeError(absl::StatusCode::kUnknown, "SLEPT_BADLY", *fail);
  return Json({{"slept_ms", ms}});
}

Result Uptime(std::chrono::steady_clock::time_point start) {
  struct sysinfo info = {};
  sysinfo(&info);
  const auto up = std::chrono::steady_clock::now() - start;
  return Json({{"server_ms", std::chrono::duration_cast<std::chrono::milliseconds>(up).count()},
               {"host_s", static_cast<int64_t>(info.uptime)}});
}

Result Host(CallContext&) {
  utsname name = {};
  uname(&name);
  struct sysinfo info = {};
  sysinfo(&info);
  const auto bytes = [&](uint64_t units) { return units * info.mem_unit; };
  const double load_1m = static_cast<double>(info.loads[0]) / (1 << SI_LOAD_SHIFT);
  return Json({{"hostname", name.nodename},
               {"system", name.sysname},
               {"kernel", name.release},
               {"machine", name.machine},
               {"cpus", sysconf(_SC_NPROCESSORS_ONLN)},
               {"memory_bytes", bytes(info.totalram)},
               {"memory_free_bytes", bytes(info.freeram)},
               {"load_1m", std::round(load_1m * 100) / 100},
               {"pid", getpid()}});
}

std::vector<BuiltIn> TextBuiltIns() {
  std::vector<BuiltIn> builtins;
  builtins.push_back(Define("reverse", "Turns a text round, character by character.",
                            Param<std::string>{"text", "The text."})
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .ConcurrencyMax(64)
                         .Runs(Reverse));
  builtins.push_back(Define("uppercase", "Makes the letters a to z of a text capitals; others stay.",
                            Param<std::string>{"text", "The text."})
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .ConcurrencyMax(64)
                         .Runs([](CallContext&, const std::string& text) -> Result {
                           return Json(absl::AsciiStrToUpper(text));
                         }));
  builtins.push_back(Define("hash", "The SHA-256 of a text's UTF-8, in hexadecimal digits.",
                            Param<std::string>{"text", "The text."})
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .ConcurrencyMax(64)
                         .Runs(Hash));
  return builtins;
}

std::vector<BuiltIn> NumberBuiltIns() {
  std::vector<BuiltIn> builtins;
  builtins.push_back(
      Define("add", "Adds two numbers.", Param<double>{"a", "One of them."}, Param<double>{"b", "The other."})
          .Idempotent()
          .TimeLimitMs(kQuickMs)
          .ConcurrencyMax(64)
          .QueueMax(10'000)
          .Runs([](CallContext&, double a, double b) { return Finite(a + b); }));
  builtins.push_back(Define("sum", "Adds any number of numbers; of none it is 0.",
                            Param<std::vector<double>>{"numbers", "What is to be added."})
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .ConcurrencyMax(64)
                         .Runs(Sum));
  return builtins;
}

std::vector<BuiltIn> ServerBuiltIns() {
  std::vector<BuiltIn> builtins;
  builtins.push_back(Define("echo", "Gives its params back.")
                         .WithAnyParams()
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .ConcurrencyMax(64)
                         .QueueMax(10'000)
                         .Runs([](CallContext& call) -> Result { return call.params(); }));
  builtins.push_back(
      Define("sleep", "Waits, and tells how far it is. It ends early when it is cancelled.",
             Param<int64_t>{"ms", "How long, in milliseconds.", {{"minimum", 0}, {"maximum", kSleepMsMax}}},
             Param<std::optional<std::string>>{"fail", "Then it fails (SLEPT_BADLY), with this message."})
          .Idempotent()
          .CancelledWhenAbandoned()
          .TimeLimitMs(static_cast<uint64_t>(kSleepMsMax) + kQuickMs)
          .ConcurrencyMax(32)
          .Runs(Sleep));
  builtins.push_back(
      Define("uptime", "How long the server has run, and its host.")
          .Idempotent()
          .TimeLimitMs(kQuickMs)
          .Runs([start = std::chrono::steady_clock::now()](CallContext&) { return Uptime(start); }));
  builtins.push_back(Define("host", "What the server runs on: name, kernel, processors, memory, load.")
                         .Idempotent()
                         .TimeLimitMs(kQuickMs)
                         .Runs(Host));
  return builtins;
}

}  // namespace

std::vector<BuiltIn> PlainBuiltIns() {
  std::vector<BuiltIn> builtins = ServerBuiltIns();
  for (BuiltIn& each : TextBuiltIns()) builtins.push_back(std::move(each));
  for (BuiltIn& each : NumberBuiltIns()) builtins.push_back(std::move(each));
  return builtins;
}

}  // namespace lamppost::rpc
