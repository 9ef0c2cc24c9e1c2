#include "services/rpc/storage/etcd_codec.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

constexpr char kFormat[] = "1";
constexpr size_t kNumberDigits = 20;
// No fleet comes near it; beyond, counters could run over.
constexpr uint64_t kClockMax = UINT64_MAX / 2;
constexpr size_t kShownBytesMax = 40;

// Of one width, so that etcd's comparison of bytes is one of numbers.
std::string NumberText(uint64_t number) {
  return absl::StrFormat("%020d", number);
}

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                   absl::StrCat("the request store in etcd is damaged: ", what));
}

void IsMissing(const std::string& key, Compare* compare) {
  compare->set_key(key);
  compare->set_target(Compare::CREATE);
  compare->set_result(Compare::EQUAL);
  compare->set_create_revision(0);
}

void IsThere(const std::string& key, Compare* compare) {
  IsMissing(key, compare);
  compare->set_result(Compare::GREATER);
}

void HasRevision(const std::string& key, uint64_t revision, Compare* compare) {
  compare->set_key(key);
  compare->set_target(Compare::MOD);
  compare->set_result(Compare::EQUAL);
  // A missing key has 0, which is no record's.
  compare->set_mod_revision(revision == 0 ? -1 : static_cast<int64_t>(revision));
}

void IsLess(const std::string& key, uint64_t number, Compare* compare) {
  compare->set_key(key);
  compare->set_target(Compare::VALUE);
  compare->set_result(Compare::LESS);
  compare->set_value(NumberText(number));
}

void Read(const std::string& key, RequestOp* op) {
  op->mutable_request_range()->set_key(key);
}

void Write(const std::string& key, const std::string& value, RequestOp* op) {
  op->mutable_request_put()->set_key(key);
  op->mutable_request_put()->set_value(value);
}

// What was found by the response's op of this place: its first key.
const mvccpb::KeyValue* Found(const TxnResponse& response, int place) {
  if (place >= response.responses_size()) return nullptr;
  const etcdserverpb::RangeResponse& range = response.responses(place).response_range();
  return range.kvs_size() == 0 ? nullptr : &range.kvs(0);
}

// The work of EtcdCodec::Encode, for each kind of operation.
class Encoder {
 public:
  Encoder(const std::string& records_prefix, const std::string& owners_prefix, const std::string& horizon_key,
          const std::string& clock_key)
      : records_prefix_(records_prefix),
        owners_prefix_(owners_prefix),
        horizon_key_(horizon_key),
        clock_key_(clock_key) {}

  TxnRequest operator()(const GetRecord& get) const {
    TxnRequest request;
    Read(RecordKey(get.id), request.add_success());
    return request;
  }

  TxnRequest operator()(const CreateRecord& create) const {
    TxnRequest request;
    IsMissing(RecordKey(create.id), request.add_compare());
    if (create.id.minted_ms()) IsLess(horizon_key_, *create.id.minted_ms(), request.add_compare());
    Write(RecordKey(create.id), create.value, request.add_success());
    Read(RecordKey(create.id), request.add_failure());
    Read(horizon_key_, request.add_failure());
    return request;
  }

  TxnRequest operator()(const ReplaceRecord& replace) const {
    TxnRequest request;
    HasRevision(RecordKey(replace.id), replace.revision, request.add_compare());
    Write(RecordKey(replace.id), replace.value, request.add_success());
    Read(RecordKey(replace.id), request.add_failure());
    return request;
  }

  // etcd takes 128 operations in a transaction, those of the longest inner one included.
  TxnRequest operator()(const ForgetRecords& forget) const {
    TxnRequest request;
    // Without a horizon what is removed here could be created anew.
    IsThere(horizon_key_, request.add_compare());
    if (forget.horizon_ms != 0) {
      TxnRequest* const raise = request.add_success()->mutable_request_txn();
      IsLess(horizon_key_, forget.horizon_ms, raise->add_compare());
      Write(horizon_key_, NumberText(forget.horizon_ms), raise->add_success());
    }
    for (const auto& [id, revision] : forget.records) {
      TxnRequest* const remove = request.add_success()->mutable_request_txn();
      HasRevision(RecordKey(id), revision, remove->add_compare());
      remove->add_success()->mutable_request_delete_range()->set_key(RecordKey(id));
    }
    return request;
  }

