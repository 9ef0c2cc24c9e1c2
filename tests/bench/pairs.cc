#include "tests/bench/pairs.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lamppost::bench {
namespace {

double OwnCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The rounds of one contender.
class Record {
 public:
  explicit Record(const Contender* contender) : contender_(contender) { sum_.name = contender->name; }

  // Returns calls per second.
  absl::StatusOr<double> Round(int64_t duration_ms) {
    const double own_cpu = OwnCpuSeconds();
    const double server_cpu = ServerCpuSeconds();
    absl::StatusOr<LoadResult> result = contender_->run(duration_ms);
    if (!result.ok()) return result.status();
    sum_.errors += result->errors;
    if (sum_.first_error.empty()) sum_.first_error = result->first_error;
    if (result->calls == 0) {
      return absl::InternalError(absl::StrCat(sum_.name, ": no call succeeded: ", result->first_error));
    }
    per_second_.push_back(result->calls_per_second);
    p50_us_.push_back(result->p50_us);
    p99_us_.push_back(result->p99_us);
    const double microseconds_a_call = 1e6 / static_cast<double>(result->calls);
    client_cpu_us_.push_back((OwnCpuSeconds() - own_cpu) * microseconds_a_call);
    if (absl::Status status = Settle(); !status.ok()) return status;
    server_cpu_us_.push_back((ServerCpuSeconds() - server_cpu) * microseconds_a_call);
    return result->calls_per_second;
  }

  void ForgetRounds() {
    per_second_.clear();
    p50_us_.clear();
    p99_us_.clear();
    client_cpu_us_.clear();
    server_cpu_us_.clear();
  }

  Throughput Summary() const {
    Throughput summary = sum_;
    summary.per_second = Median(per_second_);
    summary.p50_us = Median(p50_us_);
    summary.p99_us = Median(p99_us_);
    summary.client_cpu_us = Median(client_cpu_us_);
    summary.server_cpu_us = Median(server_cpu_us_);
    return summary;
  }

 private:
  double ServerCpuSeconds() const {
    return contender_->server_cpu_seconds ? contender_->server_cpu_seconds() : 0;
  }

  absl::Status Settle() {
    if (!contender_->settle) return absl::OkStatus();
    const auto start = std::chrono::steady_clock::now();
    if (absl::Status status = contender_->settle(); !status.ok()) return status;
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    sum_.settle_ms_max = std::max(sum_.settle_ms_max, took.count());
    return absl::OkStatus();
  }

  const Contender* const contender_;
  Throughput sum_;
  std::vector<double> per_second_;
  std::vector<double> p50_us_;
  std::vector<double> p99_us_;
  std::vector<double> client_cpu_us_;
  std::vector<double> server_cpu_us_;
};

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Contender LoadOf(std::string name, Lanes lanes, std::function<double()> server_cpu_seconds) {
  Contender contender;
  contender.name = std::move(name);
  contender.run = [lanes = std::make_shared<Lanes>(std::move(lanes))](int64_t duration_ms) {
    return RunLoad(*lanes, duration_ms);
  };
  contender.server_cpu_seconds = std::move(server_cpu_seconds);
  return contender;
}

absl::StatusOr<Ratio> MeasurePairs(const Contender& base, const Contender& subject, const PairPlan& plan) {
  Record base_record(&base);
  Record subject_record(&subject);
  if (plan.warm_up_ms > 0) {
    for (Record* record : {&base_record, &subject_record}) {
      if (absl::StatusOr<double> warm = record->Round(plan.warm_up_ms); !warm.ok()) return warm.status();
      record->ForgetRounds();
    }
  }
  std::vector<double> ratios;
  for (int pair = 0; pair < plan.pairs; ++pair) {
    const absl::StatusOr<double> below = base_record.Round(plan.round_ms);
    if (!below.ok()) return below.status();
    const absl::StatusOr<double> above = subject_record.Round(plan.round_ms);
    if (!above.ok()) return above.status();
    ratios.push_back(*above / *below);
  }
  Ratio ratio;
  ratio.base = base_record.Summary();
  ratio.subject = subject_record.Summary();
  ratio.median = Median(ratios);
  ratio.min = *std::min_element(ratios.begin(), ratios.end());
  ratio.max = *std::max_element(ratios.begin(), ratios.end());
  return ratio;
}

}  // namespace lamppost::bench
