#include "services/kv/core/change_feed.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/kv/core/table.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

const Origin kA{"A", 1};
const Origin kB{"B", 1};

KeyedVersion Write(const std::string& key, uint64_t counter, const Origin& origin, bool deleted = false) {
  KeyedVersion write{key, {}};
  write.version.timestamp = {counter, origin};
  if (!deleted) write.version.value = Value{Value::Kind::kText, absl::StrCat("v", counter)};
  return write;
}

// A replica as a feed sees it: a store that may be ahead of its heads.
class Site {
 public:
  void Apply(const KeyedVersion& write) {
    ASSERT_TRUE(table_.Apply(write.key, write.version).ok());
    WriteBatch batch;
    table_.WriteTo(&batch);
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
    table_.Committed();
  }
  void ApplyAndCover(const KeyedVersion& write) {
    Apply(write);
    heads.Raise(write.version.timestamp.origin, write.version.timestamp.counter);
  }

  std::unique_ptr<StoreReader> Snapshot() const { return storage_.Snapshot(); }
  std::map<std::string, Timestamp> Everything() const {
    std::map<std::string, Timestamp> all;
    for (auto cursor = storage_.Scan(Space::kData, "", ""); cursor->Valid(); cursor->Next()) {
      all[std::string(cursor->key())] = DecodeVersion(cursor->value())->timestamp;
    }
    return all;
  }

  Heads heads;
  Heads forgotten;

 private:
  MemoryStorage storage_;
  State state_;
  Table table_{&storage_, &state_};
};

// One round, whole: "a1A b2A-", a minus for a deletion.
std::string Round(ChangeFeed* feed, const Site& replica) {
  const absl::Status begun = feed->Begin(replica.Snapshot(), replica.heads, replica.forgotten);
  if (!begun.ok()) return ErrorReason(begun);
  std::string text;
  while (feed->IsInRound()) {
    const auto events = feed->Next();
    if (!events.ok()) return events.status().ToString();
    for (const KeyedVersion& event : *events) {
      absl::StrAppend(&text, text.empty() ? "" : " ", event.key, event.version.timestamp.counter,
                      event.version.timestamp.origin.node_id, event.version.IsTombstone() ? "-" : "");
    }
  }
  return text;
}

TEST(ChangeFeed, TellsWhatIsNewAndNothingTwice) {
  Site replica;
  ChangeFeed feed({}, {}, {}, {});
  EXPECT_FALSE(feed.IsBehind(replica.heads));
  replica.ApplyAndCover(Write("a", 1, kA));
  replica.ApplyAndCover(Write("b", 2, kB));
  EXPECT_TRUE(feed.IsBehind(replica.heads));
  EXPECT_EQ(Round(&feed, replica), "a1A b2B");
  EXPECT_EQ(feed.reached(), replica.heads);
  EXPECT_EQ(Round(&feed, replica), "");
  replica.ApplyAndCover(Write("a", 3, kA, true));
  EXPECT_EQ(Round(&feed, replica), "a3A-");
}

TEST(ChangeFeed, ASessionIsWhereItBegins) {
  Site replica;
  replica.ApplyAndCover(Write("a", 1, kA));
  replica.ApplyAndCover(Write("b", 2, kA));
  ChangeFeed feed({}, {{kA, 1}}, {}, {});
  EXPECT_EQ(Round(&feed, replica), "b2A");
}

TEST(ChangeFeed, KeepsToItsScope) {
  Site replica;
  for (const char* key : {"a", "ab", "abc", "b"}) {
    replica.ApplyAndCover(Write(key, replica.heads.At(kA) + 1, kA));
  }
  replica.ApplyAndCover(Write(std::string("\0member", 7), 5, kA));
  ChangeFeed prefix({"ab", std::nullopt}, {}, {}, {});
  EXPECT_EQ(Round(&prefix, replica), "ab2A abc3A");
  ChangeFeed one({"", "ab"}, {}, {}, {});
  EXPECT_EQ(Round(&one, replica), "ab2A");
  ChangeFeed all({}, {}, {}, {});
  EXPECT_EQ(Round(&all, replica), "a1A ab2A abc3A b4A");
}

TEST(ChangeFeed, WhatTheHeadsDoNotCoverIsToldOnceTheyDo) {
  Site replica;
  replica.ApplyAndCover(Write("a", 1, kA));
  replica.Apply(Write("b", 7, kB));
  ChangeFeed feed({}, {}, {}, {});
  EXPECT_EQ(Round(&feed, replica), "a1A");
  replica.heads.Raise(kB, 7);
  EXPECT_EQ(Round(&feed, replica), "b7B");
}

