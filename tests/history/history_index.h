// What the checks look up in a history again and again. Built once; O(n log n).
//
// Immutable and thread-safe once built; the history must outlive it.
#ifndef LAMPPOST_TESTS_HISTORY_HISTORY_INDEX_H_
#define LAMPPOST_TESTS_HISTORY_HISTORY_INDEX_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/history/history.h"

namespace lamppost::history {

inline bool IsSet(const Timestamp& version) {
  return version.counter != 0;
}

// What one acknowledged write did to one key.
struct Effect {
  const Timestamp* version;
  const std::string* key;
  const Item* item;
  const Operation* operation;
};

class HistoryIndex {
 public:
  explicit HistoryIndex(const History& history);

  const History& history() const { return *history_; }
  // Of all acknowledged writes, by version and key.
  const std::vector<Effect>& effects() const { return effects_; }
  // What the acknowledged write of that version did to the key. Null if there is none.
  const Effect* FindEffect(const Timestamp& version, const std::string& key) const;
  // An acknowledged write of that version. Null if there is none.
  const Operation* FindWrite(const Timestamp& version) const;

  // Whether an attempt of unknown outcome at that node, begun by that time, may have done this.
  bool MayHaveHappened(const std::string& node, const Item& item, uint64_t by_us) const;
  // Whether somebody had tried by that time to delete the key by what may be a later write than `version`, or
  // had set it to a value that goes by itself.
  bool MayHaveBeenDeleted(const std::string& key, const Timestamp& version, uint64_t by_us) const;

  // Whether the acknowledged write may have gone with a disk.
  bool IsExcused(const Operation& write) const;
  // How often the node's disk had been lost by then.
  size_t LossesBefore(const std::string& node, uint64_t time_us) const;

 private:
  struct Attempt {
    const std::string* node;
    const Item* item;
    uint64_t start_us;
  };
  struct Deletes {
    std::vector<std::pair<uint64_t, Timestamp>> acknowledged;  // start, highest version so far; by start
    std::optional<uint64_t> unknown_start_us;                  // of the earliest one
  };

  void AddWrite(const Operation& operation);
  void Sort();

  const History* history_;
  std::vector<Effect> effects_;
  std::vector<Attempt> attempts_;  // of unknown outcome; by key, node, value, start
  std::map<std::string, Deletes> deletes_;
  std::map<std::string, std::vector<uint64_t>> losses_;  // by node: their times, ascending
};

// "client 3's write of x at node A [1000..1200 us]". For people.
std::string Describe(const Operation& operation, const std::string& key);

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_HISTORY_INDEX_H_
