// JSON as the functions take and give it: bounded, and with one text for one value.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_JSON_H_
#define LAMPPOST_SERVICES_RPC_CORE_JSON_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::rpc {

using Json = nlohmann::json;  // members are ordered by name

// How deep arrays and objects may lie in each other. A level of JSON is up to three of protobuf, and
// protobuf's usual limit, in every language, is a hundred.
inline constexpr size_t kJsonDepthMax = 30;

// The value that the text is. INVALID_ARGUMENT: NOT_JSON (not UTF-8, or a number beyond a double's range,
// among other things), JSON_TOO_LARGE (beyond bytes_max), JSON_TOO_DEEP. Safe on any bytes: nothing recurses
// before the depth is known.
absl::StatusOr<Json> ParseJson(absl::string_view text, size_t bytes_max);

// The text of a value: no spaces, members by name, numbers that are whole and exact in a double without a
// fraction. Equal values have equal texts. Bytes that are no UTF-8 become U+FFFD.
std::string CanonicalText(const Json& value);

// Numbers as they come back from a google.protobuf.Value, which keeps doubles: whole ones up to 2^53 are
// integers, all others doubles.
Json Normalised(Json value);

// True if every whole number in it is one that a double keeps: none beyond 2^53. As deep as DepthOf allows.
bool IsExact(const Json& value);

// How deep it is: 0 of a number, 1 of [], 2 of [[]]. Stops counting above kJsonDepthMax.
size_t DepthOf(const Json& value);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_JSON_H_
