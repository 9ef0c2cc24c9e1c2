#include "clients/diagram/html.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/svg.h"
#include "clients/diagram/text.h"
#include "clients/diagram/viewer_assets.h"
#include "nlohmann/json.hpp"

namespace lamppost::diagram {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTextBytesMax = 1024;

std::string Cut(absl::string_view text) {
  return CutToBytes(Printable(text), kTextBytesMax);
}

DrawOptions With(DrawOptions options, Quiet quiet) {
  options.quiet = quiet;
  return options;
}

// For a script element: whatever stands in it, it can neither end that nor open a comment.
std::string ForScript(const Json& json) {
  const std::string text = json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return absl::StrReplaceAll(text, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

Json EventJson(const Point& point, size_t id) {
  std::set<std::string> keys;
  for (const std::string& key : point.event.keys) keys.insert(Cut(key));
  for (const Event& mark : point.marks) {
    for (const std::string& key : mark.keys) keys.insert(Cut(key));
  }
  Json facts = Json::array();
  for (const auto& [name, text] : FactsOf(point)) facts.push_back({name, Cut(text)});
  Json json;
  json["id"] = id;
  json["lane"] = point.lane;
  json["place"] = point.place;
  json["kind"] = std::string(NameOf(point.event.kind));
  json["is_of_process"] = IsOfProcess(point.event.kind);
  json["counter"] = absl::StrCat(point.event.counter);  // a script's numbers end at 2^53
  json["seen"] = point.seen;
  json["is_quiet"] = IsQuiet(point);
  json["keys"] = keys;
  json["facts"] = std::move(facts);
  return json;
}

Json HistoryJson(const History& history, const std::set<size_t>& told) {
  Json json;
  json["lanes"] = Json::array();
  for (const Lane& lane : history.lanes) {
    json["lanes"].push_back({{"node", Cut(lane.node)}, {"points", lane.points.size()}});
  }
  json["events"] = Json::array();
  for (const size_t id : told) json["events"].push_back(EventJson(history.points[id], id));
  json["arrows"] = Json::array();
  const auto end = [&told](size_t point) { return told.count(point) > 0 ? Json(point) : Json(nullptr); };
  for (size_t id = 0; id < history.arrows.size(); ++id) {
    const Arrow& arrow = history.arrows[id];
    if (end(arrow.from).is_null() && end(arrow.to).is_null()) continue;
    Json one;
    one["id"] = id;
    one["from"] = end(arrow.from);
    one["to"] = end(arrow.to);
    one["status"] = std::string(NameOf(arrow.status));
    one["text"] = Cut(Describe(history, arrow));
    json["arrows"].push_back(std::move(one));
  }
  json["complete"] = told.size() == history.points.size();
  return json;
}

constexpr char kControls[] = R"(<label>Key <input id="key" type="search" size="14" placeholder="x, or user/*"
 autocomplete="off" spellcheck="false"></label>
<span role="group" aria-label="Zoom"><button id="zoom-out" type="button" aria-label="Smaller">&minus;</button
><button id="zoom-reset" type="button" aria-label="Original size">100%</button
><button id="zoom-in" type="button" aria-label="Larger">+</button></span>
<button id="help-open" type="button" aria-label="Help" aria-expanded="false">?</button>
)";

constexpr char kPanel[] = R"(<aside id="panel" aria-label="Details">
<section id="help" hidden>
<h2>Help</h2>
<p>Point at an event or a message to read all about it. Click an event to see what happened before it, what came
of it, and what knew nothing of it.</p>
<table>
<tr><td><kbd>Tab</kbd></td><td>next event, in the order of the counters</td></tr>
<tr><td><kbd>&uarr;</kbd> <kbd>&darr;</kbd></td><td>along the lane</td></tr>
<tr><td><kbd>&larr;</kbd> <kbd>&rarr;</kbd></td><td>along a message, or to the next lane</td></tr>
<tr><td><kbd>Enter</kbd></td><td>choose the event</td></tr>
<tr><td><kbd>Esc</kbd></td><td>choose none, and empty the key field</td></tr>
<tr><td><kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd></td><td>zoom; also Ctrl and the wheel</td></tr>
<tr><td><kbd>?</kbd></td><td>this help</td></tr>
</table>
<p>A key ending in * stands for all keys that begin so.</p>
</section>
<section id="chosen" hidden aria-live="polite">
<h2>Chosen: <span id="chosen-name"></span></h2>
<ul>
<li><i class="sample past"></i><b id="count-past"></b> happened before it</li>
<li><i class="sample future"></i><b id="count-future"></b> came after and may follow from it</li>
<li><i class="sample concurrent"></i><b id="count-concurrent"></b> are concurrent with it, drawn pale</li>
</ul>
<p class="small">Of the events that are drawn; what leads from one to another may be a message that is not.</p>
</section>
<section id="details"><p class="small">Point at an event or a message, or click one.</p></section>
</aside>
)";

std::string DrawingPart(absl::string_view name, const std::string& svg, bool is_first) {
  return absl::StrCat("<div class=\"drawing\" data-quiet=\"", name, "\"", is_first ? "" : " hidden", ">\n",
                      svg, "</div>\n");
}

}  // namespace

std::string RenderHtml(const History& history, const DrawOptions& options) {
  const DrawOptions without = With(options, Quiet::kHidden);
  const DrawOptions with = With(options, Quiet::kShown);
  const View brief = Choose(history, without);
  std::set<size_t> told;
  for (const View::Event& event : brief.events) told.insert(event.point);
  const bool has_quiet = brief.quiet_hidden > 0;
  const bool is_quiet_first = has_quiet && options.quiet == Quiet::kShown;
  std::string drawings = DrawingPart("hidden", RenderSvg(history, without), !is_quiet_first);
  if (has_quiet) {
    for (const View::Event& event : Choose(history, with).events) told.insert(event.point);
    drawings += DrawingPart("shown", RenderSvg(history, with), is_quiet_first);
  }
  const std::string quiet_box =
      absl::StrCat("<label><input id=\"quiet\" type=\"checkbox\"", is_quiet_first ? " checked" : "",
                   "> messages that bring nothing, such as heartbeats</label>\n");
  const std::string title = options.title.empty() ? "Space-time diagram" : options.title;
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      Markup(title), "</title>\n<style>\n", kViewerStyle, "</style>\n</head>\n<body>\n<header>\n", kControls,
      has_quiet ? quiet_box : "", "<output id=\"shown\"></output>\n</header>\n<main id=\"drawings\">\n",
      drawings, "</main>\n", kPanel, "<script type=\"application/json\" id=\"history\">",
      ForScript(HistoryJson(history, told)), "</script>\n<script>\n", kViewerScript,
      "</script>\n</body>\n</html>\n");
}

}  // namespace lamppost::diagram