  TxnRequest operator()(const ScanRecords& scan) const {
    TxnRequest request;
    RangeRequest* const range = request.add_success()->mutable_request_range();
    // The first key behind an id is the id with a NUL byte.
    range->set_key(scan.after ? RecordKey(*scan.after) + '\0' : records_prefix_);
    std::string end = records_prefix_;
    ++end.back();  // '/'
    range->set_range_end(end);
    range->set_limit(static_cast<int64_t>(std::max<size_t>(scan.records_max, 1)));  // 0 would be all
    range->set_sort_order(RangeRequest::ASCEND);
    range->set_sort_target(RangeRequest::KEY);
    return request;
  }

  TxnRequest operator()(const FindOwner& find) const {
    TxnRequest request;
    Read(owners_prefix_ + find.owner, request.add_success());
    return request;
  }

  TxnRequest operator()(const ReserveClock& reserve) const {
    TxnRequest request;
    IsLess(clock_key_, reserve.limit, request.add_compare());
    Write(clock_key_, NumberText(reserve.limit), request.add_success());
    Read(clock_key_, request.add_failure());
    return request;
  }

 private:
  std::string RecordKey(const RequestId& id) const { return records_prefix_ + ToString(id); }

  const std::string& records_prefix_;
  const std::string& owners_prefix_;
  const std::string& horizon_key_;
  const std::string& clock_key_;
};

// The work of EtcdCodec::Decode.
class Decoder {
 public:
  Decoder(const std::string& records_prefix, const TxnResponse& response, StoreAnswer* answer)
      : records_prefix_(records_prefix), response_(response), answer_(answer) {}

  absl::Status operator()(const GetRecord&) const { return TakeRecord(Found(response_, 0)); }

  absl::Status operator()(const CreateRecord& create) const {
    if (response_.succeeded()) return TakeRevision();
    if (const mvccpb::KeyValue* record = Found(response_, 0)) {
      answer_->verdict = StoreAnswer::Verdict::kConflict;
      return TakeRecord(record);
    }
    if (Found(response_, 1) == nullptr || !create.id.minted_ms()) return Damaged("its horizon is missing");
    answer_->verdict = StoreAnswer::Verdict::kExpired;
    return absl::OkStatus();
  }

  absl::Status operator()(const ReplaceRecord&) const {
    if (response_.succeeded()) return TakeRevision();
    answer_->verdict = StoreAnswer::Verdict::kConflict;
    return TakeRecord(Found(response_, 0));
  }

  absl::Status operator()(const ForgetRecords&) const {
    return response_.succeeded() ? absl::OkStatus() : Damaged("its horizon is missing");
  }

  absl::Status operator()(const ScanRecords& scan) const {
    if (response_.responses_size() != 1) return Damaged("a scan has no answer");
    for (const mvccpb::KeyValue& found : response_.responses(0).response_range().kvs()) {
      if (answer_->records.size() == scan.records_max) break;
      absl::StatusOr<StoredRecord> stored = ToStored(found);
      if (!stored.ok()) return stored.status();
      answer_->records.push_back(*std::move(stored));
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const FindOwner&) const {
    answer_->owner_is_alive = Found(response_, 0) != nullptr;
    return absl::OkStatus();
  }

  absl::Status operator()(const ReserveClock&) const {
    const bool is_there = response_.succeeded() || Found(response_, 0) != nullptr;
    return is_there ? absl::OkStatus() : Damaged("its clock is missing");
  }

 private:
  // What a transaction writes has the revision that it leaves the store with.
  absl::Status TakeRevision() const {
    if (response_.header().revision() <= 0) return Damaged("what was written has no revision");
    answer_->revision = static_cast<uint64_t>(response_.header().revision());
    return absl::OkStatus();
  }

  absl::Status TakeRecord(const mvccpb::KeyValue* found) const {
    if (found == nullptr) return absl::OkStatus();
    absl::StatusOr<StoredRecord> stored = ToStored(*found);
    if (!stored.ok()) return stored.status();
    answer_->record = *std::move(stored);
    return absl::OkStatus();
  }

  absl::StatusOr<StoredRecord> ToStored(const mvccpb::KeyValue& found) const {
    const absl::StatusOr<RequestId> id = ParseRequestId(absl::StripPrefix(found.key(), records_prefix_));
    if (!id.ok() || ToString(*id) != absl::StripPrefix(found.key(), records_prefix_)) {
      return Damaged(absl::StrCat("the key \"", absl::CEscape(found.key()), "\" is no record's"));
    }
    if (found.mod_revision() <= 0) return Damaged("a record has no revision");
    return StoredRecord{*id, found.value(), static_cast<uint64_t>(found.mod_revision())};
  }

  const std::string& records_prefix_;
  const TxnResponse& response_;
  StoreAnswer* const answer_;
};

}  // namespace

