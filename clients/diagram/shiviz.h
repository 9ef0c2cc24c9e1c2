// A history as a log that ShiViz reads (https://bestchai.bitbucket.io/shiviz/): the pattern on the first
// line, an empty second line, then two lines an event. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_SHIVIZ_H_
#define LAMPPOST_CLIENTS_DIAGRAM_SHIVIZ_H_

#include <string>

#include "clients/diagram/history.h"
#include "clients/diagram/view.h"

namespace lamppost::diagram {

// The clocks are counted anew over the events that are told, so that each host's own goes 1, 2, 3, …; what
// was known through a message that is left out is still known. A character that ShiViz does not take in a
// host's name becomes "_"; should two names become one so, the second gets a number.
std::string ToShiviz(const History& history, Quiet quiet);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_SHIVIZ_H_
