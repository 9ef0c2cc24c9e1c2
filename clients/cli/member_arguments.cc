#include "clients/cli/member_arguments.h"

namespace lamppost::cli {

void AddMemberVerbs(CLI::App* app, MemberArguments* arguments) {
  CLI::App* member = app->add_subcommand("member", "Show and change who belongs to the cluster");
  member->require_subcommand(1);
  CLI::App* list = member->add_subcommand("list", "List the members, removed ones included");
  list->final_callback([arguments] { arguments->action = MemberAction::kList; });

  CLI::App* add = member->add_subcommand("add", "Make a node a member; it fills while writes go on");
  add->add_option("ADDRESS", arguments->address,
                  "Where the other members reach it, such as http://10.0.0.4:8003")
      ->required();
  add->add_option("--id", arguments->node_id, "Its --id [the node at ADDRESS is asked]")->type_name("ID");
  add->final_callback([arguments] { arguments->action = MemberAction::kAdd; });
  add->footer("The new node is started with --peers naming the present members.");

  CLI::App* remove =
      member->add_subcommand("remove", "Take a node out for good: nothing waits for it any more");
  remove->add_option("ID", arguments->node_id, "Its --id")->required();
  remove->add_flag_callback(
      "--yes", [arguments] { arguments->confirmation = Confirmation::kGiven; }, "Do not ask");
  remove->add_flag_callback(
      "--force", [arguments] { arguments->force = client::Force::kYes; },
      "Even if it answers at present; what it has not sent yet is lost");
  remove->final_callback([arguments] { arguments->action = MemberAction::kRemove; });
  remove->footer("It can come back only with an empty data directory, and after 'member add'.");
}

}  // namespace lamppost::cli