EtcdCodec::EtcdCodec(absl::string_view name)
    : prefix_(absl::StrCat("/lamppost/rpc/", name, "/")),
      records_prefix_(prefix_ + "records/"),
      owners_prefix_(prefix_ + "owners/"),
      horizon_key_(prefix_ + "horizon"),
      clock_key_(prefix_ + "clock"),
      format_key_(prefix_ + "format") {}

TxnRequest EtcdCodec::Encode(const StoreOperation& operation) const {
  return std::visit(Encoder(records_prefix_, owners_prefix_, horizon_key_, clock_key_), operation);
}

StoreAnswer EtcdCodec::Decode(const NumberedOperation& operation, const TxnResponse& response) const {
  StoreAnswer answer;
  answer.number = operation.number;
  answer.status = std::visit(Decoder(records_prefix_, response, &answer), operation.operation);
  return answer;
}

TxnRequest EtcdCodec::EncodeSetUp() const {
  TxnRequest request;
  IsMissing(format_key_, request.add_compare());
  Write(format_key_, kFormat, request.add_success());
  Write(horizon_key_, NumberText(0), request.add_success());
  Write(clock_key_, NumberText(0), request.add_success());
  return request;
}

TxnRequest EtcdCodec::EncodeReadClock() const {
  TxnRequest request;
  Read(format_key_, request.add_success());
  Read(horizon_key_, request.add_success());
  Read(clock_key_, request.add_success());
  return request;
}

absl::StatusOr<uint64_t> EtcdCodec::DecodeReadClock(const TxnResponse& response) const {
  const mvccpb::KeyValue* const format = Found(response, 0);
  if (format == nullptr) return Damaged("its format is missing");
  if (format->value() != kFormat) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "FORMAT_UNKNOWN",
                     absl::StrCat("the request store in etcd has format \"",
                                  absl::CEscape(format->value().substr(0, kShownBytesMax)),
                                  "\", this software reads ", kFormat));
  }
  if (Found(response, 1) == nullptr) return Damaged("its horizon is missing");
  const mvccpb::KeyValue* const clock = Found(response, 2);
  uint64_t limit = 0;
  if (clock == nullptr || clock->value().size() != kNumberDigits ||
      !absl::SimpleAtoi(clock->value(), &limit) || limit > kClockMax) {
    return Damaged("its clock is missing or no number");
  }
  return limit;
}

TxnRequest EtcdCodec::EncodeAddOwner(const std::string& owner, int64_t lease) const {
  TxnRequest request;
  IsMissing(OwnerKey(owner), request.add_compare());
  Write(OwnerKey(owner), "", request.add_success());
  request.mutable_success(0)->mutable_request_put()->set_lease(lease);
  return request;
}

std::string EtcdCodec::OwnerKey(absl::string_view owner) const {
  return absl::StrCat(owners_prefix_, owner);
}

std::string EtcdCodec::RecordKey(const RequestId& id) const {
  return records_prefix_ + ToString(id);
}

}  // namespace lamppost::rpc
