#include "services/rpc/storage/testing/request_store_contract.h"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace lamppost::rpc {

using Verdict = StoreAnswer::Verdict;

std::string ContractCaseName(const ::testing::TestParamInfo<ContractCase>& info) {
  return info.param.name;
}

std::ostream& operator<<(std::ostream& out, const ContractCase& contract_case) {
  return out << contract_case.name;
}

void RequestStoreContractTest::SetUp() {
  place_ = GetParam().make();
  ASSERT_NE(place_, nullptr);
  client_ = NewClient();
}

void RequestStoreContractTest::TearDown() {
  if (client_) EXPECT_EQ(client_->strays(), 0);
  client_.reset();
  place_.reset();
}

std::unique_ptr<StoreClient> RequestStoreContractTest::NewClient() {
  auto client = std::make_unique<StoreClient>(place_->NewStore());
  const absl::Status status = client->Start();
  EXPECT_TRUE(status.ok()) << status;
  return client;
}

void RequestStoreContractTest::Reopen() {
  client_->Stop();
  client_.reset();
  client_ = NewClient();
}

void RequestStoreContractTest::CrashAndReopen() {
  client_.reset();
  client_ = NewClient();
}

uint64_t RequestStoreContractTest::Create(const RequestId& id, const std::string& value) {
  const StoreAnswer answer = Do(CreateRecord{id, value});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.verdict, Verdict::kDone);
  EXPECT_NE(answer.revision, 0u);
  return answer.revision;
}

uint64_t RequestStoreContractTest::Replace(const RequestId& id, uint64_t revision, const std::string& value) {
  const StoreAnswer answer = Do(ReplaceRecord{id, revision, value});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.verdict, Verdict::kDone);
  EXPECT_NE(answer.revision, revision);
  return answer.revision;
}

std::string RequestStoreContractTest::Get(const RequestId& id) {
  const StoreAnswer answer = Do(GetRecord{id});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.verdict, Verdict::kDone);
  if (!answer.record) return "(none)";
  EXPECT_EQ(answer.record->id, id);
  return answer.record->value;
}

void RequestStoreContractTest::ExpectVerdict(Verdict verdict, StoreOperation operation) {
  const StoreAnswer answer = Do(std::move(operation));
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.verdict, verdict);
}

RequestId RequestStoreContractTest::Minted(uint64_t ms, uint8_t number) {
  RequestId::Bytes bytes = {};
  for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  bytes[6] = 0x70;
  bytes[8] = 0x80;
  bytes[15] = number;
  return RequestId(bytes);
}

RequestId RequestStoreContractTest::Random(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[6] = 0x40;
  bytes[8] = 0x80;
  bytes[15] = number;
  return RequestId(bytes);
}

TEST_P(RequestStoreContractTest, CreatesWhereThereIsNone) {
  EXPECT_EQ(Get(Random(1)), "(none)");
  const uint64_t revision = Create(Random(1), "first");
  EXPECT_EQ(Get(Random(1)), "first");

  const StoreAnswer answer = Do(CreateRecord{Random(1), "second"});
  EXPECT_EQ(answer.verdict, Verdict::kConflict);
  ASSERT_TRUE(answer.record.has_value());
  EXPECT_EQ(answer.record->id, Random(1));
  EXPECT_EQ(answer.record->value, "first");
  EXPECT_EQ(answer.record->revision, revision);
  EXPECT_EQ(Get(Random(1)), "first");
}

TEST_P(RequestStoreContractTest, ValuesAreBytes) {
  std::string value(100'000, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i % 251);
  Create(Random(1), value);
  Create(Random(2), "");
  EXPECT_EQ(Get(Random(1)), value);
  EXPECT_EQ(Get(Random(2)), "");
}

TEST_P(RequestStoreContractTest, ReplacesByRevision) {
  const uint64_t first = Create(Random(1), "first");
  const uint64_t second = Replace(Random(1), first, "second");
  EXPECT_EQ(Do(GetRecord{Random(1)}).record->revision, second);

  const StoreAnswer answer = Do(ReplaceRecord{Random(1), first, "third"});
  EXPECT_EQ(answer.verdict, Verdict::kConflict);
  ASSERT_TRUE(answer.record.has_value());
  EXPECT_EQ(answer.record->value, "second");
  EXPECT_EQ(answer.record->revision, second);
  EXPECT_EQ(Get(Random(1)), "second");
}

TEST_P(RequestStoreContractTest, ReplacesNothingWhereThereIsNone) {
  const StoreAnswer answer = Do(ReplaceRecord{Random(1), 1, "value"});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.verdict, Verdict::kConflict);
  EXPECT_FALSE(answer.record.has_value());
  EXPECT_EQ(Get(Random(1)), "(none)");
}

