// The records of the store. Each kind is tried on every input: they tell no kind by themselves.
#include <string>
#include <vector>

#include "services/kv/core/coding.h"
#include "services/kv/core/record.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::kv {
namespace {

bool Same(const Identity& a, const Identity& b) {
  return a.node_id == b.node_id && a.cluster == b.cluster;
}

bool Same(const State& a, const State& b) {
  return a.clock_limit == b.clock_limit && a.incarnation == b.incarnation && a.heads == b.heads &&
         a.keys == b.keys && a.tombstones == b.tombstones && a.max_write == b.max_write && a.hash == b.hash;
}

bool Same(const std::vector<Member>& a, const std::vector<Member>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].address != b[i].address || a[i].node_id != b[i].node_id) return false;
  }
  return true;
}

bool Same(const RequestRecord& a, const RequestRecord& b) {
  return a.tag == b.tag && a.version == b.version;
}

bool Same(const Version& a, const Version& b) {
  return a == b;
}

// A node reads, and writes again, what another version of the software or a damaged disk has left: what it
// has understood it must write so that it is understood alike.
template <typename Record, typename Decode, typename Encode>
void CheckRecord(absl::string_view bytes, Decode decode, Encode encode) {
  const absl::StatusOr<Record> record = decode(bytes);
  if (!record.ok()) {
    FUZZ_CHECK(record.status().code() == absl::StatusCode::kDataLoss, "a damaged record is not DATA_LOSS");
    return;
  }
  const std::string written = encode(*record);
  const absl::StatusOr<Record> again = decode(written);
  FUZZ_CHECK(again.ok(), "a record that was written cannot be read");
  FUZZ_CHECK(Same(*record, *again), "a record has become another one");
  FUZZ_CHECK(encode(*again) == written, "a record is not written alike twice");
}

void CheckIndexKey(absl::string_view bytes) {
  const absl::StatusOr<IndexKey> index = DecodeIndexKey(bytes);
  if (!index.ok()) return;
  FUZZ_CHECK(EncodeIndexKey(index->timestamp, index->key) == bytes, "an index key has become another one");
  const Origin& origin = index->timestamp.origin;
  FUZZ_CHECK(IndexStart(origin, 0) <= bytes && bytes < IndexEnd(origin), "an origin's range lacks its key");
}

}  // namespace
}  // namespace lamppost::kv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost::kv;
  const absl::string_view bytes = lamppost::fuzz::BytesOf(data, size);
  CheckRecord<Version>(bytes, DecodeVersion, EncodeStored);
  CheckRecord<Identity>(bytes, DecodeIdentity, EncodeIdentity);
  CheckRecord<State>(bytes, DecodeState, EncodeState);
  CheckRecord<std::vector<Member>>(bytes, DecodeMembers, EncodeMembers);
  CheckRecord<RequestRecord>(bytes, DecodeRequest, EncodeRequest);
  CheckIndexKey(bytes);
  return 0;
}
