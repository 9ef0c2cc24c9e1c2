#include "clients/diagram/describe.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

constexpr size_t kKeysNamed = 3;

const Event* ConflictOf(const Point& point) {
  if (point.event.kind == Event::Kind::kConflict) return &point.event;
  for (const Event& mark : point.marks) {
    if (mark.kind == Event::Kind::kConflict) return &mark;
  }
  return nullptr;
}

// "push x, y and 3 more", "heartbeat".
std::string ContentOf(const Event& event) {
  const std::string keys = KeysOf(event);
  const std::string what = Printable(event.what);
  if (keys.empty() && event.entries > 0) return absl::StrCat(what, " of ", event.entries);
  return absl::StrCat(what, what.empty() || keys.empty() ? "" : " ", keys);
}

std::string WriteOf(const Event& event) {
  if (!event.detail.empty()) return Printable(event.detail);
  return ContentOf(event);
}

// The day's time in UTC. Written here because the library knows no clock and no time zones.
std::string TimeOf(int64_t unix_us) {
  constexpr int64_t kDayUs = 86'400'000'000;
  const int64_t us = ((unix_us % kDayUs) + kDayUs) % kDayUs;
  return absl::StrFormat("%02d:%02d:%02d.%06d UTC", us / 3'600'000'000, us / 60'000'000 % 60,
                         us / 1'000'000 % 60, us % 1'000'000);
}

std::string PhraseOf(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kSend:
      return absl::StrCat("sends ", ContentOf(event), " to ", Printable(event.message.to));
    case Event::Kind::kReceive:
      return absl::StrCat("receives ", ContentOf(event), " from ", Printable(event.message.from));
    case Event::Kind::kWrite:
      return absl::StrCat(event.what.empty() ? "write" : Printable(event.what), ": ", WriteOf(event));
    case Event::Kind::kDrop:
      return "lost on its way";
    case Event::Kind::kDelay:
      return absl::StrCat("delayed by ", event.delay_ms, " ms");
    case Event::Kind::kDuplicate:
      return "arrives twice";
    case Event::Kind::kConflict:
      return absl::StrCat("conflict on ", KeysOf(event), event.detail.empty() ? "" : ": ",
                          Printable(event.detail));
    case Event::Kind::kStart:
      return "starts";
    case Event::Kind::kStop:
      return "stops";
    case Event::Kind::kCrash:
      return "crashes";
    case Event::Kind::kGap:
      return "events may be missing here";
  }
  return "";
}

}  // namespace

absl::string_view NameOf(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kSend:
      return "send";
    case Event::Kind::kReceive:
      return "receive";
    case Event::Kind::kWrite:
      return "write";
    case Event::Kind::kDrop:
      return "drop";
    case Event::Kind::kDelay:
      return "delay";
    case Event::Kind::kDuplicate:
      return "duplicate";
    case Event::Kind::kConflict:
      return "conflict";
    case Event::Kind::kStart:
      return "start";
    case Event::Kind::kStop:
      return "stop";
    case Event::Kind::kCrash:
      return "crash";
    case Event::Kind::kGap:
      return "gap";
  }
  return "";
}

absl::string_view NameOf(Arrow::Status status) {
  switch (status) {
    case Arrow::Status::kArrived:
      return "arrived";
    case Arrow::Status::kArrivedAsCopy:
      return "copy";
    case Arrow::Status::kLost:
      return "lost";
    case Arrow::Status::kUnseen:
      return "unseen";
    case Arrow::Status::kFromOutside:
      return "from outside";
  }
  return "";
}

bool IsMark(Event::Kind kind) {
  return kind == Event::Kind::kDrop || kind == Event::Kind::kDelay || kind == Event::Kind::kDuplicate ||
         kind == Event::Kind::kConflict;
}

bool IsOfProcess(Event::Kind kind) {
  return kind == Event::Kind::kStart || kind == Event::Kind::kStop || kind == Event::Kind::kCrash ||
         kind == Event::Kind::kGap;
}

