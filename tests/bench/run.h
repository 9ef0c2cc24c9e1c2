// The whole run: which servers are started when, and what is compared with what.
#ifndef LAMPPOST_TESTS_BENCH_RUN_H_
#define LAMPPOST_TESTS_BENCH_RUN_H_

#include "absl/status/status.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"

namespace lamppost::bench {

// Measures the parts asked for and writes into the report what it finds, part by part; progress goes to
// stderr. Starts all processes it needs and ends them. own_program: this program, to start the echo
// server with. After an error the report holds what was measured until then.
absl::Status Run(const Options& options, const std::string& own_program, Report* report);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_RUN_H_
