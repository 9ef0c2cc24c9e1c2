#include "services/kv/core/tracer.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/utf8.h"

namespace lamppost::kv {
namespace {

const ProcessId kA{"A", 1};
const ProcessId kB{"B", 2};

TracePoint PointAt(uint64_t counter) {
  TracePoint point;
  point.counter = counter;
  return point;
}

Trace VectorOf(VectorClock vector) {
  return std::make_shared<const VectorClock>(std::move(vector));
}

KeyedVersion Text(const std::string& key, const std::string& text) {
  KeyedVersion entry{key, {}};
  entry.version.value = Value{Value::Kind::kText, text};
  return entry;
}

TracePoint Described(const std::vector<KeyedVersion>& entries) {
  TracePoint point;
  Describe(entries, &point);
  return point;
}

TEST(Describe, ClientsKeysAndNoMoreThanAFew) {
  std::vector<KeyedVersion> entries = {Text(std::string("\0member/A", 9), "a record"), Text("x", "10")};
  const TracePoint two = Described(entries);
  EXPECT_EQ(two.keys, std::vector<std::string>{"x"});
  EXPECT_EQ(two.entries, 2u) << "a record is brought all the same";
  EXPECT_EQ(two.detail, "x = 10 and 1 more");
  for (int i = 0; i < 20; ++i) entries.push_back(Text(absl::StrCat("k", i), "v"));
  const TracePoint many = Described(entries);
  EXPECT_EQ(many.keys.size(), TracePoint::kKeysMax);
  EXPECT_EQ(many.entries, 22u);
  entries.resize(1);
  EXPECT_EQ(Described(entries).keys, std::vector<std::string>());
  EXPECT_EQ(Described(entries).detail, "") << "of what the nodes keep for themselves nothing is shown";
}

TEST(Describe, ValuesInShort) {
  EXPECT_EQ(Described({Text("x", "10")}).detail, "x = 10");
  KeyedVersion entry = Text("x", std::string(100, '\xff'));
  entry.version.value->kind = Value::Kind::kData;
  EXPECT_EQ(Described({entry}).detail, "x = 100 bytes");
  entry.version.value.reset();
  EXPECT_EQ(Described({entry}).detail, "x deleted");
  entry.version.lapsed = true;
  EXPECT_EQ(Described({entry}).detail, "x expired");
  // Cut at each place of a character that takes several bytes.
  for (size_t before = 0; before < 4; ++before) {
    std::string text(before, 'a');
    for (int i = 0; i < 50; ++i) text += "語";
    const std::string detail = Described({Text("x", text)}).detail;
    EXPECT_TRUE(IsUtf8(detail)) << detail;
    EXPECT_LT(detail.size(), 60u);
  }
}

TEST(Tracer, AReceiptJoinsWhatTheSenderKnew) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(5));
  tracer.Received(PointAt(9), VectorOf({{kB, 7}, {{"C", 3}, 4}}));
  tracer.Received(PointAt(10), VectorOf({{kB, 2}, {{"C", 3}, 6}, {kA, 100}}));
  EXPECT_EQ(*tracer.Happened(PointAt(11)), (VectorClock{{kA, 4}, {kB, 7}, {{"C", 3}, 6}}))
      << "of its own events it alone knows how many there were";
}

TEST(Tracer, OfASenderThatIsNotTracedNothingIsKnown) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Received(PointAt(9), nullptr);
  const Tracer::Points told = tracer.Take();
  ASSERT_EQ(told.points.size(), 1u);
  EXPECT_EQ(*told.points[0].vector, (VectorClock{{kA, 1}}));
}

// Else two traces of one process would give two events one number.
TEST(Tracer, ItsOwnCountGoesOnOverAPause) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(1));
  tracer.Received(PointAt(2), VectorOf({{kB, 5}}));
  tracer.Stop();
  EXPECT_FALSE(tracer.IsOn());
  tracer.Start();
  EXPECT_TRUE(tracer.Take().points.empty()) << "nobody has asked for what was left of before";
  EXPECT_EQ(*tracer.Happened(PointAt(7)), (VectorClock{{kA, 3}}));
  tracer.Start();  // a second watcher: nothing is forgotten
  EXPECT_EQ(*tracer.Happened(PointAt(8)), (VectorClock{{kA, 4}}));
}

TEST(Tracer, AMarkHasTheCounterAndTheVectorOfItsEvent) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(5));
  TracePoint mark = PointAt(99);
  mark.kind = TraceKind::kConflict;
  tracer.Mark(mark);
  tracer.Happened(PointAt(6));
  const Tracer::Points told = tracer.Take();
  ASSERT_EQ(told.points.size(), 3u);
  EXPECT_EQ(told.points[1].kind, TraceKind::kConflict);
  EXPECT_EQ(told.points[1].counter, 5u);
  EXPECT_EQ(told.points[1].vector, told.points[0].vector);
  EXPECT_EQ(told.points[2].vector->at(kA), 2u) << "a mark is no event";
}

TEST(Tracer, WhatIsTooMuchIsCounted) {
  Tracer tracer(kA);
  tracer.Start();
  for (size_t i = 1; i <= Tracer::kPointsMax + 5; ++i) tracer.Happened(PointAt(i));
  const Tracer::Points told = tracer.Take();
  EXPECT_EQ(told.points.size(), Tracer::kPointsMax);
  EXPECT_EQ(told.left_out, 5u);
  EXPECT_EQ(told.points.back().counter, Tracer::kPointsMax) << "the first ones are kept";
  const Tracer::Points none = tracer.Take();
  EXPECT_TRUE(none.points.empty());
  EXPECT_EQ(none.left_out, 0u);
  EXPECT_EQ(tracer.Happened(PointAt(50000))->at(kA), Tracer::kPointsMax + 6)
      << "what was not told has happened";
}

// One that is longer than peers take would be no vector to them.
TEST(Tracer, AVectorIsNeverLongerThanOneMayBe) {
  Tracer tracer(kA);
  tracer.Start();
  VectorClock many;
  for (uint64_t boot_id = 1; boot_id <= 2 * kVectorEntriesMax; ++boot_id) many[{"B", boot_id}] = 1;
  tracer.Received(PointAt(1), VectorOf(many));
  const Trace vector = tracer.Happened(PointAt(2));
  EXPECT_LE(vector->size(), kVectorEntriesMax);
  EXPECT_EQ(vector->at(kA), 2u);
  many = {{{"B", 1}, 9}};
  tracer.Received(PointAt(3), VectorOf(many));
  EXPECT_EQ(tracer.Happened(PointAt(4))->at({"B", 1}), 9u) << "those that are known go on";
}

}  // namespace
}  // namespace lamppost::kv
