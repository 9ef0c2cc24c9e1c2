// What a server tells Prometheus, as a test reads it.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_SCRAPE_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_SCRAPE_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::testing {

struct HttpAnswer {
  int code = 0;
  std::string body;
};

// GET of a path at a port of loopback. UNAVAILABLE if nothing sensible comes back.
absl::StatusOr<HttpAnswer> HttpGet(int port, const std::string& path);

struct Metrics {
  std::map<std::string, double> values;                 // by series, as it is written: name{label="value"}
  std::map<std::string, std::string> types;             // by family
  std::map<std::string, std::string> helps;             // by family
  std::map<std::string, std::set<std::string>> labels;  // names of labels, by family; but "le" and "quantile"

  // 0 if it is not there.
  double operator[](const std::string& series) const {
    const auto it = values.find(series);
    return it == values.end() ? 0 : it->second;
  }
  bool Has(const std::string& series) const { return values.count(series) > 0; }
};

// INVALID_ARGUMENT names the line that is not of Prometheus's text format.
absl::StatusOr<Metrics> ParseMetrics(absl::string_view text);

// /metrics of the port.
absl::StatusOr<Metrics> Scrape(int port);

// The port that a log names as metrics_port, the last one; 0 if it names none.
int MetricsPortIn(const std::string& log);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_SCRAPE_H_
