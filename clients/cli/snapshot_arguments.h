// The arguments of the commands that are about snapshots: snapshot save, verify, restore.
#ifndef LAMPPOST_CLIENTS_CLI_SNAPSHOT_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_SNAPSHOT_ARGUMENTS_H_

#include <string>

namespace CLI {
class App;
}

namespace lamppost::cli {

enum class SnapshotAction { kSave, kVerify, kRestore };

struct SnapshotArguments {
  SnapshotAction action = SnapshotAction::kSave;
  std::string file;
  std::string data_directory;  // restore
  std::string node_id;         // restore
  std::string cluster;         // restore; empty: the snapshot's
};

// Adds the commands; `arguments` must outlive the app.
void AddSnapshotVerbs(CLI::App* app, SnapshotArguments* arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_SNAPSHOT_ARGUMENTS_H_
