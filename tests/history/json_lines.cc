#include "tests/history/json_lines.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/utf8.h"

namespace lamppost::history {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<Kind, const char*> kKinds[] = {{Kind::kWrite, "write"}, {Kind::kRead, "read"}};
constexpr std::pair<Outcome, const char*> kOutcomes[] = {
    {Outcome::kOk, "ok"}, {Outcome::kFailed, "failed"}, {Outcome::kUnknown, "unknown"}};

template <typename Enum, size_t kCount>
const char* NameOf(const std::pair<Enum, const char*> (&names)[kCount], Enum value) {
  for (const auto& [one, name] : names) {
    if (one == value) return name;
  }
  return "";
}

// ---- writing

Json ToJson(const Origin& origin) {
  return {{"node_id", origin.node_id}, {"incarnation", absl::StrCat(origin.incarnation)}};
}

Json ToJson(const Timestamp& version) {
  Json json = {{"counter", absl::StrCat(version.counter)}};
  json.update(ToJson(version.origin));
  return json;
}

Json ToJson(const Item& item) {
  Json json = {{"key", item.key}};
  if (item.value && IsUtf8(*item.value)) json["value"] = *item.value;
  if (item.value && !IsUtf8(*item.value)) json["data"] = absl::Base64Escape(*item.value);
  if (item.version.counter != 0) json["version"] = ToJson(item.version);
  return json;
}

Json ToJson(const kv::Heads& heads) {
  Json json = Json::array();
  for (const auto& [origin, counter] : heads) {
    json.push_back({{"origin", ToJson(origin)}, {"counter", absl::StrCat(counter)}});
  }
  return json;
}

Json ToJson(const Operation& operation) {
  Json json = {{"type", "operation"}, {"kind", NameOf(kKinds, operation.kind)}};
  json["client"] = absl::StrCat(operation.client);
  json["node"] = operation.node;
  json["start_us"] = absl::StrCat(operation.start_us);
  json["end_us"] = absl::StrCat(operation.end_us);
  json["items"] = Json::array();
  for (const Item& item : operation.items) json["items"].push_back(ToJson(item));
  if (!operation.request_id.empty()) json["request_id"] = operation.request_id;
  if (!operation.session.empty()) json["session"] = ToJson(operation.session);
  json["outcome"] = NameOf(kOutcomes, operation.outcome);
  if (!operation.error.empty()) json["error"] = operation.error;
  if (operation.version.counter != 0) json["version"] = ToJson(operation.version);
  if (operation.replayed) json["replayed"] = true;
  return json;
}

Json ToJson(const DiskLoss& loss) {
  Json json = {{"type", "disk_loss"}, {"node", loss.node}, {"at_us", absl::StrCat(loss.at_us)}};
  json["kept"] = ToJson(loss.kept);
  return json;
}

Json ToJson(const std::string& node, const Contents& contents) {
  Json json = {{"type", "contents"}, {"node", node}, {"items", Json::array()}};
  for (const auto& [key, item] : contents) json["items"].push_back(ToJson(item));
  return json;
}

void WriteLine(const Json& json, std::ostream* out) {
  *out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

// ---- reading: the first thing that is wrong stays, and what follows reads as empty.

class Reader {
 public:
  explicit Reader(const Json& json) : json_(&json) {}

  bool Has(const char* name) const { return json_->is_object() && json_->contains(name); }

  std::string Text(const char* name) {
    if (!Has(name) || !(*json_)[name].is_string()) return Fail(name, "is not a string"), "";
    return (*json_)[name].get<std::string>();
  }
  std::string TextOrEmpty(const char* name) { return Has(name) ? Text(name) : ""; }
  uint64_t Number(const char* name) {
    uint64_t number = 0;
    const std::string text = Text(name);
    if (status_.ok() && !absl::SimpleAtoi(text, &number)) Fail(name, "is not a number");
    return number;
  }
  bool Flag(const char* name) {
    if (!Has(name)) return false;
    if (!(*json_)[name].is_boolean()) return Fail(name, "is neither true nor false"), false;
    return (*json_)[name].get<bool>();
  }
  template <typename Enum, size_t kCount>
  Enum OneOf(const char* name, const std::pair<Enum, const char*> (&names)[kCount]) {
    const std::string text = Text(name);
    for (const auto& [value, known] : names) {
      if (text == known) return value;
    }
    Fail(name, "has a value that is not known");
    return names[0].first;
  }
  // Reads the member with read(&reader).
  template <typename Read>
  auto Object(const char* name, Read read) {
    static const Json kNothing;
    Reader inner(Has(name) ? (*json_)[name] : kNothing);
    auto result = read(&inner);
    Take(name, inner);
    return result;
  }
  template <typename Read>
  void Each(const char* name, Read read) {
    if (!Has(name) || !(*json_)[name].is_array()) return Fail(name, "is not a list");
    for (const Json& element : (*json_)[name]) {
      Reader inner(element);
      read(&inner);
      Take(name, inner);
    }
  }
  void Fail(const char* name, absl::string_view what) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("\"", name, "\" ", what));
  }
  const absl::Status& status() const { return status_; }

