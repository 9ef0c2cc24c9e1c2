// When the server's certificate ends.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_CERTIFICATE_METRICS_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_CERTIFICATE_METRICS_H_

#include <prometheus/collectable.h>

#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "services/common/metrics/families.h"

namespace lamppost {

// As thread-safe as not_after.
class CertificateMetrics : public prometheus::Collectable {
 public:
  // not_after: empty without TLS.
  explicit CertificateMetrics(std::function<absl::Time()> not_after) : not_after_(std::move(not_after)) {}

  MetricFamilies Collect() const override {
    MetricFamilies families;
    AddGauge(&families, "lamppost_tls_certificate_not_after_seconds",
             "When the server's certificate ends, in Unix time; 0 without TLS.",
             not_after_ ? static_cast<double>(absl::ToUnixSeconds(not_after_())) : 0);
    return families;
  }

 private:
  const std::function<absl::Time()> not_after_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_CERTIFICATE_METRICS_H_