TEST(ChangeFeed, ARoundThatIsAbandonedGoesOnWhereItWas) {
  Site replica;
  for (uint64_t i = 1; i <= 6; ++i) replica.ApplyAndCover(Write(absl::StrCat("k", i), i, kA));
  ChangeFeedOptions options;
  options.events_max = 2;
  ChangeFeed feed({}, {}, {}, {}, options);
  ASSERT_TRUE(feed.Begin(replica.Snapshot(), replica.heads, {}).ok());
  ASSERT_EQ(feed.Next()->size(), 2u);
  EXPECT_EQ(feed.reached(), (Heads{{kA, 2}}));
  feed.Abandon();
  EXPECT_FALSE(feed.IsInRound());
  replica.ApplyAndCover(Write("k4", 7, kA));
  EXPECT_EQ(Round(&feed, replica), "k33A k55A k66A k47A");
}

// A counter at which nothing was written may be known to one node alone, and never come to the next one.
TEST(ChangeFeed, ItsSessionNamesCountersOfWritesAlone) {
  Site replica;
  replica.ApplyAndCover(Write("a", 2, kA));
  replica.ApplyAndCover(Write("b", 5, kB));
  replica.ApplyAndCover(Write("c", 9, kA));
  ChangeFeedOptions options;
  options.events_max = 1;
  ChangeFeed feed({}, {}, {}, {}, options);
  ASSERT_TRUE(feed.Begin(replica.Snapshot(), replica.heads, {}).ok());
  ASSERT_TRUE(feed.Next().ok());
  EXPECT_EQ(feed.reached(), (Heads{{kA, 2}}));
  ASSERT_TRUE(feed.Next().ok());
  EXPECT_EQ(feed.reached(), (Heads{{kA, 2}, {kB, 5}}));
}

TEST(ChangeFeed, ADeletionThatIsForgottenUntoldEndsIt) {
  Site replica;
  replica.ApplyAndCover(Write("a", 5, kA));
  replica.forgotten = {{kA, 3}};
  ChangeFeed before({}, {{kA, 2}}, replica.heads, replica.forgotten);
  EXPECT_EQ(before.CheckForgotten(replica.forgotten).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Round(&before, replica), "WATCH_TOO_OLD");
  ChangeFeed of_another_life({}, {{kB, 9}}, replica.heads, replica.forgotten);
  EXPECT_EQ(Round(&of_another_life, replica), "WATCH_TOO_OLD");
  ChangeFeed level({}, {{kA, 3}}, replica.heads, replica.forgotten);
  EXPECT_EQ(Round(&level, replica), "a5A");
}

// Whoever knows nothing misses nothing by what was forgotten before, but by what is forgotten meanwhile.
TEST(ChangeFeed, FromTheBeginningOnlyLaterForgettingCounts) {
  Site replica;
  for (uint64_t i = 1; i <= 6; ++i) replica.ApplyAndCover(Write(absl::StrCat("k", i), i, kA));
  replica.forgotten = {{kA, 4}};
  ChangeFeedOptions options;
  options.events_max = 2;
  ChangeFeed feed({}, {}, replica.heads, replica.forgotten, options);
  ASSERT_TRUE(feed.Begin(replica.Snapshot(), replica.heads, replica.forgotten).ok());
  ASSERT_TRUE(feed.Next().ok());
  feed.Abandon();
  EXPECT_TRUE(feed.CheckForgotten(replica.forgotten).ok());
  replica.forgotten.Raise(kA, 5);
  EXPECT_EQ(ErrorReason(feed.CheckForgotten(replica.forgotten)), "WATCH_TOO_OLD");
}

// What it holds may have been deleted, and be dropped without a word.
TEST(ChangeFeed, NoneBeginsAtANodeThatIsBeingGivenEverything) {
  Site replica;
  replica.ApplyAndCover(Write("a", 2, kA));
  replica.forgotten = {{kA, 2}, {kB, 4}};
  ChangeFeed feed({}, {}, replica.heads, replica.forgotten);
  EXPECT_EQ(Round(&feed, replica), "REFILLING");
  replica.heads.Raise(kB, 4);
  ChangeFeed later({}, {}, replica.heads, replica.forgotten);
  EXPECT_EQ(Round(&later, replica), "a2A");
}

