// All the keys of a scan, page after page. Holds one page at a time.
//
//   ScanIterator scan(&client, request);
//   while (scan.Next()) Use(scan.entry());
//   if (!scan.end().ok()) …
#ifndef LAMPPOST_CLIENTS_CPP_SCAN_ITERATOR_H_
#define LAMPPOST_CLIENTS_CPP_SCAN_ITERATOR_H_

#include <cstdint>
#include <optional>

#include "clients/cpp/client.h"

namespace lamppost::client {

// Not thread-safe. Each page is a consistent view of one node; a fail-over between pages goes on at
// another node, after the last key seen.
class ScanIterator {
 public:
  // `timeout_ms` bounds the whole scan, counted from here; unset, each page has the client's timeout.
  // `client` must outlive the iterator.
  ScanIterator(Client* client, v1::ScanRequest request, std::optional<int64_t> timeout_ms = std::nullopt);

  // Goes to the next key; false at the end or at an error.
  bool Next();
  // The present key, after Next() gave true. May be moved from.
  v1::KeyValue& entry() { return *page_.response.mutable_entries(position_); }
  // Of a scan with count_only, once Next() gave false: how many keys there are. It has no entries.
  uint64_t count() const { return count_; }
  // The last page's call: how the scan ended, once Next() gave false.
  const Result<v1::ScanResponse>& end() const { return page_; }

 private:
  bool FetchPage();

  Client* const client_;
  v1::ScanRequest request_;
  const std::optional<int64_t> deadline_ms_;
  Result<v1::ScanResponse> page_;
  int position_ = -1;
  uint64_t count_ = 0;
  bool started_ = false;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_SCAN_ITERATOR_H_
