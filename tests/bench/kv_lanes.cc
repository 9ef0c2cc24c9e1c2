#include "tests/bench/kv_lanes.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "tests/bench/keys.h"
#include "tests/bench/unary_lane.h"

namespace lamppost::bench {
namespace {

using Stub = kv::v1::KvService::Stub;
using PutLane = UnaryLane<Stub, kv::v1::PutRequest, kv::v1::PutResponse>;
using GetLane = UnaryLane<Stub, kv::v1::GetRequest, kv::v1::GetResponse>;
using WriteLane = UnaryLane<Stub, kv::v1::WriteRequest, kv::v1::WriteResponse>;

// Lanes made later go on with other random numbers, so that no two write the same sequence of keys.
uint64_t NextSeed() {
  static std::atomic<uint64_t> seeds{1};
  return seeds.fetch_add(1, std::memory_order_relaxed);
}

std::unique_ptr<Stub> StubOf(const Channels& channels, int lane) {
  return kv::v1::KvService::NewStub(channels[static_cast<size_t>(lane) % channels.size()]);
}

template <typename Response, typename Request>
void PassClockOn(const Response& last, Request* request) {
  request->mutable_clock()->set_counter(last.clock().counter() + 1);
}

}  // namespace

Lanes PutLanes(const Channels& channels, int lanes, const KeySpace& space, RequestIds ids) {
  Lanes made;
  for (int i = 0; i < lanes; ++i) {
    const uint64_t seed = NextSeed();
    auto next = [space, ids, seed, calls = uint64_t{0}, random = Random(seed)](
                    const kv::v1::PutResponse& last, kv::v1::PutRequest* request) mutable {
      PassClockOn(last, request);
      request->set_key(KeyAt(random.Below(space.keys)));
      std::string* value = request->mutable_value()->mutable_data();
      if (value->size() != space.value_bytes) *value = RandomValue(space.value_bytes, &random);
      // Enough to make each value another one, without the cost of making it all anew.
      for (size_t at = 0; at < std::min<size_t>(8, value->size()); ++at) {
        (*value)[at] = static_cast<char>(calls >> (8 * at));
      }
      ++calls;
      if (ids == RequestIds::kWith) {
        request->set_request_id(absl::StrCat(absl::Hex(Mix(seed), absl::kZeroPad16), "-", calls));
      }
    };
    made.emplace_back(new PutLane(StubOf(channels, i), &Stub::async::Put, std::move(next)));
  }
  return made;
}

Lanes GetLanes(const Channels& channels, int lanes, const KeySpace& space) {
  Lanes made;
  for (int i = 0; i < lanes; ++i) {
    auto next = [space, random = Random(NextSeed())](const kv::v1::GetResponse& last,
                                                     kv::v1::GetRequest* request) mutable {
      PassClockOn(last, request);
      request->set_key(KeyAt(random.Below(space.keys)));
    };
    made.emplace_back(new GetLane(StubOf(channels, i), &Stub::async::Get, std::move(next)));
  }
  return made;
}

struct BatchWriter::Shared {
  KeySpace space;
  uint64_t keys_per_batch;
  std::atomic<uint64_t> next_key{0};
};

BatchWriter::BatchWriter(const KeySpace& space, int keys_per_batch) : shared_(std::make_shared<Shared>()) {
  shared_->space = space;
  shared_->keys_per_batch = static_cast<uint64_t>(keys_per_batch);
}

BatchWriter::~BatchWriter() = default;

Lanes BatchWriter::MakeLanes(const Channels& channels, int lanes) {
  Lanes made;
  for (int i = 0; i < lanes; ++i) {
    auto next = [shared = shared_, random = Random(NextSeed())](const kv::v1::WriteResponse& last,
                                                                kv::v1::WriteRequest* request) mutable {
      request->Clear();
      PassClockOn(last, request);
      const uint64_t begin = shared->next_key.fetch_add(shared->keys_per_batch);
      // A lane that comes too late writes the last keys once more rather than an empty batch.
      const uint64_t end = std::min(begin + shared->keys_per_batch, shared->space.keys);
      const uint64_t first = begin < end ? begin : end - std::min(shared->keys_per_batch, end);
      for (uint64_t key = first; key < end; ++key) {
        auto* put = request->add_operations()->mutable_put();
        put->set_key(KeyAt(key));
        put->mutable_value()->set_data(RandomValue(shared->space.value_bytes, &random));
      }
    };
    made.emplace_back(new WriteLane(StubOf(channels, i), &Stub::async::Write, std::move(next)));
  }
  return made;
}

bool BatchWriter::Ended() const {
  return shared_->next_key.load() >= shared_->space.keys;
}

}  // namespace lamppost::bench
