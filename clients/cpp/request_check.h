// What the client checks before it sends anything: only what could not travel, since a proto3 string that is
// no UTF-8 would come back as a broken message with an unknown outcome. Every other rule is the server's, and
// these have its reasons. Pure.
#ifndef LAMPPOST_CLIENTS_CPP_REQUEST_CHECK_H_
#define LAMPPOST_CLIENTS_CPP_REQUEST_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lamppost/kv/v1/types.pb.h"

namespace lamppost::client {

// INVALID_ARGUMENT with this reason; `what`: "the address".
absl::Status CheckText(absl::string_view what, absl::string_view text, absl::string_view reason);
absl::Status CheckKey(const std::string& key);
absl::Status CheckValue(const kv::v1::Value& value);
absl::Status CheckRequestId(absl::string_view id);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_REQUEST_CHECK_H_
