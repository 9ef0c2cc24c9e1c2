#include "services/common/metrics/families.h"

#include <cstddef>
#include <limits>

namespace lamppost {

using prometheus::ClientMetric;
using prometheus::MetricType;

FamilyOf::FamilyOf(MetricType type, std::string name, std::string help) {
  family_.type = type;
  family_.name = std::move(name);
  family_.help = std::move(help);
}

ClientMetric* FamilyOf::NewSeries(const MetricLabels& labels) {
  if (!seen_.insert(labels).second) return nullptr;
  ClientMetric series;
  for (const auto& [name, value] : labels) series.label.push_back({name, value});
  family_.metric.push_back(std::move(series));
  return &family_.metric.back();
}

FamilyOf& FamilyOf::Add(double value, const MetricLabels& labels) & {
  ClientMetric* const series = NewSeries(labels);
  if (series == nullptr) return *this;
  if (family_.type == MetricType::Counter) {
    series->counter.value = value;
  } else {
    series->gauge.value = value;
  }
  return *this;
}

FamilyOf& FamilyOf::Add(const Histogram::Reading& reading, const MetricLabels& labels) & {
  ClientMetric* const series = NewSeries(labels);
  if (series == nullptr) return *this;
  uint64_t count = 0;
  for (size_t i = 0; i < reading.counts.size(); ++i) {
    count += reading.counts[i];
    const bool is_last = i == reading.bounds.size();
    series->histogram.bucket.push_back(
        {count, is_last ? std::numeric_limits<double>::infinity() : reading.bounds[i]});
  }
  series->histogram.sample_count = count;
  series->histogram.sample_sum = reading.sum;
  return *this;
}

FamilyOf& FamilyOf::AddOneOf(const std::string& present, const std::vector<std::string>& names,
                             const std::string& label, const MetricLabels& labels) {
  for (const std::string& name : names) {
    MetricLabels with_name = labels;
    with_name.push_back({label, name});
    Add(name == present ? 1 : 0, with_name);
  }
  return *this;
}

void AddGauge(MetricFamilies* families, std::string name, std::string help, double value) {
  FamilyOf(MetricType::Gauge, std::move(name), std::move(help)).Add(value).MoveTo(families);
}

void AddCounter(MetricFamilies* families, std::string name, std::string help, double value) {
  FamilyOf(MetricType::Counter, std::move(name), std::move(help)).Add(value).MoveTo(families);
}

}  // namespace lamppost