 private:
  void Take(const char* name, const Reader& inner) {
    if (status_.ok() && !inner.status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat("\"", name, "\": ", inner.status_.message()));
    }
  }

  const Json* json_;
  absl::Status status_;
};

Origin ReadOrigin(Reader* reader) {
  return {reader->Text("node_id"), reader->Number("incarnation")};
}

Timestamp ReadVersion(Reader* reader) {
  return {reader->Number("counter"), ReadOrigin(reader)};
}

Item ReadItem(Reader* reader) {
  Item item;
  item.key = reader->Text("key");
  if (reader->Has("value")) item.value = reader->Text("value");
  if (reader->Has("data")) {
    item.value.emplace();
    if (!absl::Base64Unescape(reader->Text("data"), &*item.value)) reader->Fail("data", "is not base64");
  }
  if (reader->Has("version")) item.version = reader->Object("version", ReadVersion);
  return item;
}

kv::Heads ReadHeads(const char* name, Reader* reader) {
  kv::Heads heads;
  reader->Each(name, [&](Reader* head) {
    const Origin origin = head->Object("origin", ReadOrigin);
    heads.Raise(origin, head->Number("counter"));
  });
  return heads;
}

Operation ReadOperation(Reader* reader) {
  Operation operation;
  operation.kind = reader->OneOf("kind", kKinds);
  operation.client = reader->Number("client");
  operation.node = reader->Text("node");
  operation.start_us = reader->Number("start_us");
  operation.end_us = reader->Number("end_us");
  reader->Each("items", [&](Reader* item) { operation.items.push_back(ReadItem(item)); });
  operation.request_id = reader->TextOrEmpty("request_id");
  if (reader->Has("session")) operation.session = ReadHeads("session", reader);
  operation.outcome = reader->OneOf("outcome", kOutcomes);
  operation.error = reader->TextOrEmpty("error");
  if (reader->Has("version")) operation.version = reader->Object("version", ReadVersion);
  operation.replayed = reader->Flag("replayed");
  return operation;
}

DiskLoss ReadLoss(Reader* reader) {
  DiskLoss loss;
  loss.node = reader->Text("node");
  loss.at_us = reader->Number("at_us");
  loss.kept = ReadHeads("kept", reader);
  return loss;
}

absl::Status ReadLine(const std::string& line, History* history) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("not a JSON object");
  Reader reader(json);
  const std::string type = reader.Text("type");
  if (type == "operation") {
    history->operations.push_back(ReadOperation(&reader));
  } else if (type == "disk_loss") {
    history->disk_losses.push_back(ReadLoss(&reader));
  } else if (type == "contents") {
    Contents& contents = history->final_contents[reader.Text("node")];
    reader.Each("items", [&](Reader* inner) {
      Item item = ReadItem(inner);
      contents[item.key] = std::move(item);
    });
  } else {
    reader.Fail("type", "has a value that is not known");
  }
  return reader.status();
}

}  // namespace

absl::Status WriteJsonLines(const History& history, std::ostream* out) {
  for (const Operation& operation : history.operations) WriteLine(ToJson(operation), out);
  for (const DiskLoss& loss : history.disk_losses) WriteLine(ToJson(loss), out);
  for (const auto& [node, contents] : history.final_contents) WriteLine(ToJson(node, contents), out);
  out->flush();
  return out->good() ? absl::OkStatus() : absl::DataLossError("the history could not be written");
}

absl::StatusOr<History> ReadJsonLines(std::istream* in) {
  History history;
  std::string line;
  for (int number = 1; std::getline(*in, line); ++number) {
    if (line.empty()) continue;
    const absl::Status status = ReadLine(line, &history);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", status.message()));
    }
  }
  return history;
}

}  // namespace lamppost::history
