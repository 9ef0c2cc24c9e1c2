// A node that missed many writes comes back.
#ifndef LAMPPOST_TESTS_BENCH_CATCH_UP_H_
#define LAMPPOST_TESTS_BENCH_CATCH_UP_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/options.h"

namespace lamppost::bench {

struct CatchUpResult {
  uint64_t keys = 0;  // that the node missed
  double fill_keys_per_second = 0;
  // Since the stopped node's restart: when it had every key, and when, after the live load had ended, all
  // three said converged with equal content hashes.
  double caught_up_seconds = 0;
  double converged_seconds = 0;
  double keys_per_second = 0;  // keys / caught_up_seconds
  // Unary Puts through one of the two other nodes, at a low concurrency: before, and all the while.
  int live_concurrency = 0;
  double live_puts_before = 0;  // per second, the third node down
  double live_puts_during = 0;
  double live_p99_before_us = 0;
  double live_p99_during_us = 0;
  // Of the first node, empty and with all keys (after the fill, before the catch-up).
  uint64_t resident_empty = 0;
  uint64_t resident_full = 0;
  uint64_t disk_empty = 0;  // sizes of its files
  uint64_t disk_full = 0;
  double resident_bytes_per_key = 0;
  double disk_bytes_per_key = 0;
  // The highest resident size: while it caught up, and of the larger sender all the while.
  uint64_t receiver_peak = 0;
  uint64_t sender_peak = 0;
};

// Starts a cluster of its own below `directory`.
absl::StatusOr<CatchUpResult> MeasureCatchUp(const Options& options, const std::string& directory);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_CATCH_UP_H_
