// A trace as lines of JSON, one event a line, to be kept in a file and drawn later. Pure.
//
//   kind      string: "send", "receive", "write", "drop", "delay", "duplicate", "conflict", "start", "stop",
//             "crash" or "gap"
//   node      string
//   counter   number; as all numbers here but unix_us, whole and below 2^64
//   unix_us   number, may be negative
//   message   {"from": string, "to": string, "counter": number}
//   is_answer true or false
//   is_quiet  true or false
//   what      string
//   keys      [string…]
//   entries   number
//   detail    string
//   delay_ms  number
//   vector    {process: number…}
//
// kind and node are in every line; of the others those are left out that are as in an empty Event.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_JSONL_H_
#define LAMPPOST_CLIENTS_DIAGRAM_JSONL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/diagram/event.h"

namespace lamppost::diagram {

// A line with its end. Bytes that are no UTF-8 become U+FFFD, for JSON has no way to write them.
std::string ToJsonLine(const Event& event);
std::string ToJsonl(const std::vector<Event>& events);

// Empty lines and members with other names are passed over. INVALID_ARGUMENT (TRACE_INVALID) names the line,
// and the member that is wrong.
absl::StatusOr<std::vector<Event>> ParseJsonl(absl::string_view text);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_JSONL_H_
