#include "clients/cli/directory.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/error.h"

namespace lamppost::cli {

void Directory::Add(const std::string& node_id, const Address& address) {
  const auto it =
      std::lower_bound(entries_.begin(), entries_.end(), node_id,
                       [](const DirectoryEntry& entry, const std::string& id) { return entry.node_id < id; });
  if (it != entries_.end() && it->node_id == node_id) return;
  entries_.insert(it, {node_id, address});
}

absl::StatusOr<Directory> Directory::Ask(Session* session) {
  Directory directory;
  std::vector<kv::v1::Member> others;
  absl::Status status;
  for (const Address& address : session->arguments().nodes) {
    client::CallOptions call;
    call.timeout_ms = session->RemainingMs();
    const auto result = session->MakeAdminClientOf(address)->ListMembers(call);
    if (!result.ok()) {
      status = result.status;
      continue;
    }
    for (const kv::v1::Member& member : result.response.members()) {
      if (member.self()) directory.Add(member.node_id(), address);
      const bool is_reached = !member.self() && member.state() != kv::v1::MEMBER_STATE_REMOVED;
      if (is_reached && !member.node_id().empty()) others.push_back(member);
    }
  }
  for (const kv::v1::Member& member : others) {
    const absl::StatusOr<Address> address = ParseAddress(member.address());
    if (address.ok()) directory.Add(member.node_id(), *address);
  }
  if (directory.entries_.empty()) return status;
  return directory;
}

absl::StatusOr<DirectoryEntry> Directory::Find(absl::string_view node_id) const {
  for (const DirectoryEntry& entry : entries_) {
    if (entry.node_id == node_id) return entry;
  }
  const std::string known = absl::StrJoin(entries_, ", ", [](std::string* out, const DirectoryEntry& entry) {
    absl::StrAppend(out, entry.node_id);
  });
  return MakeError(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN",
                   absl::StrCat("there is no node '", node_id, "'; there are ", known));
}

}  // namespace lamppost::cli
