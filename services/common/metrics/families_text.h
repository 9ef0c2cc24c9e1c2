// For tests: families as they are served.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_TEXT_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_TEXT_H_

#include <prometheus/text_serializer.h>

#include <string>

#include "services/common/metrics/families.h"

namespace lamppost {

inline std::string TextOf(const MetricFamilies& families) {
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_TEXT_H_
