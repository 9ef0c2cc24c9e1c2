// I10 and I11: at a node, a request id stands for one write for ever.
//
// At another node that has not heard of it, it may be written a second time; that is allowed, and so nothing
// is compared across nodes.
#include <algorithm>
#include <tuple>

#include "tests/history/verdict.h"

namespace lamppost::history {
namespace {

bool SameItems(const Operation& a, const Operation& b) {
  return std::equal(
      a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
      [](const Item& one, const Item& other) { return one.key == other.key && one.value == other.value; });
}

struct Acknowledgement {
  size_t losses;  // a node that lost its disk has forgotten its request ids
  const Operation* operation;

  auto Place() const { return std::tie(operation->node, losses, operation->request_id); }
};

void CheckPair(const Operation& first, const Operation& second, Verdict* verdict) {
  const std::string& key = second.items.empty() ? second.request_id : second.items[0].key;
  if (!SameItems(first, second)) {
    verdict->Add("I11", "request ", second.request_id,
                 " took effect with other items: ", Describe(second, key));
  } else if (first.version != second.version) {
    verdict->Add("I10", "request ", second.request_id, " has two versions at node ", second.node, ": ",
                 ToString(first.version), " and ", ToString(second.version), ", ", Describe(second, key));
  } else if (!first.replayed && !second.replayed) {
    verdict->Add("I10", "request ", second.request_id, " took effect twice: ", Describe(second, key));
  }
}

}  // namespace

void CheckRequests(const HistoryIndex& index, Verdict* verdict) {
  std::vector<Acknowledgement> acknowledgements;
  for (const Operation& operation : index.history().operations) {
    if (operation.kind != Kind::kWrite || operation.outcome != Outcome::kOk) continue;
    if (operation.request_id.empty()) continue;
    const size_t losses = index.LossesBefore(operation.node, operation.end_us);
    // While the disk was lost: before or after, nobody can tell.
    if (losses != index.LossesBefore(operation.node, operation.start_us)) continue;
    acknowledgements.push_back({losses, &operation});
  }
  std::stable_sort(acknowledgements.begin(), acknowledgements.end(),
                   [](const Acknowledgement& a, const Acknowledgement& b) { return a.Place() < b.Place(); });
  // Against the one before, and against the one that took effect: of replays there may be many.
  const Operation* original = nullptr;
  for (size_t i = 0; i < acknowledgements.size(); ++i) {
    const Operation& operation = *acknowledgements[i].operation;
    const bool is_first = i == 0 || acknowledgements[i].Place() != acknowledgements[i - 1].Place();
    if (is_first) {
      original = nullptr;
    } else if (original != nullptr && !operation.replayed) {
      CheckPair(*original, operation, verdict);
    } else {
      CheckPair(*acknowledgements[i - 1].operation, operation, verdict);
    }
    if (original == nullptr && !operation.replayed) original = &operation;
  }
}

}  // namespace lamppost::history
