// The params of `lamppost call`, and the command that asks again, as a shell reads it: both stand for the
// same call.
//
// An input is what stands behind `lamppost`, each word ended by a NUL, and, as the last word, what stands in
// standard input.
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "clients/cli/arguments.h"
#include "clients/cli/call_format.h"
#include "clients/cli/call_params.h"
#include "clients/cli/shell_quote.h"
#include "clients/cli/text_table.h"
#include "clients/cpp/struct_json.h"
#include "services/common/error.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

constexpr size_t kWordsMax = 32;
constexpr char kRequestId[] = "0190f3c2-7a8b-7c3d-9e4f-0123456789ab";

// Splits a command as a shell does: blanks, '…' and $'…' with \\, \' and \ooo. Whatever else means something
// to a shell has to be quoted.
class Shell {
 public:
  static std::vector<std::string> Split(absl::string_view command) {
    Shell shell(command);
    std::vector<std::string> words;
    while (!shell.rest_.empty()) words.push_back(shell.Word());
    return words;
  }

 private:
  explicit Shell(absl::string_view command) : rest_(command) {}

  char Next() {
    FUZZ_CHECK(!rest_.empty(), "a quote is left open");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string Word() {
    std::string word;
    while (!rest_.empty()) {
      if (absl::ConsumePrefix(&rest_, " ")) break;
      if (absl::ConsumePrefix(&rest_, "'")) {
        for (char c = Next(); c != '\''; c = Next()) word.push_back(c);
      } else if (absl::ConsumePrefix(&rest_, "$'")) {
        Dollar(&word);
      } else if (absl::ConsumePrefix(&rest_, "\\")) {
        word.push_back(Next());
      } else {
        const char c = Next();
        FUZZ_CHECK(absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_-./:,=@%+", c),
                   "a character that means something to a shell is not quoted");
        word.push_back(c);
      }
    }
    return word;
  }

  void Dollar(std::string* word) {
    for (char c = Next(); c != '\''; c = Next()) {
      if (c != '\\') {
        word->push_back(c);
        continue;
      }
      const char escaped = Next();
      if (escaped == '\'' || escaped == '\\') {
        word->push_back(escaped);
        continue;
      }
      const std::string digits = {escaped, Next(), Next()};
      FUZZ_CHECK(digits.find_first_not_of("01234567") == std::string::npos, "an escape that is none");
      word->push_back(static_cast<char>(std::strtol(digits.c_str(), nullptr, 8)));
    }
  }

  absl::string_view rest_;
};

void CheckQuote(absl::string_view word) {
  const std::string quoted = ShellQuote(word);
  FUZZ_CHECK(Printable(quoted) == quoted, "a quoted word steers a terminal");
  const std::vector<std::string> words = Shell::Split(quoted);
  FUZZ_CHECK(words.size() == 1 && words[0] == word, "a shell reads another word");
}

ParsedArguments Parse(const std::vector<std::string>& words) {
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  return ParseArguments(static_cast<int>(argv.size()), argv.data());
}

// @FILE reads what the user may read anyway; here it would read the machine's files.
bool NamesFile(absl::string_view word) {
  if (absl::StartsWith(word, "@")) return true;
  const size_t equals = word.find("=@");
  return equals != absl::string_view::npos && !absl::StartsWith(word.substr(equals), "=@@");
}

absl::StatusOr<rpc::Json> Read(const std::vector<std::string>& words, const std::string& standard_input) {
  std::istringstream in(standard_input);
  return ReadCallParams(words, &in);
}

// What is taken can be sent, and is the same when it comes back.
void CheckParams(const rpc::Json& params) {
  FUZZ_CHECK(params.is_object(), "params that are no object");
  const auto sent = client::StructFromJson(params);
  FUZZ_CHECK(sent.ok() || ErrorReason(sent.status()) == "JSON_TOO_DEEP", "params that cannot be sent");
  if (!sent.ok()) return;
  FUZZ_CHECK(client::CheckStruct(*sent).ok(), "the client refuses its own params");
  FUZZ_CHECK(rpc::CanonicalText(client::JsonFromStruct(*sent)) == rpc::CanonicalText(params),
             "params are others on the wire");
}

void CheckCommand(const Arguments& arguments, const std::string& standard_input) {
  const FunctionArguments& functions = arguments.functions;
  for (const std::string& word : functions.params) {
    if (NamesFile(word)) return;
  }
  const absl::StatusOr<rpc::Json> params = Read(functions.params, standard_input);
  if (!params.ok()) {
    FUZZ_CHECK(!params.status().message().empty(), "params are refused without a word");
    return;
  }
  CheckParams(*params);
  const std::string command = AskAgainCommand(functions, *params, kRequestId);
  FUZZ_CHECK(Printable(command) == command, "a command steers a terminal");
  const ParsedArguments again = Parse(Shell::Split(command));
  FUZZ_CHECK(again.arguments && again.arguments->verb == Verb::kCall, "the command that asks again is none");
  const FunctionArguments& asked = again.arguments->functions;
  FUZZ_CHECK(asked.method == functions.method, "it calls another function");
  FUZZ_CHECK(asked.server_list == functions.server_list, "it asks other servers");
  FUZZ_CHECK(asked.request_id == kRequestId, "it asks for another call");
  FUZZ_CHECK(again.arguments->format == arguments.format, "it prints in another format");
  FUZZ_CHECK(again.arguments->timeout_ms == arguments.timeout_ms, "it has another timeout");
  const absl::StatusOr<rpc::Json> asked_params = Read(asked.params, standard_input);
  FUZZ_CHECK(asked_params.ok() && rpc::CanonicalText(*asked_params) == rpc::CanonicalText(*params),
             "it calls with other params");
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  std::vector<std::string> words = {"lamppost"};
  for (const absl::string_view word : absl::StrSplit(fuzz::BytesOf(data, size), '\0')) {
    if (words.size() == cli::kWordsMax) break;
    cli::CheckQuote(word);
    words.emplace_back(word);
  }
  const std::string standard_input = words.back();
  words.pop_back();
  if (words.empty()) return 0;
  const cli::ParsedArguments parsed = cli::Parse(words);
  if (parsed.arguments && parsed.arguments->verb == cli::Verb::kCall) {
    cli::CheckCommand(*parsed.arguments, standard_input);
  }
  return 0;
}
