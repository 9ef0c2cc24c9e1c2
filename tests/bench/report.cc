#include "tests/bench/report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lamppost::bench {
namespace {

using nlohmann::ordered_json;

constexpr double kMebibyte = 1 << 20;

const char* Verdict(const Ratio& ratio) {
  if (!ratio.target) return "";
  return ratio.median >= *ratio.target ? "reached" : "not reached";
}

std::string RatioLines(const Report& report) {
  std::string text =
      absl::StrFormat("%-34s %-40s %6s  %-12s %s\n", "RATIO OF", "TO", "median", "min-max", "target");
  for (const Ratio& ratio : report.ratios) {
    const std::string target =
        ratio.target ? absl::StrFormat(">= %.2f %s", *ratio.target, Verdict(ratio)) : "-";
    absl::StrAppendFormat(&text, "%-34s %-40s %6.2f  %-12s %s\n", ratio.subject.name, ratio.base.name,
                          ratio.median, absl::StrFormat("%.2f-%.2f", ratio.min, ratio.max), target);
  }
  if (report.catch_up) {
    const CatchUpResult& c = *report.catch_up;
    absl::StrAppendFormat(&text, "%-34s %-40s %6.2f\n", "live Put during a catch-up", "live Put before it",
                          c.live_puts_during / c.live_puts_before);
  }
  return text;
}

std::string ThroughputLines(const Report& report) {
  constexpr char kHead[] = "%-42s %8s %8s %8s %10s %10s %8s %6s\n";
  std::string text = absl::StrFormat(kHead, "BOUND TO THIS MACHINE", "calls/s", "p50 ms", "p99 ms",
                                     "client us", "servers us", "level ms", "errors");
  for (const Ratio& ratio : report.ratios) {
    for (const Throughput* side : {&ratio.base, &ratio.subject}) {
      absl::StrAppendFormat(&text, "%-42s %8.0f %8.2f %8.2f %10.1f %10.1f %8.0f %6d\n", side->name,
                            side->per_second, side->p50_us / 1000, side->p99_us / 1000, side->client_cpu_us,
                            side->server_cpu_us, side->settle_ms_max, side->errors);
      if (side->errors > 0) absl::StrAppend(&text, "    first error: ", side->first_error, "\n");
    }
  }
  return text +
         "client us, servers us: processor time a call; level ms: until the replicas are level after a "
         "round\n";
}

std::string CatchUpLines(const CatchUpResult& c) {
  std::string text =
      absl::StrFormat("CATCH-UP of a node that missed %d keys (bound to this machine)\n", c.keys);
  absl::StrAppendFormat(&text, "  written meanwhile through the two others   %.0f keys/s\n",
                        c.fill_keys_per_second);
  absl::StrAppendFormat(&text, "  restart until it has every key             %.1f s = %.0f keys/s\n",
                        c.caught_up_seconds, c.keys_per_second);
  absl::StrAppendFormat(&text, "  restart until all say converged, by hash   %.1f s\n", c.converged_seconds);
  absl::StrAppendFormat(&text, "  live Puts at concurrency %d                %.0f/s before, %.0f/s during\n",
                        c.live_concurrency, c.live_puts_before, c.live_puts_during);
  absl::StrAppendFormat(&text,
                        "  their p99                                  %.2f ms before, %.2f ms during\n",
                        c.live_p99_before_us / 1000, c.live_p99_during_us / 1000);
  absl::StrAppendFormat(&text, "MEMORY AND DISK of a node, empty and with these keys (%d of them)\n", c.keys);
  absl::StrAppendFormat(&text,
                        "  resident                                   %.0f -> %.0f MiB, %.0f bytes a key\n",
                        static_cast<double>(c.resident_empty) / kMebibyte,
                        static_cast<double>(c.resident_full) / kMebibyte, c.resident_bytes_per_key);
  absl::StrAppendFormat(&text,
                        "  in files                                   %.0f -> %.0f MiB, %.0f bytes a key\n",
                        static_cast<double>(c.disk_empty) / kMebibyte,
                        static_cast<double>(c.disk_full) / kMebibyte, c.disk_bytes_per_key);
  absl::StrAppendFormat(&text, "  peak of the node that caught up            %.0f MiB\n",
                        static_cast<double>(c.receiver_peak) / kMebibyte);
  absl::StrAppendFormat(&text, "  peak of the larger sender                  %.0f MiB\n",
                        static_cast<double>(c.sender_peak) / kMebibyte);
  return text;
}

ordered_json Json(const Throughput& side) {
  return {
      {"name", side.name},     {"calls_per_second", side.per_second}, {"p50_us", side.p50_us},
      {"p99_us", side.p99_us}, {"client_cpu_us", side.client_cpu_us}, {"server_cpu_us", side.server_cpu_us},
      {"errors", side.errors}, {"level_ms_max", side.settle_ms_max}};
}

ordered_json Json(const Ratio& ratio) {
  ordered_json json = {{"median", ratio.median},
                       {"min", ratio.min},
                       {"max", ratio.max},
                       {"of", Json(ratio.subject)},
                       {"to", Json(ratio.base)}};
  if (ratio.target) {
    json["target"] = *ratio.target;
    json["reached"] = ratio.median >= *ratio.target;
  }
  return json;
}

ordered_json Json(const CatchUpResult& c) {
  return {{"keys", c.keys},
          {"fill_keys_per_second", c.fill_keys_per_second},
          {"caught_up_seconds", c.caught_up_seconds},
          {"converged_seconds", c.converged_seconds},
          {"keys_per_second", c.keys_per_second},
          {"live_concurrency", c.live_concurrency},
          {"live_puts_per_second_before", c.live_puts_before},
          {"live_puts_per_second_during", c.live_puts_during},
          {"live_ratio", c.live_puts_during / c.live_puts_before},
          {"live_p99_us_before", c.live_p99_before_us},
          {"live_p99_us_during", c.live_p99_during_us},
          {"resident_bytes_empty", c.resident_empty},
          {"resident_bytes_full", c.resident_full},
          {"resident_bytes_per_key", c.resident_bytes_per_key},
          {"disk_bytes_empty", c.disk_empty},
          {"disk_bytes_full", c.disk_full},
          {"disk_bytes_per_key", c.disk_bytes_per_key},
          {"receiver_peak_bytes", c.receiver_peak},
          {"sender_peak_bytes", c.sender_peak}};
}

}  // namespace

