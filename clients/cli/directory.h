// Who the nodes are: their ids, and where they are reached.
#ifndef LAMPPOST_CLIENTS_CLI_DIRECTORY_H_
#define LAMPPOST_CLIENTS_CLI_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cli/session.h"
#include "services/common/listen_address.h"

namespace lamppost::cli {

struct DirectoryEntry {
  std::string node_id;
  Address address;
};

class Directory {
 public:
  // Asks each node of --node who it is, and whom it knows. A node that is named there is reached as it is
  // named there, another one as the members reach it. An error only if nobody answers: the last one's.
  static absl::StatusOr<Directory> Ask(Session* session);

  // By node id.
  const std::vector<DirectoryEntry>& entries() const { return entries_; }
  // NOT_FOUND (MEMBER_UNKNOWN).
  absl::StatusOr<DirectoryEntry> Find(absl::string_view node_id) const;

 private:
  void Add(const std::string& node_id, const Address& address);
  void AddOthers(const kv::v1::ListMembersResponse& list);

  std::vector<DirectoryEntry> entries_;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_DIRECTORY_H_
