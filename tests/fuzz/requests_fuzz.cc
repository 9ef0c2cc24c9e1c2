// Requests of clients, from the bytes on the wire to the store: what is taken is written and can be read and
// scanned; what is refused never reaches the replica.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/testing/store_audit.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_driver.h"

namespace lamppost::fuzz {
namespace {

using kv::testing::Dump;
using kv::testing::Tombstones;

// As kv::RawCall does it.
template <typename Request>
bool Parse(absl::string_view bytes, Request* request) {
  grpc::Slice slice(bytes.data(), bytes.size());
  grpc::ByteBuffer buffer(&slice, 1);
  return grpc::SerializationTraits<Request>::Deserialize(&buffer, request).ok();
}

void CheckWritten(ReplicaDriver* driver, const kv::Proposal& proposal) {
  const kv::Output output = driver->Group([&](kv::Replica* replica) { replica->Propose(proposal); });
  FUZZ_CHECK(output.replies.size() == 1 && output.replies[0].result.ok(), "a good write was refused");
  const std::map<std::string, kv::Version> dump = Dump(*driver->store(), Tombstones::kIncluded);
  for (const kv::Operation& operation : proposal.operations) {
    const auto it = dump.find(operation.key);
    FUZZ_CHECK(it != dump.end() && it->second.value == operation.value, "a write is not what was asked for");
  }
  FUZZ_CHECK(dump.size() == proposal.operations.size(), "more was written than was asked for");
  FUZZ_CHECK(kv::testing::Audit(*driver->store()).empty(), "the store's records do not agree");
  const kv::Output again = driver->Group([&](kv::Replica* replica) { replica->Propose(proposal); });
  const bool replayed = again.replies.at(0).result.ok() && again.replies[0].result->replayed;
  FUZZ_CHECK(replayed == !proposal.request_id.empty(), "a retry was not taken for one, or a write was");
}

template <typename Request>
void CheckWrite(absl::string_view bytes) {
  // Small, so that the limits are in reach.
  const kv::Limits limits{64, 256};
  Request request;
  if (!Parse(bytes, &request)) return;
  absl::StatusOr<kv::Proposal> proposal = kv::ToProposal(request);
  if (!proposal.ok()) return;
  if (!kv::CheckProposal(*proposal, limits).ok()) return;
  ReplicaDriver driver(ReplicaDriver::Alone());
  CheckWritten(&driver, *proposal);
}

// A store with some keys for all scans; it is only read.
std::unique_ptr<ReplicaDriver> MakeScanned() {
  auto driver = std::make_unique<ReplicaDriver>(ReplicaDriver::Alone());
  driver->Group([](kv::Replica* replica) {
    for (const char* key : {"a", "aa", "ab", "b", "b/1", "b/2", "c", "\xC3\xA9", "\xF0\x9F\x98\x80"}) {
      kv::Proposal proposal;
      proposal.operations.push_back({key, kv::Value{kv::Value::Kind::kText, std::string(40, 'v')}});
      replica->Propose(proposal);
    }
    replica->Propose({0, {{"gone", std::nullopt}}, ""});
  });
  return driver;
}

bool IsAsked(const kv::v1::ScanRequest& request, const std::string& key) {
  if (key.compare(0, request.prefix().size(), request.prefix()) != 0) return false;
  return key >= request.start_key() && (request.end_key().empty() || key < request.end_key());
}

// Page by page, a scan gives each key that was asked for once, in order.
void CheckScan(absl::string_view bytes) {
  static const ReplicaDriver* const scanned = MakeScanned().release();
  kv::v1::ScanRequest request;
  if (!Parse(bytes, &request)) return;
  const bool from_start = request.page_token().empty();
  std::map<std::string, kv::Version> expected = Dump(*scanned->store(), Tombstones::kLeftOut);
  std::string last;
  uint64_t count = 0;
  const kv::PublishedHeads heads;
  for (int page = 0;; ++page) {
    FUZZ_CHECK(page <= 20, "a scan does not end");
    kv::v1::ScanResponse response;
    kv::ReadSession session(&heads);
    if (!kv::ScanPage(*scanned->store(), request, &session, &response).ok()) {
      FUZZ_CHECK(page == 0, "a page's own token is refused");
      return;
    }
    for (const kv::v1::KeyValue& entry : response.entries()) {
      const bool in_order = last.empty() || (request.reverse() ? entry.key() < last : entry.key() > last);
      FUZZ_CHECK(in_order, "a scan goes back");
      FUZZ_CHECK(IsAsked(request, entry.key()), "a key was not asked for");
      FUZZ_CHECK(expected.erase(entry.key()) == 1, "a key is not in the store");
      FUZZ_CHECK(entry.has_value() != request.keys_only(), "values that were not asked for, or none");
      last = entry.key();
    }
    count += response.count();
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  if (request.count_only()) {
    const uint64_t asked = std::count_if(expected.begin(), expected.end(),
                                         [&](const auto& entry) { return IsAsked(request, entry.first); });
    FUZZ_CHECK(from_start ? count == asked : count <= asked, "a count is wrong");
    return;
  }
  for (const auto& [key, version] : expected) {
    FUZZ_CHECK(!from_start || !IsAsked(request, key), "a scan has left a key out");
  }
}

void CheckGet(absl::string_view bytes) {
  kv::v1::GetRequest request;
  if (!Parse(bytes, &request) || !kv::CheckKey(request.key()).ok()) return;
  FUZZ_CHECK(!request.key().empty() && request.key().size() <= kv::kKeyBytesMax, "a key's length");
  FUZZ_CHECK(request.key().find('\0') == std::string::npos, "a key has a NUL in it");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 5) {
    case 0:
      fuzz::CheckWrite<kv::v1::PutRequest>(input.rest());
      break;
    case 1:
      fuzz::CheckWrite<kv::v1::DeleteRequest>(input.rest());
      break;
    case 2:
      fuzz::CheckWrite<kv::v1::WriteRequest>(input.rest());
      break;
    case 3:
      fuzz::CheckScan(input.rest());
      break;
    default:
      fuzz::CheckGet(input.rest());
  }
  return 0;
}
