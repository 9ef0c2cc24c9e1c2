#include "clients/cli/call_params.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/read_input.h"
#include "clients/cli/text_table.h"
#include "clients/cpp/struct_json.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::cli {
namespace {

using rpc::Json;

absl::Status Wrong(absl::string_view what, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(Printable(what), ": ", message));
}

absl::StatusOr<Json> ParseObject(absl::string_view name, absl::string_view text) {
  if (absl::Status status = client::CheckIntegers(text); !status.ok()) return Wrong(name, status.message());
  absl::StatusOr<Json> value = rpc::ParseJson(text, kInputBytesMax);
  if (!value.ok()) return Wrong(name, value.status().message());
  if (!value->is_object()) return Wrong(name, "params are a JSON object, {\"name\":value,…}");
  return value;
}

absl::StatusOr<Json> ReadText(absl::string_view name, absl::StatusOr<std::string> text) {
  if (!text.ok()) return Wrong(name, text.status().message());
  if (!IsUtf8(*text)) return Wrong(name, "this is not UTF-8 text");
  return Json(*std::move(text));
}

absl::StatusOr<Json> ReadMember(absl::string_view name, absl::string_view value) {
  if (absl::StartsWith(value, "@@")) return ReadText(name, std::string(value.substr(1)));
  if (absl::StartsWith(value, "@")) return ReadText(name, ReadFile(std::string(value.substr(1))));
  if (absl::Status status = client::CheckIntegers(value); !status.ok()) {
    return Wrong(name, absl::StrCat(status.message(), ": ", name, "='\"…\"'"));
  }
  absl::StatusOr<Json> json = rpc::ParseJson(value, kInputBytesMax);
  if (json.ok()) return json;
  if (ErrorReason(json.status()) != "NOT_JSON") return Wrong(name, json.status().message());
  return ReadText(name, std::string(value));
}

}  // namespace

absl::StatusOr<Json> ReadCallParams(const std::vector<std::string>& words, std::istream* in) {
  if (words.size() == 1) {
    const std::string& word = words[0];
    if (word == "-") {
      absl::StatusOr<std::string> text = ReadStream("standard input", in);
      return text.ok() ? ParseObject("standard input", *text) : text.status();
    }
    if (absl::StartsWith(word, "@")) {
      absl::StatusOr<std::string> text = ReadFile(word.substr(1));
      return text.ok() ? ParseObject(word.substr(1), *text) : text.status();
    }
    if (absl::StartsWith(word, "{")) return ParseObject("params", word);
  }
  Json params = Json::object();
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    // A name that begins with a bracket is far more likely half of a JSON array.
    if (equals == std::string::npos || equals == 0 || word[0] == '[') {
      return Wrong(word, "this is neither a JSON object nor name=value");
    }
    const std::string name = word.substr(0, equals);
    if (!IsUtf8(name)) return Wrong(name, "this name is not UTF-8 text");
    if (params.contains(name)) return Wrong(name, "it is given twice");
    absl::StatusOr<Json> value = ReadMember(name, absl::string_view(word).substr(equals + 1));
    if (!value.ok()) return value.status();
    params[name] = *std::move(value);
  }
  return params;
}

}  // namespace lamppost::cli
