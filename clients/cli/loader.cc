#include "clients/cli/loader.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace lamppost::cli {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(100);

size_t BytesOf(const kv::v1::PutOperation& put) {
  return put.key().size() + put.value().text().size() + put.value().data().size();
}

client::BulkOptions BulkOptionsOf(const client::Client& client, const LoaderOptions& options,
                                  std::function<void()> on_answer) {
  client::BulkOptions bulk;
  bulk.batches_max = static_cast<size_t>(options.in_flight);
  bulk.bytes_max = bulk.batches_max * kBatchBytesMax;
  bulk.replicas = options.replicas;
  bulk.timeout_ms = options.timeout_ms;
  if (client.options().timeout_ms) bulk.patience_ms = *client.options().timeout_ms;
  bulk.on_answer = [on_answer = std::move(on_answer)](const kv::v1::BulkWriteResponse&) { on_answer(); };
  return bulk;
}

}  // namespace

Loader::Loader(client::Client* client, LoaderOptions options)
    : writer_(client, BulkOptionsOf(*client, options, [this] { OnAnswer(); })) {}

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

bool Loader::SharesKeysInFlight(const Batch& batch) const {
  return std::any_of(batch.position_of.begin(), batch.position_of.end(),
                     [this](const auto& entry) { return keys_in_flight_.contains(entry.first); });
}

bool Loader::Submit() {
  std::vector<kv::v1::WriteOperation> operations = std::move(filling_.operations);
  {
    std::unique_lock<std::mutex> lock(mutex_);
    while (SharesKeysInFlight(filling_)) {
      if (writer_.HasFailed()) return false;
      changed_.wait_for(lock, kLookInterval);
    }
    for (const auto& [key, position] : filling_.position_of) keys_in_flight_.insert(key);
    in_flight_.push_back(std::exchange(filling_, Batch()));
  }
  return writer_.Add(std::move(operations));
}

void Loader::OnAnswer() {
  std::lock_guard<std::mutex> lock(mutex_);
  const Batch& batch = in_flight_.front();
  lines_written_ += batch.lines;
  for (const auto& [key, position] : batch.position_of) keys_in_flight_.erase(key);
  in_flight_.pop_front();
  changed_.notify_all();
}

LoadEnd Loader::Finish() {
  if (!filling_.operations.empty()) Submit();
  const client::BulkEnd bulk = writer_.Finish();
  std::lock_guard<std::mutex> lock(mutex_);
  LoadEnd end;
  end.status = bulk.status;
  end.outcome = bulk.outcome;
  end.request_id = bulk.request_id;
  end.lines_written = lines_written_;
  end.batches_written = bulk.answered;
  if (bulk.status.ok() || in_flight_.empty()) return end;
  end.first_line = in_flight_.front().first_line;
  end.last_line = in_flight_.front().last_line;
  // Its node has it; what failed is that others have it too.
  if (bulk.outcome == client::Outcome::kPending) end.lines_written += in_flight_.front().lines;
  for (size_t i = 1; i < in_flight_.size() && i <= bulk.sent_unanswered; ++i) {
    end.lines_unsure += in_flight_[i].lines;
  }
  return end;
}

uint64_t Loader::lines_written() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return lines_written_;
}

}  // namespace lamppost::cli
