// What the kernel knows of this process: memory, processor time, files, threads.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_PROCESS_METRICS_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_PROCESS_METRICS_H_

#include <prometheus/collectable.h>

#include <cstdint>
#include <string>

#include "services/common/metrics/families.h"

namespace lamppost {

// Under the names that Prometheus's own client libraries use. What cannot be read is 0. Thread-safe.
class ProcessMetrics : public prometheus::Collectable {
 public:
  // memory_bytes_max: ServerSettings'. `program` and `version` become labels of lamppost_build_info.
  ProcessMetrics(std::string program, std::string version, uint64_t memory_bytes_max);

  MetricFamilies Collect() const override;

 private:
  const std::string program_;
  const std::string version_;
  const uint64_t memory_bytes_max_;
  const double ticks_per_second_;
  const double start_unix_seconds_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_PROCESS_METRICS_H_
