// Events and messages in words. All of it is one line of visible characters, not yet escaped. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_DESCRIBE_H_
#define LAMPPOST_CLIENTS_DIAGRAM_DESCRIBE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/diagram/history.h"

namespace lamppost::diagram {

// "send", "receive", …: the enumerator's name.
absl::string_view NameOf(Event::Kind kind);
// "arrived", "copy", "lost", "unseen", "from outside".
absl::string_view NameOf(Arrow::Status status);

bool IsMark(Event::Kind kind);
// Start, stop, crash and gap.
bool IsOfProcess(Event::Kind kind);
// An answer that refuses.
bool IsRefusal(const Event& event);

// "x, y and 3 more": of what it brings, as many as are named; empty if it names none.
std::string KeysOf(const Event& event);

// What stands beside an event in a drawing: "x = 10", "push x", "conflict on x"; empty if the drawing tells.
std::string LabelOf(const Point& point);
// A second line for it: who lost to whom; may be empty.
std::string SecondLabelOf(const Point& point);

// "A 5: sends push x to B; delayed by 2000 ms".
std::string Describe(const Point& point);
// "push x from A (5) to B: lost".
std::string Describe(const History& history, const Arrow& arrow);

// Everything that is known of an event, as (name, text).
std::vector<std::pair<std::string, std::string>> FactsOf(const Point& point);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_DESCRIBE_H_
