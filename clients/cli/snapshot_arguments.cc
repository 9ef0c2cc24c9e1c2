#include "clients/cli/snapshot_arguments.h"

#include <CLI/CLI.hpp>

namespace lamppost::cli {
namespace {

constexpr char kRestoreFooter[] =
    "Needs no node. The whole file is checked before anything is made. The node that is started on the\n"
    "directory takes a new life and joins its cluster as one that was away: it gets what it lacks, and "
    "nothing\n"
    "that was deleted in the meantime comes back. To go back to a snapshot with the whole cluster, stop all "
    "nodes\n"
    "and restore it at each of them.";

}  // namespace

void AddSnapshotVerbs(CLI::App* app, SnapshotArguments* arguments) {
  CLI::App* snapshot = app->add_subcommand("snapshot", "Save a node's data, check a backup, restore one");
  snapshot->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, SnapshotAction action) {
    CLI::App* verb = snapshot->add_subcommand(name, description);
    verb->final_callback([arguments, action] { arguments->action = action; });
    return verb;
  };
  CLI::App* save =
      add("save", "Write all that a node holds, as it is at one moment, to a file", SnapshotAction::kSave);
  save->add_option("FILE", arguments->file, "Replaced if it is there, once the new one is whole and checked")
      ->required();
  CLI::App* verify = add("verify", "Check a snapshot file, and show what it is of", SnapshotAction::kVerify);
  verify->add_option("FILE", arguments->file)->required();
  CLI::App* restore = add("restore", "Make a node's data directory of a file", SnapshotAction::kRestore);
  restore->add_option("FILE", arguments->file)->required();
  restore->add_option("--data-dir", arguments->data_directory, "Missing or empty")
      ->required()
      ->type_name("DIR");
  restore->add_option("--id", arguments->node_id, "The node's name, as it will be started with")
      ->required()
      ->type_name("ID");
  restore->add_option("--cluster", arguments->cluster, "Another cluster's name instead of the snapshot's")
      ->type_name("NAME");
  restore->footer(kRestoreFooter);
}

}  // namespace lamppost::cli
