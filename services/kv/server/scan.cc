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

// Below it lie the store's own keys (IsSystemKey).
constexpr char kFirstClientKey[] = "\x01";

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
  if (range.start.empty()) range.start = kFirstClientKey;
  if (request.page_token().empty()) return range;
  // The token is the last key that was looked at: it means the same on every node and at any time.
  std::string last;
  const bool readable = absl::WebSafeBase64Unescape(request.page_token(), &last) && !last.empty();
  if (!readable || last < range.start || (!range.end.empty() && last >= range.end)) {
    return Invalid("PAGE_TOKEN_INVALID", "the page token does not belong to this scan");
  }
  range.start = last + '\0';
  return range;
}

uint32_t Bound(uint32_t asked, uint32_t usual, uint32_t most) {
  return asked == 0 ? usual : std::min(asked, most);
}

}  // namespace

absl::Status ScanPage(const Store& store, const v1::ScanRequest& request, v1::ScanResponse* response) {
  absl::StatusOr<Range> range = RangeOf(request);
  if (!range.ok()) return range.status();
  const uint32_t size_max = Bound(request.page_size(), kPageSizeDefault, kPageSizeMax);
  const uint64_t bytes_max = Bound(request.page_bytes_max(), kPageBytesDefault, kPageBytesMax);
  uint64_t bytes = 0;
  uint32_t visits = 0;
  std::string last;
  const uint64_t now_unix_ms = UnixMs();
  const std::unique_ptr<Cursor> cursor = store.Scan(Space::kData, range->start, range->end);
  for (; cursor->Valid(); cursor->Next()) {
    const bool full = response->entries_size() >= static_cast<int>(size_max) || visits >= kPageVisitsMax;
    if (full) {
      response->set_next_page_token(absl::WebSafeBase64Escape(last));
      break;
    }
    ++visits;
    absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (version->IsVisible(now_unix_ms)) {
      const uint64_t size = cursor->key().size() + (request.keys_only() ? 0 : version->value->bytes.size());
      if (response->entries_size() > 0 && bytes + size > bytes_max) {
        response->set_next_page_token(absl::WebSafeBase64Escape(last));
        break;
      }
      bytes += size;
      v1::KeyValue* entry = response->add_entries();
      entry->set_key(std::string(cursor->key()));
      lamppost::ToProto(version->timestamp, entry->mutable_version());
      if (!request.keys_only()) ToProto(*version->value, entry->mutable_value());
      if (version->expires_unix_ms != 0) ToProto(version->expires_unix_ms, entry->mutable_expires_at());
    }
    last = std::string(cursor->key());
  }
  return cursor->status();
}

}  // namespace lamppost::kv
