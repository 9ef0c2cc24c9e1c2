// Metric families put together by hand, for those metrics that are read off something else when they are
// asked for.
#ifndef LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_H_
#define LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/common/metrics/histogram.h"

namespace lamppost {

using MetricFamilies = std::vector<prometheus::MetricFamily>;
using MetricLabels = std::vector<std::pair<std::string, std::string>>;  // names and values

// A family that grows: one series for each Add. A second one with the same labels is left out, since whoever
// reads them would refuse all.
class FamilyOf {
 public:
  FamilyOf(prometheus::MetricType type, std::string name, std::string help);

  FamilyOf& Add(double value, const MetricLabels& labels = {}) &;
  FamilyOf& Add(const Histogram::Reading& reading, const MetricLabels& labels = {}) &;
  FamilyOf&& Add(double value, const MetricLabels& labels = {}) && { return std::move(Add(value, labels)); }
  FamilyOf&& Add(const Histogram::Reading& reading, const MetricLabels& labels = {}) && {
    return std::move(Add(reading, labels));
  }
  // One series for each of the names, as the label `label`: 1 for the present one, else 0.
  FamilyOf& AddOneOf(const std::string& present, const std::vector<std::string>& names,
                     const std::string& label, const MetricLabels& labels = {});

  void MoveTo(MetricFamilies* families) { families->push_back(std::move(family_)); }

 private:
  prometheus::ClientMetric* NewSeries(const MetricLabels& labels);  // null: it is there already

  prometheus::MetricFamily family_;
  std::set<MetricLabels> seen_;
};

// Each adds a family with one series and no labels.
void AddGauge(MetricFamilies* families, std::string name, std::string help, double value);
void AddCounter(MetricFamilies* families, std::string name, std::string help, double value);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_METRICS_FAMILIES_H_
