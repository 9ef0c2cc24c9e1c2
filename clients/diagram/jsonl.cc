#include "clients/diagram/jsonl.h"

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/text.h"
#include "nlohmann/json.hpp"
#include "services/common/error.h"

namespace lamppost::diagram {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<Event::Kind, 11> kKinds = {
    Event::Kind::kSend,  Event::Kind::kReceive,   Event::Kind::kWrite,    Event::Kind::kDrop,
    Event::Kind::kDelay, Event::Kind::kDuplicate, Event::Kind::kConflict, Event::Kind::kStart,
    Event::Kind::kStop,  Event::Kind::kCrash,     Event::Kind::kGap,
};

// Reads the members of one object; remembers the first that is wrong.
class Members {
 public:
  explicit Members(const Json& object, std::string within = "")
      : object_(object), within_(std::move(within)) {}

  const std::string& wrong() const { return wrong_; }

  void Read(const char* name, std::string* value) {
    if (const Json* member = Find(name, &Json::is_string, "a string")) *value = member->get<std::string>();
  }
  void Read(const char* name, bool* value) {
    if (const Json* member = Find(name, &Json::is_boolean, "true or false")) *value = member->get<bool>();
  }
  void Read(const char* name, uint64_t* value) {
    if (const Json* member = Find(name, &Json::is_number_unsigned, kCount)) *value = member->get<uint64_t>();
  }
  void Read(const char* name, int64_t* value) {
    const Json* member = Find(name, &Json::is_number_integer, "a whole number");
    if (member == nullptr) return;
    if (member->is_number_unsigned() && member->get<uint64_t>() > INT64_MAX)
      return Wrong(name, "less than 2^63");
    *value = member->get<int64_t>();
  }
  void Read(const char* name, std::vector<std::string>* value) {
    const Json* member = Find(name, &Json::is_array, "an array of strings");
    if (member == nullptr) return;
    for (const Json& one : *member) {
      if (!one.is_string()) return Wrong(name, "an array of strings");
      value->push_back(one.get<std::string>());
    }
  }
  void Read(const char* name, std::map<std::string, uint64_t>* value) {
    const Json* member = Find(name, &Json::is_object, "an object of counts");
    if (member == nullptr) return;
    for (const auto& [key, one] : member->items()) {
      if (!one.is_number_unsigned()) return Wrong(name, "an object of counts");
      (*value)[key] = one.get<uint64_t>();
    }
  }
  void Read(const char* name, MessageId* value) {
    const Json* member = Find(name, &Json::is_object, "an object");
    if (member == nullptr) return;
    Members members(*member, absl::StrCat(name, "."));
    members.Read("from", &value->from);
    members.Read("to", &value->to);
    members.Read("counter", &value->counter);
    if (wrong_.empty()) wrong_ = members.wrong();
  }
  void Read(const char* name, Event::Kind* value) {
    std::string text;
    Read(name, &text);
    for (const Event::Kind kind : kKinds) {
      if (text != NameOf(kind)) continue;
      *value = kind;
      return;
    }
    Wrong(name, "the name of a kind of event");
  }

 private:
  static constexpr char kCount[] = "a whole number from 0 to 2^64 - 1";

  void Wrong(const char* name, absl::string_view wanted) {
    if (wrong_.empty()) wrong_ = absl::StrCat("\"", within_, name, "\" is not ", wanted);
  }
  const Json* Find(const char* name, bool (Json::*is_type)() const noexcept, absl::string_view wanted) {
    const auto member = object_.find(name);
    if (member == object_.end()) return nullptr;
    if (((*member).*is_type)()) return &*member;
    Wrong(name, wanted);
    return nullptr;
  }

  const Json& object_;
  const std::string within_;
  std::string wrong_;
};

absl::Status Invalid(size_t line, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "TRACE_INVALID",
                   absl::StrCat("line ", line, ": ", why));
}

absl::StatusOr<Event> ParseLine(absl::string_view text, size_t line) {
  const Json object = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Invalid(line, "it is no JSON");
  if (!object.is_object()) return Invalid(line, "it is no JSON object");
  Event event;
  Members members(object);
  members.Read("kind", &event.kind);
  members.Read("node", &event.node);
  members.Read("counter", &event.counter);
  members.Read("unix_us", &event.unix_us);
  members.Read("message", &event.message);
  members.Read("is_answer", &event.is_answer);
  members.Read("is_quiet", &event.is_quiet);
  members.Read("what", &event.what);
  members.Read("keys", &event.keys);
  members.Read("entries", &event.entries);
  members.Read("detail", &event.detail);
  members.Read("delay_ms", &event.delay_ms);
  members.Read("vector", &event.vector);
  if (!members.wrong().empty()) return Invalid(line, members.wrong());
  if (event.node.empty()) return Invalid(line, "\"node\" is missing or empty");
  return event;
}

}  // namespace

std::string ToJsonLine(const Event& event) {
  Json object;
  object["kind"] = std::string(NameOf(event.kind));
  object["node"] = event.node;
  if (event.counter != 0) object["counter"] = event.counter;
  if (event.unix_us != 0) object["unix_us"] = event.unix_us;
  if (!(event.message == MessageId())) {
    object["message"] = Json{{"from", event.message.from}, {"to", event.message.to}};
    object["message"]["counter"] = event.message.counter;
  }
  if (event.is_answer) object["is_answer"] = true;
  if (event.is_quiet) object["is_quiet"] = true;
  if (!event.what.empty()) object["what"] = event.what;
  if (!event.keys.empty()) object["keys"] = event.keys;
  if (event.entries != 0) object["entries"] = event.entries;
  if (!event.detail.empty()) object["detail"] = event.detail;
  if (event.delay_ms != 0) object["delay_ms"] = event.delay_ms;
  if (!event.vector.empty()) object["vector"] = event.vector;
  return absl::StrCat(object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace), "\n");
}

std::string ToJsonl(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) text += ToJsonLine(event);
  return text;
}

absl::StatusOr<std::vector<Event>> ParseJsonl(absl::string_view text) {
  std::vector<Event> events;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    absl::StatusOr<Event> event = ParseLine(one, line);
    if (!event.ok()) return event.status();
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace lamppost::diagram
