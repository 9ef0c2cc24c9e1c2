// I1, I9 and I7 of reads: what comes after something in time has not the lower version.
//
// Two operations are compared only if one began after the other had ended; so the checks go through the
// operations by their beginnings, with the highest version of those that had ended by then.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "tests/history/verdict.h"

namespace lamppost::history {
namespace {

// One version that an operation showed or was given, or an absence.
struct Sighting {
  const Operation* operation;
  const Item* item;
  const Timestamp* version;
  size_t losses = 0;  // of the node's disk until then

  bool IsWrite() const { return operation->kind == Kind::kWrite; }
};

// Calls visit(sighting, highest) for each of [begin, end) in the order of their beginnings; highest is null
// if none with a version had ended before.
template <typename Visit>
void Sweep(const std::vector<Sighting>& sightings, size_t begin, size_t end, Visit visit) {
  std::vector<size_t> by_start(end - begin);
  std::iota(by_start.begin(), by_start.end(), begin);
  std::vector<size_t> by_end = by_start;
  std::stable_sort(by_start.begin(), by_start.end(), [&](size_t a, size_t b) {
    return sightings[a].operation->start_us < sightings[b].operation->start_us;
  });
  std::stable_sort(by_end.begin(), by_end.end(), [&](size_t a, size_t b) {
    return sightings[a].operation->end_us < sightings[b].operation->end_us;
  });
  size_t ended = 0;
  const Sighting* highest = nullptr;
  for (size_t i : by_start) {
    const Sighting& now = sightings[i];
    for (; ended < by_end.size(); ++ended) {
      const Sighting& earlier = sightings[by_end[ended]];
      if (earlier.operation->end_us >= now.operation->start_us) break;
      if (!IsSet(*earlier.version)) continue;
      if (highest == nullptr || *highest->version < *earlier.version) highest = &earlier;
    }
    visit(now, highest);
  }
}

// Sorts by Place and sweeps each place by itself.
template <typename Place, typename Visit>
void SweepEach(std::vector<Sighting>* sightings, Place place, Visit visit) {
  std::stable_sort(sightings->begin(), sightings->end(),
                   [&](const Sighting& a, const Sighting& b) { return place(a) < place(b); });
  for (size_t begin = 0; begin < sightings->size();) {
    size_t end = begin + 1;
    while (end < sightings->size() && place((*sightings)[end]) == place((*sightings)[begin])) ++end;
    Sweep(*sightings, begin, end, visit);
    begin = end;
  }
}

// The sightings of all operations that count: reads, and writes that took effect then and there.
std::vector<Sighting> SightingsOf(const History& history) {
  std::vector<Sighting> sightings;
  for (const Operation& operation : history.operations) {
    if (operation.outcome != Outcome::kOk || operation.replayed) continue;
    const bool is_write = operation.kind == Kind::kWrite;
    for (const Item& item : operation.items) {
      sightings.push_back({&operation, &item, is_write ? &operation.version : &item.version});
    }
  }
  return sightings;
}

void JudgeAtNode(const HistoryIndex& index, const Sighting& now, const Sighting* highest, Verdict* verdict) {
  if (highest == nullptr) return;
  const std::string& key = now.item->key;
  const auto after = [&] {
    return absl::StrCat(" after ", ToString(*highest->version), " of ", Describe(*highest->operation, key));
  };
  if (!IsSet(*now.version)) {
    // Absent, and nobody said by which deletion: then there must be one that can be it.
    if (highest->item->value && !index.MayHaveBeenDeleted(key, *highest->version, now.operation->end_us)) {
      verdict->Add("I9", Describe(*now.operation, key), ": absent", after(), ", and nobody had deleted it");
    }
    return;
  }
  const bool in_order = now.IsWrite() ? *now.version > *highest->version : *now.version >= *highest->version;
  if (in_order) return;
  const bool came_back = !now.IsWrite() && now.item->value && !highest->item->value;
  verdict->Add(came_back ? "I7" : "I9", Describe(*now.operation, key), ": ", ToString(*now.version), after());
}

}  // namespace

void CheckClients(const HistoryIndex& index, Verdict* verdict) {
  std::vector<Sighting> sightings;
  for (const Operation& operation : index.history().operations) {
    if (operation.outcome != Outcome::kOk || operation.items.empty()) continue;
    if (operation.kind == Kind::kWrite) {
      sightings.push_back({&operation, &operation.items[0], &operation.version});
      continue;
    }
    for (const Item& item : operation.items) {
      if (IsSet(item.version)) sightings.push_back({&operation, &item, &item.version});
    }
  }
  SweepEach(
      &sightings, [](const Sighting& sighting) { return sighting.operation->client; },
      [verdict](const Sighting& now, const Sighting* highest) {
        if (highest == nullptr || !now.IsWrite() || now.operation->replayed) return;
        if (now.version->counter > highest->version->counter) return;
        verdict->Add("I1", Describe(*now.operation, now.item->key), " got ", ToString(*now.version),
                     ", and the client had been told ", ToString(*highest->version), " by ",
                     Describe(*highest->operation, highest->item->key));
      });
}

void CheckNodes(const HistoryIndex& index, Verdict* verdict) {
  std::vector<Sighting> sightings;
  for (Sighting& sighting : SightingsOf(index.history())) {
    const Operation& operation = *sighting.operation;
    sighting.losses = index.LossesBefore(operation.node, operation.end_us);
    // While the disk was lost: before or after, nobody can tell.
    if (sighting.losses != index.LossesBefore(operation.node, operation.start_us)) continue;
    sightings.push_back(sighting);
  }
  SweepEach(
      &sightings,
      [](const Sighting& sighting) {
        return std::tie(sighting.operation->node, sighting.losses, sighting.item->key);
      },
      [&](const Sighting& now, const Sighting* highest) { JudgeAtNode(index, now, highest, verdict); });
}

}  // namespace lamppost::history
