// Small histories for the tests of the checks, written line by line.
#ifndef LAMPPOST_TESTS_HISTORY_HISTORY_BUILDER_H_
#define LAMPPOST_TESTS_HISTORY_HISTORY_BUILDER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/history/checks.h"

namespace lamppost::history {

inline Origin Life(const std::string& node, uint64_t life = 1) {
  return {node, life << 32};
}

inline Timestamp At(uint64_t counter, const std::string& node, uint64_t life = 1) {
  return {counter, Life(node, life)};
}

// Operations follow each other in time, each 10 us long, unless told otherwise. Each is by another client
// unless told otherwise. What is added last can be changed by the methods that follow.
class HistoryBuilder {
 public:
  HistoryBuilder& Write(const std::string& node, const std::string& key, std::optional<std::string> value,
                        const Timestamp& version) {
    Begin(Kind::kWrite, node).items = {{key, std::move(value), {}}};
    last().version = version;
    return *this;
  }
  HistoryBuilder& Delete(const std::string& node, const std::string& key, const Timestamp& version) {
    return Write(node, key, std::nullopt, version);
  }
  // Without an answer.
  HistoryBuilder& Attempt(const std::string& node, const std::string& key, std::optional<std::string> value) {
    Write(node, key, std::move(value), {});
    last().outcome = Outcome::kUnknown;
    return *this;
  }
  HistoryBuilder& Refused(const std::string& node, const std::string& key, std::optional<std::string> value) {
    Attempt(node, key, std::move(value));
    last().outcome = Outcome::kFailed;
    return *this;
  }
  HistoryBuilder& Read(const std::string& node, const std::string& key, std::optional<std::string> value,
                       const Timestamp& version) {
    Begin(Kind::kRead, node).items = {{key, std::move(value), version}};
    return *this;
  }
  HistoryBuilder& ReadAbsent(const std::string& node, const std::string& key) {
    return Read(node, key, std::nullopt, {});
  }
  HistoryBuilder& Loss(const std::string& node, kv::Heads kept) {
    history_.disk_losses.push_back({node, now_us_, std::move(kept)});
    now_us_ += 10;
    return *this;
  }

  HistoryBuilder& Client(uint64_t client) {
    return Change([&] { last().client = client; });
  }
  HistoryBuilder& Request(const std::string& id) {
    return Change([&] { last().request_id = id; });
  }
  HistoryBuilder& Session(const kv::Heads& session) {
    return Change([&] { last().session = session; });
  }
  HistoryBuilder& Replayed() {
    return Change([&] { last().replayed = true; });
  }
  HistoryBuilder& And(const std::string& key, std::optional<std::string> value) {
    return Change([&] { last().items.push_back({key, std::move(value), {}}); });
  }
  // Begun when the history began.
  HistoryBuilder& SinceEver() {
    return Change([&] { last().start_us = 0; });
  }

  HistoryBuilder& Final(const std::string& node, const std::vector<Item>& items) {
    Contents& contents = history_.final_contents[node];
    for (const Item& item : items) contents[item.key] = item;
    return *this;
  }

  History* history() { return &history_; }
  Operation& last() { return history_.operations.back(); }
  // The invariants that are violated, each violation once.
  std::vector<std::string> Broken() const {
    std::vector<std::string> broken;
    for (const Violation& violation : Check(history_)) broken.push_back(violation.invariant);
    return broken;
  }

 private:
  Operation& Begin(Kind kind, const std::string& node) {
    Operation operation;
    operation.kind = kind;
    operation.client = 100 + history_.operations.size();
    operation.node = node;
    operation.start_us = now_us_;
    operation.end_us = now_us_ + 10;
    operation.outcome = Outcome::kOk;
    now_us_ += 20;
    history_.operations.push_back(std::move(operation));
    return last();
  }
  template <typename Action>
  HistoryBuilder& Change(Action action) {
    action();
    return *this;
  }

  History history_;
  uint64_t now_us_ = 1000;
};

inline auto Holds() {
  return ::testing::IsEmpty();
}
inline auto Breaks(const std::string& invariant) {
  return ::testing::ElementsAre(invariant);
}

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_HISTORY_BUILDER_H_