TEST_P(RequestStoreContractTest, IdsUpToTheHorizonAreExpired) {
  ExpectVerdict(Verdict::kDone, ForgetRecords{1000, {}});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(999), "value"});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(1000, 255), "value"});
  Create(Minted(1001), "value");
  Create(Random(1), "no time in it");
  EXPECT_EQ(Get(Minted(1000, 255)), "(none)");
}

TEST_P(RequestStoreContractTest, AnExpiredIdThatIsThereIsAConflict) {
  Create(Minted(1000), "value");
  ExpectVerdict(Verdict::kDone, ForgetRecords{1000, {}});
  const StoreAnswer answer = Do(CreateRecord{Minted(1000), "again"});
  EXPECT_EQ(answer.verdict, Verdict::kConflict);
  ASSERT_TRUE(answer.record.has_value());
  EXPECT_EQ(answer.record->value, "value");
  Replace(Minted(1000), answer.record->revision, "changed");
}

TEST_P(RequestStoreContractTest, TheHorizonNeverFalls) {
  ExpectVerdict(Verdict::kDone, ForgetRecords{1000, {}});
  ExpectVerdict(Verdict::kDone, ForgetRecords{500, {}});
  ExpectVerdict(Verdict::kDone, ForgetRecords{0, {}});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(1000), "value"});
  // Digits more than before.
  ExpectVerdict(Verdict::kDone, ForgetRecords{1'700'000'000'000, {}});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(1'700'000'000'000), "value"});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(999'999'999'999), "value"});
  Create(Minted(1'700'000'000'001), "value");
}

TEST_P(RequestStoreContractTest, ForgetsOnlyWhatHasNotChanged) {
  const uint64_t stays = Create(Random(1), "stays");
  const uint64_t goes = Create(Random(2), "goes");
  const uint64_t changed = Replace(Random(1), stays, "changed");
  ExpectVerdict(Verdict::kDone, ForgetRecords{0, {{Random(1), stays}, {Random(2), goes}, {Random(3), 1}}});
  EXPECT_EQ(Get(Random(1)), "changed");
  EXPECT_EQ(Get(Random(2)), "(none)");
  ExpectVerdict(Verdict::kDone, ForgetRecords{0, {{Random(1), changed}}});
  EXPECT_EQ(Get(Random(1)), "(none)");
}

TEST_P(RequestStoreContractTest, ForgetsAPageAtOnce) {
  std::vector<StoreOperation> creates;
  for (size_t i = 0; i < kForgetRecordsMax; ++i)
    creates.push_back(CreateRecord{Minted(1000 + i), std::string(100, 'v')});
  ForgetRecords forget{1000 + kForgetRecordsMax, {}};
  size_t i = 0;
  for (const uint64_t number : client_->Submit(creates)) {
    forget.records.emplace_back(Minted(1000 + i++), client_->Await(number).revision);
  }
  Create(Minted(9000), "stays");
  ExpectVerdict(Verdict::kDone, forget);
  const StoreAnswer answer = Do(ScanRecords{});
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].value, "stays");
}

TEST_P(RequestStoreContractTest, RevisionsDoNotComeBack) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 3; ++i) {
    const uint64_t created = Create(Random(1), "same");
    const uint64_t replaced = Replace(Random(1), created, "same");
    EXPECT_TRUE(seen.insert(created).second);
    EXPECT_TRUE(seen.insert(replaced).second);
    ExpectVerdict(Verdict::kDone, ForgetRecords{0, {{Random(1), replaced}}});
    ExpectVerdict(Verdict::kConflict, ReplaceRecord{Random(1), replaced, "late"});
    if (i == 1) Reopen();
  }
}

