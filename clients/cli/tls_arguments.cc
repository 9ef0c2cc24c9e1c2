#include "clients/cli/tls_arguments.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/error.h"
#include "services/security/roles.h"

namespace lamppost::cli {
namespace {

constexpr char kInitFooter[] =
    "Makes DIR with an authority (ca.crt, ca.key) unless it is there, and in it for each WHO a certificate "
    "and\n"
    "a key:\n"
    "  node/A=10.0.0.1,a.example    node A of the store, and where it serves\n"
    "  server/rpc=10.0.0.4          a server of functions\n"
    "  user/alice=read,write        a user with his roles: read, write, admin, call:METHOD, call:*\n"
    "A user gets a token, too, and a line in the file 'access'. Every certificate is for localhost as well.\n"
    "What is there is not touched: run it again to add others. Keep ca.key where no server is.";

absl::StatusOr<TlsSubject> ParseSubject(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals + 1 == word.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", word, "' is none of node/ID=HOST, server/NAME=HOST and user/NAME=ROLES"));
  }
  TlsSubject subject;
  absl::StatusOr<security::Identity> identity =
      security::ParseIdentityUri(absl::StrCat("lamppost://", word.substr(0, equals)));
  if (!identity.ok())
    return absl::InvalidArgumentError(absl::StrCat("'", word, "': ", identity.status().message()));
  subject.identity = *std::move(identity);
  const std::string rest = word.substr(equals + 1);
  if (subject.identity.kind == security::Identity::Kind::kUser) {
    if (const auto roles = security::Roles::Parse(rest); !roles.ok()) return roles.status();
    subject.roles = rest;
  } else {
    subject.hosts = absl::StrSplit(rest, ',');
  }
  return subject;
}

}  // namespace

void AddTlsVerbs(CLI::App* app, TlsArguments* arguments) {
  CLI::App* tls = app->add_subcommand("tls", "Make certificates and tokens for a cluster of one's own");
  tls->require_subcommand(1);
  const auto add_days = [arguments](CLI::App* verb) {
    verb->add_option("--days", arguments->days, "How long the certificates are good for")
        ->check(CLI::Range(1, 3650))
        ->type_name("N")
        ->capture_default_str();
  };
  CLI::App* init = tls->add_subcommand("init", "Make an authority, and what nodes, servers and users need");
  init->add_option("DIR", arguments->directory, "Where the files go")->required();
  init->add_option("WHO", arguments->words, "Who is to be certified")->required();
  add_days(init);
  init->final_callback([arguments] { arguments->action = TlsAction::kInit; });
  init->footer(kInitFooter);
  CLI::App* renew = tls->add_subcommand("renew", "Make new certificates for the keys that are there");
  renew->add_option("DIR", arguments->directory, "Of an earlier init")->required();
  add_days(renew);
  renew->final_callback([arguments] { arguments->action = TlsAction::kRenew; });
  renew->footer(
      "For the same hosts and keys. A server reads its new certificate by itself, without a restart.");
}

absl::Status CheckTlsArguments(TlsArguments* arguments) {
  for (const std::string& word : arguments->words) {
    absl::StatusOr<TlsSubject> subject = ParseSubject(word);
    if (!subject.ok()) return subject.status();
    for (const TlsSubject& other : arguments->subjects) {
      if (other.identity == subject->identity)
        return absl::InvalidArgumentError(absl::StrCat(subject->identity.Text(), " is there twice"));
    }
    arguments->subjects.push_back(*std::move(subject));
  }
  return absl::OkStatus();
}

}  // namespace lamppost::cli
