// How often a measured value was how large: counts by upper bounds that are fixed beforehand.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_HISTOGRAM_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_HISTOGRAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace lamppost {

// Thread-safe, without a lock: Observe costs a search among the bounds and two atomic additions.
class Histogram {
 public:
  // `bounds` ascend; what is above the last one is counted, too.
  explicit Histogram(std::vector<double> bounds);
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  void Observe(double value);

  struct Reading {
    std::vector<double> bounds;
    std::vector<uint64_t> counts;  // one more than bounds; each of its own range alone
    double sum = 0;
  };
  // While others observe, the sum may be of a moment before or after the counts.
  Reading Read() const;

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// Bounds for what takes from a tenth of a millisecond to ten seconds, in seconds.
std::vector<double> LatencyBounds();

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_HISTOGRAM_H_
