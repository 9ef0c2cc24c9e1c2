// CheckVectors: the vectors that the nodes have sent along, against what lanes and arrows say.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/history.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

// The node's name and the process's number, from 1: "A" is (A, 1), "A/2" is (A, 2).
using Process = std::pair<std::string, uint64_t>;
using Vector = std::map<Process, uint64_t>;

Process ProcessOf(const History& history, const std::string& key) {
  const size_t slash = key.rfind('/');
  uint64_t number = 0;
  if (slash == std::string::npos || history.LaneOf(key).has_value() ||
      !absl::SimpleAtoi(key.substr(slash + 1), &number)) {
    return {key, 1};
  }
  return {key.substr(0, slash), number};
}

void Raise(Vector& vector, const Vector& by) {
  for (const auto& [process, count] : by) {
    uint64_t& own = vector[process];
    own = std::max(own, count);
  }
}

bool IsAtMost(const Vector& a, const Vector& b) {
  return std::all_of(a.begin(), a.end(), [&b](const auto& entry) {
    const auto other = b.find(entry.first);
    return entry.second == 0 || (other != b.end() && other->second >= entry.second);
  });
}

class Checker {
 public:
  explicit Checker(const History& history) : history_(history), carriers_(history.lanes.size()) { Read(); }

  // Within a lane the vectors must grow. Then those of a lane that are at most a given one are its first
  // ones, and it is enough to look at the last that should be and the first that should not.
  std::vector<std::string> Check() {
    for (const std::vector<size_t>& lane : carriers_) {
      for (size_t i = 1; i < lane.size(); ++i) {
        if (!IsAtMost(vectors_[lane[i - 1]], vectors_[lane[i]]))
          Differs(lane[i - 1], lane[i], "is not before");
        if (IsAtMost(vectors_[lane[i]], vectors_[lane[i - 1]])) Differs(lane[i], lane[i - 1], "is before");
      }
    }
    for (size_t point = 0; point < history_.points.size(); ++point) {
      if (history_.points[point].event.vector.empty()) continue;
      for (const std::vector<size_t>& lane : carriers_) CheckAgainst(point, lane);
    }
    if (differences_ > lines_.size()) {
      lines_.push_back(absl::StrCat("and ", differences_ - lines_.size(), " more of the kind"));
    }
    return std::move(lines_);
  }

 private:
  void Read();
  void CheckAgainst(size_t point, const std::vector<size_t>& lane);

  void Differs(size_t a, size_t b, absl::string_view what) {
    if (differences_++ >= History::kViolationsMax) return;
    lines_.push_back(absl::StrCat("by its vector, ", Describe(history_.points[a]), ", ", what, " ",
                                  Describe(history_.points[b])));
  }

  const History& history_;
  std::vector<std::vector<size_t>> carriers_;  // per lane, its points with a vector
  std::vector<Vector> vectors_;                // per point
  size_t differences_ = 0;
  std::vector<std::string> lines_;
};

// A later process of a node knows all that the earlier ones did, whether or not its counts say so.
void Checker::Read() {
  vectors_.resize(history_.points.size());
  std::map<Process, Vector> last;  // of each process, the vector of its last event so far
  for (size_t index = 0; index < history_.points.size(); ++index) {
    const Point& point = history_.points[index];
    if (point.event.vector.empty()) continue;
    carriers_[point.lane].push_back(index);
    Vector& vector = vectors_[index];
    for (const auto& [key, count] : point.event.vector) vector[ProcessOf(history_, key)] = count;
    const Vector given = vector;
    for (const auto& [process, count] : given) {
      if (process.second < 2 || count == 0) continue;
      const auto before = std::make_reverse_iterator(last.lower_bound(process));
      if (before != last.rend() && before->first.first == process.first) Raise(vector, before->second);
    }
    // Its own process is the newest of its node that it knows.
    const auto own = vector.upper_bound({history_.lanes[point.lane].node, UINT64_MAX});
    if (own != vector.begin() && std::prev(own)->first.first == point.event.node) {
      last[std::prev(own)->first] = vector;
    }
  }
}

void Checker::CheckAgainst(size_t point, const std::vector<size_t>& lane) {
  if (lane.empty() || history_.points[lane[0]].lane == history_.points[point].lane) return;
  const auto after = std::partition_point(lane.begin(), lane.end(), [&](size_t other) {
    return RelationOf(history_, point, other) == Relation::kPast;
  });
  if (after != lane.begin() && !IsAtMost(vectors_[*std::prev(after)], vectors_[point])) {
    Differs(*std::prev(after), point, "is not before");
  }
  if (after != lane.end() && IsAtMost(vectors_[*after], vectors_[point])) Differs(*after, point, "is before");
}

}  // namespace

std::vector<std::string> CheckVectors(const History& history) {
  return Checker(history).Check();
}

}  // namespace lamppost::diagram