TEST(ChangeFeed, DamageEndsTheRound) {
  MemoryStorage storage;
  WriteBatch batch;
  batch.Put(Space::kIndex, EncodeIndexKey({1, kA}, "gone"), "");
  ASSERT_TRUE(storage.Commit(batch, Durability::kSync).ok());
  ChangeFeed feed({}, {}, {}, {});
  ASSERT_TRUE(feed.Begin(storage.Snapshot(), {{kA, 1}}, {}).ok());
  EXPECT_EQ(feed.Next().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(feed.IsInRound());
}

// Replicas to which the writes of three origins come in any order; the heads of each rise when an origin's
// writes have come without a gap. One watcher goes from replica to replica, in the midst of rounds too.
class Wandering {
 public:
  explicit Wandering(uint64_t seed) : random_(seed) {}

  void Run() {
    Open();
    for (int step = 0; step < 400 && !failed_; ++step) {
      switch (random_() % 8) {
        case 0:
        case 1:
          WriteSomething();
          break;
        case 2:
        case 3:
        case 4:
          Deliver(random_() % kReplicas, 1 + random_() % 4);
          break;
        case 5:
          MoveIfPossible(random_() % kReplicas);
          break;
        case 6:
          if (random_() % 4 == 0) feed_->Abandon();
          break;
        default:
          Follow();
      }
    }
    for (size_t i = 0; i < kReplicas; ++i) Deliver(i, pending_[i].size());
    while (!failed_ && (feed_->IsInRound() || feed_->IsBehind(replicas_[at_].heads))) Follow();
    EXPECT_EQ(view_, replicas_[at_].Everything());
    EXPECT_EQ(feed_->reached(), replicas_[at_].heads);
  }

 private:
  static constexpr size_t kReplicas = 3;

  void Open(const Heads& from = {}) {
    ChangeFeedOptions options;
    options.events_max = 1 + random_() % 4;
    options.visits_max = 1 + random_() % 8;
    feed_ = std::make_unique<ChangeFeed>(WatchScope{}, from, Heads(), Heads(), options);
  }

  void WriteSomething() {
    const Origin origin{std::string(1, static_cast<char>('A' + random_() % 3)), 1};
    uint64_t& counter = counters_[origin.node_id];
    counter += 1 + random_() % 3;
    // Several keys at one counter, now and then: a batch.
    for (uint64_t i = 0, count = 1 + random_() % 3; i < count; ++i) {
      const KeyedVersion write =
          Write(absl::StrCat("k", random_() % 5, "-", i), counter, origin, random_() % 4 == 0);
      for (auto& pending : pending_) pending.push_back(write);
    }
  }

  void Deliver(size_t to, size_t count) {
    std::vector<KeyedVersion>& pending = pending_[to];
    for (; count > 0 && !pending.empty(); --count) {
      const size_t chosen = random_() % pending.size();
      replicas_[to].Apply(pending[chosen]);
      pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    for (const auto& [node_id, counter] : counters_) {
      uint64_t reached = counter;
      for (const KeyedVersion& missing : pending) {
        const Timestamp& timestamp = missing.version.timestamp;
        if (timestamp.origin.node_id == node_id) reached = std::min(reached, timestamp.counter - 1);
      }
      if (reached > 0) replicas_[to].heads.Raise({node_id, 1}, reached);
    }
  }

  void MoveIfPossible(size_t to) {
    if (!feed_->reached().IsCoveredBy(replicas_[to].heads)) return;
    at_ = to;
    const Heads session = feed_->reached();
    Open(session);
  }

  void Follow() {
    const Site& replica = replicas_[at_];
    if (!feed_->IsInRound()) {
      ASSERT_TRUE(feed_->Begin(replica.Snapshot(), replica.heads, {}).ok());
    }
    const auto events = feed_->Next();
    ASSERT_TRUE(events.ok()) << events.status();
    for (const KeyedVersion& event : *events) Hear(event);
  }

  void Hear(const KeyedVersion& event) {
    const Timestamp& timestamp = event.version.timestamp;
    const bool is_new = told_.insert({event.key, timestamp}).second;
    const bool ascends = view_.count(event.key) == 0 || view_[event.key] < timestamp;
    failed_ = !is_new || !ascends || !feed_->reached().Covers(timestamp);
    EXPECT_TRUE(is_new) << "told twice: " << event.key << " at " << ToString(timestamp);
    EXPECT_TRUE(ascends) << "out of order: " << event.key << " at " << ToString(timestamp);
    EXPECT_TRUE(feed_->reached().Covers(timestamp)) << "not in the session: " << ToString(timestamp);
    view_[event.key] = timestamp;
  }

  std::mt19937_64 random_;
  Site replicas_[kReplicas];
  std::vector<KeyedVersion> pending_[kReplicas];
  std::map<std::string, uint64_t> counters_;
  size_t at_ = 0;
  std::unique_ptr<ChangeFeed> feed_;
  std::map<std::string, Timestamp> view_;
  std::set<std::pair<std::string, Timestamp>> told_;
  bool failed_ = false;
};

TEST(ChangeFeed, AWanderingWatcherMissesNothingAndHearsNothingTwice) {
  for (uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Wandering(seed).Run();
  }
}

}  // namespace
}  // namespace lamppost::kv