TEST_P(RequestStoreContractTest, ScansInOrderByPages) {
  std::vector<RequestId> ids = {Minted(1000, 1), Minted(2), Minted(1000, 2), Random(9),
                                Minted(1'700'000'000'000)};
  for (const RequestId& id : ids) Create(id, ToString(id));
  std::sort(ids.begin(), ids.end());

  std::vector<RequestId> found;
  ScanRecords scan;
  scan.records_max = 2;
  for (size_t size = 2; size == 2;) {
    const StoreAnswer answer = Do(scan);
    ASSERT_TRUE(answer.status.ok()) << answer.status;
    size = answer.records.size();
    ASSERT_LE(size, 2u);
    for (const StoredRecord& stored : answer.records) {
      found.push_back(stored.id);
      EXPECT_EQ(stored.value, ToString(stored.id));
      EXPECT_EQ(stored.revision, Do(GetRecord{stored.id}).record->revision);
      scan.after = stored.id;
    }
  }
  EXPECT_EQ(found, ids);
}

TEST_P(RequestStoreContractTest, ScansFromBehindAnIdThatIsGone) {
  const uint64_t revision = Create(Minted(1), "a");
  Create(Minted(2), "b");
  ExpectVerdict(Verdict::kDone, ForgetRecords{0, {{Minted(1), revision}}});
  ScanRecords scan;
  scan.after = Minted(1);
  EXPECT_EQ(Do(scan).records.size(), 1u);
  scan.after = Minted(2);
  EXPECT_TRUE(Do(scan).records.empty());
}

// What is under way together is as if it had come one after the other.
TEST_P(RequestStoreContractTest, ScansAmongChanges) {
  const uint64_t a = Create(Minted(1), "a");
  const uint64_t b = Create(Minted(3), "b");
  Create(Minted(5), "c");
  client_->Submit({ReplaceRecord{Minted(1), a, "A"}, ForgetRecords{0, {{Minted(3), b}}},
                   CreateRecord{Minted(2), "new"}, CreateRecord{Minted(6), "last"}});
  // Each of these comes after the change of its id.
  for (const uint64_t number : client_->Submit(
           {GetRecord{Minted(1)}, GetRecord{Minted(2)}, GetRecord{Minted(3)}, GetRecord{Minted(6)}}))
    client_->Await(number);
  std::vector<std::string> values;
  for (const StoredRecord& stored : Do(ScanRecords{}).records) values.push_back(stored.value);
  EXPECT_EQ(values, (std::vector<std::string>{"A", "new", "c", "last"}));
}

TEST_P(RequestStoreContractTest, OperationsOfOneIdKeepTheirOrder) {
  for (uint8_t id = 1; id <= 20; ++id) {
    // Only in this order is the first create done, the second one a conflict, and the last one done again.
    const std::vector<uint64_t> numbers =
        client_->Submit({GetRecord{Random(id)}, CreateRecord{Random(id), "1"}, CreateRecord{Random(id), "2"},
                         GetRecord{Random(id)}});
    EXPECT_FALSE(client_->Await(numbers[0]).record.has_value());
    const uint64_t revision = client_->Await(numbers[1]).revision;
    EXPECT_EQ(client_->Await(numbers[2]).verdict, Verdict::kConflict);
    EXPECT_EQ(client_->Await(numbers[3]).record->value, "1");
    const std::vector<uint64_t> more = client_->Submit(
        {ForgetRecords{0, {{Random(id), revision}, {Random(0), 1}}}, CreateRecord{Random(id), "3"},
         ReplaceRecord{Random(id), revision, "4"}, GetRecord{Random(id)}});
    EXPECT_EQ(client_->Await(more[1]).verdict, Verdict::kDone);
    EXPECT_EQ(client_->Await(more[2]).verdict, Verdict::kConflict);
    EXPECT_EQ(client_->Await(more[3]).record->value, "3");
  }
}

TEST_P(RequestStoreContractTest, OneLifeIsAliveAndEarlierOnesAreNot) {
  const std::string first = client_->store().owner();
  EXPECT_FALSE(first.empty());
  EXPECT_TRUE(Do(FindOwner{first}).owner_is_alive);
  EXPECT_FALSE(Do(FindOwner{"nobody"}).owner_is_alive);
  EXPECT_FALSE(Do(FindOwner{""}).owner_is_alive);
  Reopen();
  EXPECT_NE(client_->store().owner(), first);
  EXPECT_TRUE(Do(FindOwner{client_->store().owner()}).owner_is_alive);
  EXPECT_FALSE(Do(FindOwner{first}).owner_is_alive);
}

