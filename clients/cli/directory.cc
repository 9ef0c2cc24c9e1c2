#include "clients/cli/directory.h"

#include <algorithm>
#include <thread>

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

// All at once: one that is down does not take the others' time.
absl::StatusOr<Directory> Directory::Ask(Session* session) {
  using List = client::Result<kv::v1::ListMembersResponse>;
  const std::vector<Address>& addresses = session->arguments().nodes;
  std::vector<List> lists(addresses.size());
  std::vector<std::thread> askers;
  for (size_t i = 0; i < addresses.size(); ++i) {
    client::CallOptions call;
    call.timeout_ms = session->RemainingMs();
    askers.emplace_back([session, call, &address = addresses[i], &list = lists[i]] {
      list = session->MakeAdminClientOf(address)->ListMembers(call);
    });
  }
  for (std::thread& asker : askers) asker.join();

  Directory directory;
  absl::Status status;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!lists[i].ok()) status = lists[i].status;
    for (const kv::v1::Member& member : lists[i].response.members()) {
      if (member.self() && lists[i].ok()) directory.Add(member.node_id(), addresses[i]);
    }
  }
  for (const List& list : lists) {
    if (list.ok()) directory.AddOthers(list.response);
  }
  if (directory.entries_.empty()) return status;
  return directory;
}

void Directory::AddOthers(const kv::v1::ListMembersResponse& list) {
  for (const kv::v1::Member& member : list.members()) {
    if (member.self() || member.node_id().empty() || member.state() == kv::v1::MEMBER_STATE_REMOVED) continue;
    const absl::StatusOr<Address> address = ParseAddress(member.address());
    if (address.ok()) Add(member.node_id(), *address);
  }
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
