#include "tests/integration/testing/scrape.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/integration/testing/ports.h"

namespace lamppost::testing {
namespace {

constexpr timeval kPatience = {10, 0};

absl::Status Malformed(absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat("this is not of Prometheus's format: ", line));
}

// The family that a series is of: histograms' and summaries' series have a word behind the family's name.
std::string FamilyOf(const Metrics& metrics, absl::string_view series_name) {
  for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
    absl::string_view name = series_name;
    if (!absl::ConsumeSuffix(&name, suffix)) continue;
    const auto type = metrics.types.find(std::string(name));
    const bool is_split =
        type != metrics.types.end() && (type->second == "histogram" || type->second == "summary");
    if (is_split) return std::string(name);
  }
  return std::string(series_name);
}

absl::Status TakeComment(absl::string_view line, Metrics* metrics) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
  if (words.size() < 4) return Malformed(line);
  if (words[1] == "TYPE" && !metrics->types.emplace(words[2], words[3]).second) return Malformed(line);
  if (words[1] == "HELP") metrics->helps[words[2]] = words[3];
  return absl::OkStatus();
}

absl::Status TakeSeries(absl::string_view line, Metrics* metrics) {
  const size_t space = line.rfind(' ');
  double value = 0;
  if (space == absl::string_view::npos || !absl::SimpleAtod(line.substr(space + 1), &value)) {
    return Malformed(line);
  }
  const std::string series(line.substr(0, space));
  const size_t brace = series.find('{');
  const std::string family = FamilyOf(*metrics, absl::string_view(series).substr(0, brace));
  if (metrics->types.count(family) == 0 || !metrics->values.emplace(series, value).second) {
    return Malformed(line);
  }
  if (brace == std::string::npos) return absl::OkStatus();
  // No label's value has a comma and an equals sign in it in these tests.
  const absl::string_view labels = absl::string_view(series).substr(brace + 1, series.size() - brace - 2);
  for (const absl::string_view label : absl::StrSplit(labels, ',')) {
    const std::string name(label.substr(0, label.find('=')));
    if (name != "le" && name != "quantile") metrics->labels[family].insert(name);
  }
  return absl::OkStatus();
}

std::string ReadToEnd(int connection) {
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = recv(connection, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  return answer;
}

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(int port, const std::string& path) {
  const int connection = ConnectToLoopback(port);
  if (connection < 0) return absl::UnavailableError(absl::StrCat("nobody listens at port ", port));
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  const std::string request =
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  const bool sent =
      send(connection, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  const std::string answer = sent ? ReadToEnd(connection) : "";
  close(connection);
  const std::vector<std::string> parts = absl::StrSplit(answer, absl::MaxSplits("\r\n\r\n", 1));
  const std::vector<std::string> status = absl::StrSplit(parts[0], absl::MaxSplits(' ', 2));
  HttpAnswer result;
  if (parts.size() != 2 || status.size() < 2 || !absl::SimpleAtoi(status[1], &result.code)) {
    return absl::UnavailableError(absl::StrCat("this is no answer: ", answer));
  }
  result.body = parts[1];
  return result;
}

absl::StatusOr<Metrics> ParseMetrics(absl::string_view text) {
  Metrics metrics;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const absl::Status status = line[0] == '#' ? TakeComment(line, &metrics) : TakeSeries(line, &metrics);
    if (!status.ok()) return status;
  }
  return metrics;
}

absl::StatusOr<Metrics> Scrape(int port) {
  const absl::StatusOr<HttpAnswer> answer = HttpGet(port, "/metrics");
  if (!answer.ok()) return answer.status();
  if (answer->code != 200) return absl::UnavailableError(absl::StrCat("HTTP ", answer->code));
  return ParseMetrics(answer->body);
}

int MetricsPortIn(const std::string& log) {
  constexpr absl::string_view kField = "metrics_port=";
  const size_t field = log.rfind(std::string(kField));
  int port = 0;
  if (field == std::string::npos) return 0;
  const absl::string_view rest = absl::string_view(log).substr(field + kField.size());
  return absl::SimpleAtoi(rest.substr(0, rest.find_first_not_of("0123456789")), &port) ? port : 0;
}

}  // namespace lamppost::testing
