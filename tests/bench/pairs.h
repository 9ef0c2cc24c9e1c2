// A ratio of two throughputs on a noisy machine: rounds of the two in turn, a ratio for each pair, and
// the median of those.
#ifndef LAMPPOST_TESTS_BENCH_PAIRS_H_
#define LAMPPOST_TESTS_BENCH_PAIRS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/load.h"

namespace lamppost::bench {

// Something that can be measured for a round.
struct Contender {
  std::string name;
  std::function<absl::StatusOr<LoadResult>(int64_t duration_ms)> run;
  // Processor time that its servers have used so far. May be empty.
  std::function<double()> server_cpu_seconds;
  // After each round: until what the round has left to do is done, so that it burdens no other's round.
  std::function<absl::Status()> settle;
};

// The usual contender: all lanes of a load.
Contender LoadOf(std::string name, Lanes lanes, std::function<double()> server_cpu_seconds);

struct Throughput {
  std::string name;
  // Medians over the rounds.
  double per_second = 0;
  double p50_us = 0;  // 0: not known
  double p99_us = 0;
  // Processor time a call, which the machine's other load disturbs less than the time it takes. What the
  // servers do after the round to become level is counted.
  double client_cpu_us = 0;
  double server_cpu_us = 0;
  uint64_t errors = 0;  // in all rounds
  std::string first_error;
  double settle_ms_max = 0;  // the longest time that a round's rest took
};

struct Ratio {
  Throughput subject;
  Throughput base;
  double median = 0;
  double min = 0;
  double max = 0;
  std::optional<double> target;  // the median should be at least this
};

struct PairPlan {
  int pairs = 0;
  int64_t round_ms = 0;
  int64_t warm_up_ms = 0;
};

// Rounds base, subject, base, subject…, after a warm-up of each. A round without one success is an error.
absl::StatusOr<Ratio> MeasurePairs(const Contender& base, const Contender& subject, const PairPlan& plan);

double Median(std::vector<double> values);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_PAIRS_H_
