// The results, as a table and as JSON.
#ifndef LAMPPOST_TESTS_BENCH_REPORT_H_
#define LAMPPOST_TESTS_BENCH_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/catch_up.h"
#include "tests/bench/options.h"
#include "tests/bench/pairs.h"

namespace lamppost::bench {

struct Report {
  Options options;
  int processors = 0;
  double syncs_per_second = 0;  // fdatasync of 4 KiB, one after another
  std::vector<Ratio> ratios;
  std::optional<CatchUpResult> catch_up;
  std::vector<std::string> notes;  // what was skipped, and why
  double seconds = 0;              // of the whole run
};

// Ratios first; the absolute figures after them, marked as bound to the machine.
std::string ToTable(const Report& report);
std::string ToJson(const Report& report);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_REPORT_H_
