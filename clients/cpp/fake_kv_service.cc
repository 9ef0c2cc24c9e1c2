#include "clients/cpp/fake_kv_service.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {

namespace {
constexpr uint64_t kIncarnation = (uint64_t{2} << 32) + 7;
}  // namespace

void FakeKvService::RefuseNext(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  refusals_.push_back(std::move(status));
}

void FakeKvService::SetAfterApply(std::function<void()> hook) {
  std::lock_guard<std::mutex> lock(mutex_);
  after_apply_ = std::move(hook);
}

void FakeKvService::SetPageKeysMax(uint32_t page_keys_max) {
  std::lock_guard<std::mutex> lock(mutex_);
  page_keys_max_ = page_keys_max;
}

std::map<std::string, FakeKvService::Entry> FakeKvService::entries() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_;
}

int FakeKvService::writes_applied() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return writes_applied_;
}

int FakeKvService::calls() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return calls_;
}

uint64_t FakeKvService::clock() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return clock_;
}

grpc::Status FakeKvService::Admit(grpc::ServerContext* context, const clock::v1::Timestamp& clock) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++calls_;
  clock_ = std::max(clock_, clock.counter()) + 1;
  if (refusals_.empty()) return grpc::Status::OK;
  const absl::Status refusal = refusals_.front();
  refusals_.pop_front();
  AttachClock(context, {++clock_, {node_id_, kIncarnation}});
  return ToGrpcStatus(refusal);
}

void FakeKvService::Stamp(uint64_t counter, clock::v1::Timestamp* message) const {
  message->set_counter(counter);
  message->set_node_id(node_id_);
  message->set_incarnation(kIncarnation);
}

FakeKvService::Seen FakeKvService::Once(const std::string& request_id, bool* replayed,
                                        const std::function<bool(uint64_t)>& apply) {
  if (const auto it = request_ids_.find(request_id); it != request_ids_.end()) {
    *replayed = true;
    return it->second;
  }
  Seen seen;
  seen.counter = ++clock_;
  seen.found = apply(seen.counter);
  ++writes_applied_;
  if (!request_id.empty()) request_ids_[request_id] = seen;
  return seen;
}

void FakeKvService::RunHook() {
  std::function<void()> hook;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    hook = after_apply_;
  }
  if (hook) hook();
}

grpc::Status FakeKvService::Put(grpc::ServerContext* context, const kv::v1::PutRequest* request,
                                kv::v1::PutResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    bool replayed = false;
    const Seen seen = Once(request->request_id(), &replayed, [&](uint64_t counter) {
      entries_[request->key()] = {request->value(), counter};
      return true;
    });
    Stamp(seen.counter, response->mutable_version());
    response->set_replayed(replayed);
    Stamp(++clock_, response->mutable_clock());
  }
  RunHook();
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Get(grpc::ServerContext* context, const kv::v1::GetRequest* request,
                                kv::v1::GetResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  std::lock_guard<std::mutex> lock(mutex_);
  Stamp(++clock_, response->mutable_clock());
  const auto it = entries_.find(request->key());
  if (it == entries_.end()) return grpc::Status::OK;
  response->set_found(true);
  *response->mutable_value() = it->second.value;
  Stamp(it->second.counter, response->mutable_version());
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Delete(grpc::ServerContext* context, const kv::v1::DeleteRequest* request,
                                   kv::v1::DeleteResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    bool replayed = false;
    const Seen seen =
        Once(request->request_id(), &replayed, [&](uint64_t) { return entries_.erase(request->key()) > 0; });
    Stamp(seen.counter, response->mutable_version());
    response->set_replayed(replayed);
    response->set_found(seen.found);
    Stamp(++clock_, response->mutable_clock());
  }
  RunHook();
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Scan(grpc::ServerContext* context, const kv::v1::ScanRequest* request,
                                 kv::v1::ScanResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  std::lock_guard<std::mutex> lock(mutex_);
  Stamp(++clock_, response->mutable_clock());
  uint32_t page_keys = request->page_size() == 0 ? 1000 : std::min(request->page_size(), 10'000u);
  if (page_keys_max_ > 0) page_keys = std::min(page_keys, page_keys_max_);
  auto it = entries_.lower_bound(std::max({request->prefix(), request->start_key(), request->page_token()}));
  for (; it != entries_.end(); ++it) {
    if (!absl::StartsWith(it->first, request->prefix())) break;
    if (!request->end_key().empty() && it->first >= request->end_key()) break;
    if (static_cast<uint32_t>(response->entries_size()) == page_keys) {
      response->set_next_page_token(it->first);
      break;
    }
    kv::v1::KeyValue* entry = response->add_entries();
    entry->set_key(it->first);
    if (!request->keys_only()) *entry->mutable_value() = it->second.value;
    Stamp(it->second.counter, entry->mutable_version());
  }
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Write(grpc::ServerContext* context, const kv::v1::WriteRequest* request,
                                  kv::v1::WriteResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    bool replayed = false;
    const Seen seen = ApplyOnce(request->request_id(), request->operations(), &replayed);
    Stamp(seen.counter, response->mutable_version());
    response->set_replayed(replayed);
    Stamp(++clock_, response->mutable_clock());
  }
  RunHook();
  return grpc::Status::OK;
}

FakeKvService::Seen FakeKvService::ApplyOnce(
    const std::string& request_id,
    const google::protobuf::RepeatedPtrField<kv::v1::WriteOperation>& operations, bool* replayed) {
  return Once(request_id, replayed, [&](uint64_t counter) {
    for (const kv::v1::WriteOperation& operation : operations) {
      if (operation.has_put()) {
        entries_[operation.put().key()] = {operation.put().value(), counter};
      } else {
        entries_.erase(operation.delete_().key());
      }
    }
    return true;
  });
}

grpc::Status FakeKvService::BulkWrite(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<kv::v1::BulkWriteResponse, kv::v1::BulkWriteRequest>* stream) {
  kv::v1::BulkWriteRequest request;
  while (stream->Read(&request)) {
    if (const grpc::Status status = Admit(context, request.clock()); !status.ok()) return status;
    kv::v1::BulkWriteResponse response;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      bool replayed = false;
      const Seen seen = ApplyOnce(request.request_id(), request.operations(), &replayed);
      Stamp(seen.counter, response.mutable_version());
      response.set_replayed(replayed);
      response.set_sequence(request.sequence());
      Stamp(++clock_, response.mutable_clock());
    }
    RunHook();
    stream->Write(response);
  }
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Status(grpc::ServerContext* context, const kv::v1::StatusRequest* request,
                                   kv::v1::StatusResponse* response) {
  if (const grpc::Status status = Admit(context, request->clock()); !status.ok()) return status;
  std::lock_guard<std::mutex> lock(mutex_);
  Stamp(++clock_, response->mutable_clock());
  response->set_node_id(node_id_);
  response->set_incarnation(kIncarnation);
  response->set_keys(entries_.size());
  response->set_content_hash("00000000000000000000000000000000");
  return grpc::Status::OK;
}

grpc::Status FakeKvService::Watch(grpc::ServerContext* context, const kv::v1::WatchRequest*,
                                  grpc::ServerWriter<kv::v1::WatchResponse>*) {
  while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return grpc::Status::CANCELLED;
}

FakeNode::FakeNode(const std::string& node_id, int port) : service_(node_id) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
}

void FakeNode::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

}  // namespace lamppost::client
