#include "services/kv/server/scan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/wall_clock.h"

namespace lamppost::kv {
namespace {

// Above the store's own keys, which begin with NUL, and not above any of a client's.
constexpr absl::string_view kFirstKey("\x01", 1);

struct Range {
  std::string start;
  std::string end;  // exclusive; empty: no bound
};

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

// The first key above all keys that begin with the prefix.
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

absl::StatusOr<Range> RangeOf(const v1::ScanRequest& request) {
  const bool bounded = !request.start_key().empty() || !request.end_key().empty();
  if (bounded && !request.prefix().empty()) {
    return Invalid("SCAN_RANGE_INVALID", "a scan takes either a prefix or start_key and end_key");
  }
  Range range{request.start_key(), request.end_key()};
  if (!request.prefix().empty()) range = {request.prefix(), PrefixEnd(request.prefix())};
  if (!range.end.empty() && range.end < range.start) {
    return Invalid("SCAN_RANGE_INVALID", "end_key is below start_key");
  }
  range.start = std::max(range.start, std::string(kFirstKey));
  if (request.page_token().empty()) return range;
  // The token is the last key that was looked at: it means the same on every node and at any time.
  std::string last;
  const bool readable = absl::WebSafeBase64Unescape(request.page_token(), &last) && !last.empty();
  if (!readable || last < range.start || (!range.end.empty() && last >= range.end)) {
    return Invalid("PAGE_TOKEN_INVALID", "the page token does not belong to this scan");
  }
  if (request.reverse()) {
    range.end = std::move(last);
  } else {
    range.start = last + '\0';
  }
  return range;
}

uint32_t Bound(uint32_t asked, uint32_t usual, uint32_t most) {
  return asked == 0 ? usual : std::min(asked, most);
}

// What a page has room for, and what it has taken.
class Page {
 public:
  Page(const v1::ScanRequest& request, v1::ScanResponse* response)
      : request_(request),
        response_(response),
        size_max_(Bound(request.page_size(), kPageSizeDefault, kPageSizeMax)),
        bytes_max_(Bound(request.page_bytes_max(), kPageBytesDefault, kPageBytesMax)) {}

  // False if the page is full: the key belongs to the next one.
  bool Take(absl::string_view key, const Version& version) {
    if (visits_ == kPageVisitsMax) return false;
    if (version.IsVisible(now_unix_ms_) && !(request_.count_only() ? Count() : List(key, version)))
      return false;
    ++visits_;
    return true;
  }

 private:
  bool Count() {
    response_->set_count(response_->count() + 1);
    return true;
  }

  bool List(absl::string_view key, const Version& version) {
    const uint64_t size = key.size() + (request_.keys_only() ? 0 : version.value->bytes.size());
    const int taken = response_->entries_size();
    if (taken >= static_cast<int>(size_max_) || (taken > 0 && bytes_ + size > bytes_max_)) return false;
    bytes_ += size;
    v1::KeyValue* entry = response_->add_entries();
    entry->set_key(std::string(key));
    lamppost::ToProto(version.timestamp, entry->mutable_version());
    if (!request_.keys_only()) ToProto(*version.value, entry->mutable_value());
    if (version.expires_unix_ms != 0) ToProto(version.expires_unix_ms, entry->mutable_expires_at());
    return true;
  }

  const v1::ScanRequest& request_;
  v1::ScanResponse* const response_;
  const uint32_t size_max_;
  const uint64_t bytes_max_;
  const uint64_t now_unix_ms_ = UnixMs();
  uint64_t bytes_ = 0;
  uint32_t visits_ = 0;
};

}  // namespace

absl::Status ScanPage(const Store& store, const v1::ScanRequest& request, ReadSession* session,
                      v1::ScanResponse* response) {
  absl::StatusOr<Range> range = RangeOf(request);
  if (!range.ok()) return range.status();
  const std::unique_ptr<Cursor> cursor = request.reverse()
                                             ? store.ScanReverse(Space::kData, range->start, range->end)
                                             : store.Scan(Space::kData, range->start, range->end);
  session->HasRead();
  Page page(request, response);
  std::string last;
  for (; cursor->Valid(); cursor->Next()) {
    absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (!page.Take(cursor->key(), *version)) {
      response->set_next_page_token(absl::WebSafeBase64Escape(last));
      break;
    }
    session->Saw(version->timestamp);
    last = std::string(cursor->key());
  }
  if (cursor->status().ok()) session->Fill(response->mutable_session());
  return cursor->status();
}

}  // namespace lamppost::kv