std::string ToTable(const Report& report) {
  const Options& options = report.options;
  std::string text = absl::StrFormat(
      "%d channels, %d calls in flight, %d-byte values, 16-byte keys out of %d; %d pairs of rounds of %d ms\n"
      "%d processors for the servers and the client together; %.0f fdatasync/s of 4 KiB\n\n",
      options.channels, options.concurrency, options.value_bytes, options.key_space, options.pairs,
      options.round_ms, report.processors, report.syncs_per_second);
  absl::StrAppend(&text, RatioLines(report), "\n", ThroughputLines(report));
  if (report.catch_up) absl::StrAppend(&text, "\n", CatchUpLines(*report.catch_up));
  for (const std::string& note : report.notes) absl::StrAppend(&text, "\n", note, "\n");
  absl::StrAppendFormat(&text, "\n%.0f s in all\n", report.seconds);
  return text;
}

std::string ToJson(const Report& report) {
  const Options& options = report.options;
  ordered_json json = {{"channels", options.channels},
                       {"concurrency", options.concurrency},
                       {"value_bytes", options.value_bytes},
                       {"key_space", options.key_space},
                       {"pairs", options.pairs},
                       {"round_ms", options.round_ms},
                       {"processors", report.processors},
                       {"syncs_per_second", report.syncs_per_second}};
  json["ratios"] = ordered_json::array();
  for (const Ratio& ratio : report.ratios) json["ratios"].push_back(Json(ratio));
  if (report.catch_up) json["catch_up"] = Json(*report.catch_up);
  json["notes"] = report.notes;
  json["seconds"] = report.seconds;
  return json.dump(2) + "\n";
}

}  // namespace lamppost::bench
