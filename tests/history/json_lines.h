// Histories as JSON lines, so that a run can be looked at, searched and judged again.
//
//   {"type":"operation","kind":"write","client":"3","node":"A","start_us":"1200","end_us":"1900",
//    "items":[{"key":"x","value":"10"}],"request_id":"r1","outcome":"ok","version":{…}}
//   {"type":"disk_loss","node":"A","at_us":"5000","kept":[{"origin":{…},"counter":"17"}]}
//   {"type":"contents","node":"A","items":[…]}
//
// 64-bit numbers are strings, as in Protobuf's JSON. A value that is no UTF-8 is "data", in base64. What is
// empty or not set is left out: an item without value and data is a deletion, or absent.
//
// Thread-safe.
#ifndef LAMPPOST_TESTS_HISTORY_JSON_LINES_H_
#define LAMPPOST_TESTS_HISTORY_JSON_LINES_H_

#include <istream>
#include <ostream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/history/history.h"

namespace lamppost::history {

// Keys, ids and errors must be UTF-8. DATA_LOSS if the stream does not take it all.
absl::Status WriteJsonLines(const History& history, std::ostream* out);

// What WriteJsonLines has written. INVALID_ARGUMENT names the line and what is wrong; empty lines and
// unknown members are passed over.
absl::StatusOr<History> ReadJsonLines(std::istream* in);

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_JSON_LINES_H_
