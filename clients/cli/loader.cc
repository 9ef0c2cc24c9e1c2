#include "clients/cli/loader.h"

#include <algorithm>
#include <utility>

namespace lamppost::cli {
namespace {

size_t BytesOf(const kv::v1::PutOperation& put) {
  return put.key().size() + put.value().text().size() + put.value().data().size();
}

}  // namespace

Loader::Loader(client::Client* client, LoaderOptions options)
    : client_(client), options_(std::move(options)) {
  for (int i = 0; i < options_.in_flight; ++i) workers_.emplace_back([this] { Work(); });
}

Loader::~Loader() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool Loader::Add(uint64_t line, kv::v1::PutOperation put) {
  const size_t put_bytes = BytesOf(put);
  const bool full = filling_.operations.size() >= kBatchOperationsMax ||
                    (!filling_.operations.empty() && filling_.bytes + put_bytes > kBatchBytesMax);
  if (full && !Submit()) return false;
  if (filling_.lines == 0) filling_.first_line = line;
  filling_.last_line = line;
  ++filling_.lines;
  const auto [it, is_new] = filling_.position_of.try_emplace(put.key(), filling_.operations.size());
  if (is_new) {
    filling_.operations.emplace_back();
  } else {
    filling_.bytes -= BytesOf(filling_.operations[it->second].put());
  }
  filling_.bytes += put_bytes;
  *filling_.operations[it->second].mutable_put() = std::move(put);
  return true;
}

bool Loader::HasRoomFor(const Batch& batch) const {
  if (in_flight_ >= options_.in_flight) return false;
  return std::none_of(batch.position_of.begin(), batch.position_of.end(),
                      [this](const auto& entry) { return keys_in_flight_.contains(entry.first); });
}

bool Loader::Submit() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return !end_.status.ok() || HasRoomFor(filling_); });
  if (!end_.status.ok()) return false;
  ++in_flight_;
  for (const auto& [key, position] : filling_.position_of) keys_in_flight_.insert(key);
  queue_.push_back(std::exchange(filling_, Batch()));
  changed_.notify_all();
  return true;
}

LoadEnd Loader::Finish() {
  if (!filling_.operations.empty()) Submit();
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return in_flight_ == 0; });
  return end_;
}

uint64_t Loader::lines_written() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return end_.lines_written;
}

void Loader::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Batch batch = std::move(queue_.front());
    queue_.pop_front();
    // After a failure what is still queued is not sent any more.
    if (end_.status.ok()) {
      lock.unlock();
      client::CallOptions call;
      if (options_.timeout_ms) call.timeout_ms = options_.timeout_ms();
      const auto result = client_->Write(std::move(batch.operations), call);
      lock.lock();
      Record(batch, result);
    }
    for (const auto& [key, position] : batch.position_of) keys_in_flight_.erase(key);
    --in_flight_;
    changed_.notify_all();
  }
}

void Loader::Record(const Batch& batch, const client::Result<kv::v1::WriteResponse>& result) {
  if (result.ok()) {
    end_.lines_written += batch.lines;
    ++end_.batches_written;
    return;
  }
  // Of several failures an unknown outcome is the one to tell.
  const bool tell = end_.status.ok() || (end_.outcome != client::Outcome::kUnknown &&
                                         result.outcome == client::Outcome::kUnknown);
  if (!tell) return;
  end_.status = result.status;
  end_.outcome = result.outcome;
  end_.request_id = result.request_id;
  end_.first_line = batch.first_line;
  end_.last_line = batch.last_line;
}

}  // namespace lamppost::cli
