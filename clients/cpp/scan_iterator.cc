#include "clients/cpp/scan_iterator.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"

namespace lamppost::client {

ScanIterator::ScanIterator(Client* client, v1::ScanRequest request, std::optional<int64_t> timeout_ms)
    : client_(client),
      request_(std::move(request)),
      deadline_ms_(timeout_ms ? std::optional<int64_t>(client->time().NowMs() + *timeout_ms) : std::nullopt) {
}

bool ScanIterator::Next() {
  if (started_ && !page_.ok()) return false;
  ++position_;
  // A page may be empty and yet not be the last.
  while (!started_ || position_ >= page_.response.entries_size()) {
    if (started_ && page_.response.next_page_token().empty()) return false;
    if (!FetchPage()) return false;
  }
  return true;
}

bool ScanIterator::FetchPage() {
  if (started_) request_.set_page_token(page_.response.next_page_token());
  CallOptions call;
  if (deadline_ms_) call.timeout_ms = std::max<int64_t>(0, *deadline_ms_ - client_->time().NowMs());
  page_ = client_->Scan(request_, call);
  started_ = true;
  position_ = 0;
  if (page_.ok()) count_ += page_.response.count();
  if (page_.ok() && !page_.response.next_page_token().empty() &&
      page_.response.next_page_token() == request_.page_token()) {
    // Otherwise a faulty server could keep us here for ever.
    page_.status = MakeError(absl::StatusCode::kInternal, "BAD_PAGE_TOKEN",
                             "the node answered with the page token it was asked with");
    page_.outcome = Outcome::kFailed;
  }
  return page_.ok();
}

}  // namespace lamppost::client
