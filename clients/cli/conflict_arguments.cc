#include "clients/cli/conflict_arguments.h"

namespace lamppost::cli {

CLI::App* AddConflictVerbs(CLI::App* app, ConflictArguments* arguments) {
  CLI::App* conflicts =
      app->add_subcommand("conflicts", "Show what lost to a write that did not know of it, and settle it");
  conflicts->add_option("KEY", arguments->key, "Only this key's, and in detail");
  conflicts->add_flag_callback(
      "--open", [arguments] { arguments->filter = ConflictFilter::kOpen; }, "Only what nobody has settled");
  conflicts->add_flag_callback(
      "--watch", [arguments] { arguments->action = ConflictAction::kWatch; },
      "Tell of conflicts as they are found or settled");
  conflicts->footer("All nodes keep the same conflicts. A key that is called resolve: conflicts -- resolve.");

  CLI::App* resolve = conflicts->add_subcommand("resolve", "Write a key anew, and settle its conflicts");
  resolve->add_option("KEY", arguments->key)->required();
  resolve
      ->add_option("--keep", arguments->keep,
                   "loser, winner (what the key has now), or a value as put takes it")
      ->required()
      ->type_name("loser|winner|VALUE");
  resolve
      ->add_option("--loser", arguments->loser,
                   "Only the conflict with this loser, such as 25@B.1 [all of the key's open ones]")
      ->type_name("VERSION");
  resolve->final_callback([arguments] { arguments->action = ConflictAction::kResolve; });
  return resolve;
}

}  // namespace lamppost::cli
