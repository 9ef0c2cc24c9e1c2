// What a client has seen, kept in a file from one command to the next.
//
// The file is a JSON object, for people to read:
//   {"lamppost_session":1,"heads":[{"node_id":"A","incarnation":"4294967297","counter":17}]}
// Commands that run at the same time add to it one after the other, under a lock of the file; nobody ever
// finds half a file.
#ifndef LAMPPOST_CLIENTS_CLI_SESSION_FILE_H_
#define LAMPPOST_CLIENTS_CLI_SESSION_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lamppost/kv/v1/types.pb.h"

namespace lamppost::cli {

// As it is in the file. INVALID_ARGUMENT for anything else; nothing at all, as in a new file, is an empty
// session.
std::string SessionText(const kv::v1::Session& session);
absl::StatusOr<kv::v1::Session> ParseSession(absl::string_view text);

// What the file says; it is made, empty, if it is missing, so that a command finds out before it does
// anything whether it can keep its session. INVALID_ARGUMENT, with the path, if it is damaged, no regular
// file, or cannot be read and written.
absl::StatusOr<kv::v1::Session> OpenSessionFile(const std::string& path);

// Adds to what the file says by now. Errors as above, and DATA_LOSS if it cannot be written: it is then as
// before.
absl::Status AddToSessionFile(const std::string& path, const kv::v1::Session& session);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SESSION_FILE_H_