bool IsRefusal(const Event& event) {
  return event.is_answer && absl::StartsWith(event.what, "refusal");
}

std::string KeysOf(const Event& event) {
  const size_t named = std::min(event.keys.size(), kKeysNamed);
  std::vector<std::string> keys;
  for (size_t i = 0; i < named; ++i) keys.push_back(Printable(event.keys[i]));
  const size_t all = std::max<size_t>(event.keys.size(), event.entries);
  const std::string text = absl::StrJoin(keys, ", ");
  return named == 0 || all == named ? text : absl::StrCat(text, " and ", all - named, " more");
}

std::string LabelOf(const Point& point) {
  std::string label;
  switch (point.event.kind) {
    case Event::Kind::kSend:
      label = ContentOf(point.event);
      break;
    case Event::Kind::kWrite:
      label = WriteOf(point.event);
      break;
    case Event::Kind::kStart:
    case Event::Kind::kStop:
    case Event::Kind::kCrash:
      label = std::string(NameOf(point.event.kind));
      break;
    case Event::Kind::kGap:
      label = "events may be missing";
      break;
    default:
      break;
  }
  const Event* conflict = ConflictOf(point);
  if (conflict == nullptr) return label;
  return absl::StrCat(label, label.empty() ? "" : " · ", "conflict on ", KeysOf(*conflict));
}

std::string SecondLabelOf(const Point& point) {
  const Event* conflict = ConflictOf(point);
  return conflict == nullptr ? "" : Printable(conflict->detail);
}

std::string Describe(const Point& point) {
  const Event& event = point.event;
  std::string text = Printable(event.node);
  if (event.counter > 0) absl::StrAppend(&text, " ", event.counter);
  absl::StrAppend(&text, ": ", PhraseOf(event));
  for (const Event& mark : point.marks) {
    // One that stands for its missing event has been told.
    if (mark.kind != event.kind) absl::StrAppend(&text, "; ", PhraseOf(mark));
  }
  return text;
}

std::string Describe(const History& history, const Arrow& arrow) {
  const size_t end = arrow.from != Arrow::kNowhere ? arrow.from : arrow.to;
  std::string text =
      absl::StrCat(ContentOf(history.points[end].event), " from ", Printable(arrow.message.from), " (",
                   arrow.message.counter, ") to ", Printable(arrow.message.to));
  if (arrow.to != Arrow::kNowhere) absl::StrAppend(&text, " (", history.points[arrow.to].event.counter, ")");
  absl::StrAppend(&text, ": ", NameOf(arrow.status));
  if (arrow.is_delayed) absl::StrAppend(&text, ", delayed by ", arrow.delay_ms, " ms");
  return text;
}

std::vector<std::pair<std::string, std::string>> FactsOf(const Point& point) {
  const Event& event = point.event;
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&facts](absl::string_view name, std::string text) {
    if (!text.empty()) facts.emplace_back(name, std::move(text));
  };
  add("event", Describe(point));
  add("kind", std::string(NameOf(event.kind)));
  add("node", Printable(event.node));
  if (event.counter > 0) add("counter", absl::StrCat(event.counter));
  if (event.unix_us != 0) add("time", TimeOf(event.unix_us));
  if (!event.message.from.empty()) {
    add("message", absl::StrCat(Printable(event.message.from), " to ", Printable(event.message.to),
                                ", sent at ", event.message.counter, event.is_answer ? ", an answer" : ""));
  }
  add("what", Printable(event.what));
  add("keys", Printable(absl::StrJoin(event.keys, ", ")));
  if (event.entries > 0) add("versions", absl::StrCat(event.entries));
  add("detail", Printable(event.detail));
  for (const Event& mark : point.marks) add(NameOf(mark.kind), PhraseOf(mark));
  add("vector", Printable(absl::StrJoin(event.vector, ", ", absl::PairFormatter(": "))));
  return facts;
}

}  // namespace lamppost::diagram
