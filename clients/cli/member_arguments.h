// The member commands, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_MEMBER_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_MEMBER_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "clients/cpp/admin_client.h"

namespace lamppost::cli {

enum class MemberAction { kList, kAdd, kRemove };
// Whether the user still has to be asked.
enum class Confirmation { kNeeded, kGiven };

struct MemberArguments {
  MemberAction action = MemberAction::kList;
  std::string address;  // kAdd
  std::string node_id;  // kAdd: may be empty; kRemove
  Confirmation confirmation = Confirmation::kNeeded;
  client::Force force = client::Force::kNo;
};

// Adds the commands; `arguments` must outlive the app.
void AddMemberVerbs(CLI::App* app, MemberArguments* arguments);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_MEMBER_ARGUMENTS_H_