TEST_P(RequestStoreContractTest, ReservedCountersAreNotIssuedAgain) {
  EXPECT_EQ(client_->store().clock_start(), 0u);
  ExpectVerdict(Verdict::kDone, ReserveClock{1'000'000});
  ExpectVerdict(Verdict::kDone, ReserveClock{999});
  Reopen();
  EXPECT_EQ(client_->store().clock_start(), 1'000'000u);
  ExpectVerdict(Verdict::kDone, ReserveClock{12'000'000});
  CrashAndReopen();
  EXPECT_EQ(client_->store().clock_start(), 12'000'000u);
}

TEST_P(RequestStoreContractTest, WhatWasAnsweredIsThereAfterAnEndAndACrash) {
  const uint64_t first = Create(Minted(1000), "first");
  const uint64_t gone = Create(Minted(1001), "gone");
  ExpectVerdict(Verdict::kDone, ForgetRecords{500, {{Minted(1001), gone}}});
  Reopen();
  EXPECT_EQ(Get(Minted(1000)), "first");
  EXPECT_EQ(Get(Minted(1001)), "(none)");
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(500), "value"});
  Replace(Minted(1000), first, "second");
  CrashAndReopen();
  EXPECT_EQ(Get(Minted(1000)), "second");
  ExpectVerdict(Verdict::kConflict, ReplaceRecord{Minted(1000), first, "third"});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(500), "value"});
}

TEST_P(RequestStoreContractTest, SeveralThreadsGetAnAnswerEach) {
  constexpr int kThreads = 4;
  constexpr uint8_t kIds = 50;
  std::vector<std::thread> threads;
  std::vector<int> created(kThreads, 0);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &created] {
      std::vector<uint64_t> numbers;
      for (uint8_t id = 0; id < kIds; ++id) {
        const auto submitted =
            client_->Submit({GetRecord{Random(id)}, CreateRecord{Random(id), absl::StrCat(t)}});
        numbers.insert(numbers.end(), submitted.begin(), submitted.end());
      }
      for (const uint64_t number : numbers) {
        const StoreAnswer answer = client_->Await(number);
        EXPECT_TRUE(answer.status.ok()) << answer.status;
        if (answer.revision != 0) ++created[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created[0] + created[1] + created[2] + created[3], kIds);
  EXPECT_EQ(client_->unanswered(), 0u);
}

TEST_P(RequestStoreContractTest, StopAnswersWhatWasSubmitted) {
  std::vector<StoreOperation> operations;
  for (uint8_t id = 0; id < 200; ++id) operations.push_back(CreateRecord{Random(id), std::string(1000, 'v')});
  operations.push_back(ScanRecords{});
  operations.push_back(ReserveClock{5});
  const std::vector<uint64_t> numbers = client_->Submit(std::move(operations));
  client_->Stop();
  EXPECT_EQ(client_->unanswered(), 0u);
  EXPECT_EQ(client_->strays(), 0);
  std::vector<bool> done;
  for (uint8_t id = 0; id < 200; ++id) done.push_back(client_->Await(numbers[id]).status.ok());
  client_ = NewClient();
  for (uint8_t id = 0; id < 200; ++id) {
    if (done[id]) EXPECT_NE(Get(Random(id)), "(none)");
  }
}

// What a fleet shares, one server's retry finds at another.
TEST_P(RequestStoreContractTest, AFleetSharesItsRecords) {
  if (GetParam().sharing == Sharing::kOneServer) GTEST_SKIP() << "one server at a time";
  const std::unique_ptr<StoreClient> other = NewClient();
  const uint64_t revision = Create(Minted(1000), "here");
  const StoreAnswer found = other->Do(CreateRecord{Minted(1000), "there"});
  EXPECT_EQ(found.verdict, Verdict::kConflict);
  ASSERT_TRUE(found.record.has_value());
  EXPECT_EQ(found.record->value, "here");
  EXPECT_EQ(other->Do(ReplaceRecord{Minted(1000), revision, "there"}).verdict, Verdict::kDone);
  ExpectVerdict(Verdict::kConflict, ReplaceRecord{Minted(1000), revision, "here again"});
  other->Do(ForgetRecords{2000, {}});
  ExpectVerdict(Verdict::kExpired, CreateRecord{Minted(2000), "late"});

  const std::string owner = client_->store().owner();
  EXPECT_NE(other->store().owner(), owner);
  EXPECT_TRUE(other->Do(FindOwner{owner}).owner_is_alive);
  EXPECT_TRUE(Do(FindOwner{other->store().owner()}).owner_is_alive);
  client_->Stop();
  EXPECT_FALSE(other->Do(FindOwner{owner}).owner_is_alive);
}

}  // namespace lamppost::rpc
