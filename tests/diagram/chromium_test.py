"""Uses drawings as a reader does, in a headless Chromium without a network.

usage: chromium_test.py FILE.html|FILE.svg…
Exit status 0: all is well; 1: something is not, and it is said what; 77: there is no chromium here.
"""

import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, BrowserError, Page, find_chromium  # noqa: E402

EVENTS_CLICKED_MAX = 40
ACTIVE = "(document.querySelector('.drawing:not([hidden])') || document)"

RECTS = """(selector => [...%s.querySelectorAll(selector)].map(e => {
  const r = e.getBoundingClientRect();
  return [r.left, r.top, r.right, r.bottom, e.textContent];
}))""" % ACTIVE

# Scrolls an event into view; where its sign is, and whether it is what is seen there.
SPOT = """(id => {
  const event = %s.querySelector(`[data-event="${id}"]`);
  const hit = event.querySelector('.hit');
  hit.scrollIntoView({block: 'center', inline: 'center'});
  const r = hit.getBoundingClientRect();
  const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
  const seen = document.elementFromPoint(x, y);
  return {x, y, isSeen: seen !== null && seen.closest('[data-event]') === event};
})""" % ACTIVE

# The same for the middle of a message's line.
ARROW_SPOT = """(id => {
  const arrow = %s.querySelector(`[data-arrow="${id}"]`);
  const line = arrow.querySelector('.reach');
  line.scrollIntoView({block: 'center', inline: 'center'});
  const p = line.getPointAtLength(line.getTotalLength() * 0.4).matrixTransform(line.getScreenCTM());
  const seen = document.elementFromPoint(p.x, p.y);
  return {x: p.x, y: p.y, isSeen: seen !== null && seen.closest('[data-arrow]') === arrow};
})""" % ACTIVE

RELATED = """(relation => [...%s.querySelectorAll(`[data-event][data-relation="${relation}"]`)]
  .map(e => Number(e.dataset.event)).sort((a, b) => a - b))""" % ACTIVE

VISIBLE = """[...%s.querySelectorAll('[data-event]')].filter(e => getComputedStyle(e).visibility === 'visible')
  .map(e => Number(e.dataset.event))""" % ACTIVE

FOCUSED = "(id => id === undefined ? null : Number(id))(document.activeElement.dataset.event)"


class Trace:
    """What the page's events say happened before what, worked out from the lanes and the messages alone."""

    def __init__(self, data):
        assert data["complete"], "not all events are in the page: nothing can be worked out from it"
        self.events = {event["id"]: event for event in data["events"]}
        self.arrows = data["arrows"]
        by_place = {(e["lane"], e["place"]): e["id"] for e in self.events.values()}
        next_of = {id: [] for id in self.events}
        for (lane, place), id in by_place.items():
            if (lane, place + 1) in by_place:
                next_of[id].append(by_place[lane, place + 1])
        for arrow in self.arrows:
            if arrow["from"] is not None and arrow["to"] is not None:
                next_of[arrow["from"]].append(arrow["to"])
        self._after = {id: self._reachable(id, next_of) for id in self.events}

    @staticmethod
    def _reachable(start, next_of):
        found, todo = set(), [start]
        while todo:
            for id in next_of[todo.pop()]:
                if id not in found:
                    found.add(id)
                    todo.append(id)
        return found

    def related(self, self_id, drawn):
        future = self._after[self_id] & drawn
        past = {id for id in drawn if self_id in self._after[id]}
        return {"self": {self_id} & drawn, "past": past, "future": future,
                "concurrent": drawn - future - past - {self_id}}

    def about(self, matches, drawn):
        kept = {e["id"] for e in self.events.values() if any(map(matches, e["keys"]))}
        ends = set()
        for arrow in self.arrows:
            if arrow["from"] in kept or arrow["to"] in kept:
                ends |= {arrow["from"], arrow["to"]}
        of_process = {e["id"] for e in self.events.values() if e["kind"] in ("start", "stop", "crash", "gap")}
        return (kept | ends | of_process) & drawn


def overlapping(rects):
    """Two of them that run over each other by more than a pixel, or None."""
    for i, a in enumerate(rects):
        for b in rects[i + 1:]:
            if min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1:
                return a[4], b[4]
    return None


def check_quiet(page):
    """Nothing was asked of a network, and nothing went wrong in the page."""
    for event in page.take_events():
        method, params = event["method"], event["params"]
        if method == "Network.requestWillBeSent":
            assert params["request"]["url"] == page.url, f"asked for {params['request']['url']}"
        assert method != "Runtime.exceptionThrown", f"an exception: {params}"
        assert method != "Log.entryAdded", f"a complaint of the browser's: {params['entry']}"
        assert method != "Runtime.consoleAPICalled", f"a word on the console: {params}"


def check_drawing(page):
    width, height = page.value(
        f"(r => [r.width, r.height])({ACTIVE}.querySelector('svg, :root').getBoundingClientRect())")
    assert width > 100 and height > 50, f"the drawing is only {width} by {height}"
    heads = page.value(RECTS + "('.lane-name')")
    assert heads, "no lane has a name"
    texts = page.value(RECTS + "('.counter, .label, .second')")
    for what, rects in (("names of lanes", heads), ("labels", texts)):
        assert overlapping(rects) is None, f"{what} run over each other: {overlapping(rects)}"


def drawn_in(page):
    return set(page.value(f"[...{ACTIVE}.querySelectorAll('[data-event]')].map(e => Number(e.dataset.event))"))


def some_of(ids, count):
    ids = sorted(ids)
    step = max(1, -(-len(ids) // count))
    return ids[::step]


def check_choosing(page, trace, count=EVENTS_CLICKED_MAX):
    drawn = drawn_in(page)
    for id in some_of(drawn, count):
        spot = page.value(f"{SPOT}({id})")
        assert spot["isSeen"], f"event {id} is covered by something"
        page.click(spot["x"], spot["y"])
        page.wait_until(f"event {id} is not chosen", lambda: page.value(RELATED + "('self')"),
                        lambda got: got == [id])
        expected = trace.related(id, drawn)
        for relation, wanted in expected.items():
            got = set(page.value(f"{RELATED}('{relation}')"))
            assert got == wanted, (f"of event {id}, the {relation} lacks {sorted(wanted - got)} and has "
                                   f"{sorted(got - wanted)} too much")
        for relation in ("past", "future", "concurrent"):
            told = page.value(f"document.getElementById('count-{relation}').textContent")
            assert told == str(len(expected[relation])), f"event {id}: {relation} is said to be {told}"
    page.press("Escape")
    marked = "document.querySelectorAll('[data-relation], [data-path]').length"
    page.wait_until("Escape clears nothing", lambda: page.value(marked), lambda got: got == 0)


def check_pointing(page, trace):
    panel = lambda: page.value("document.getElementById('panel').innerText")  # noqa: E731
    for id in some_of(drawn_in(page), 8):
        page.mouse("mouseMoved", 2, 2)
        spot = page.value(f"{SPOT}({id})")
        page.mouse("mouseMoved", spot["x"], spot["y"])
        for name, text in trace.events[id]["facts"]:
            # The panel collapses runs of spaces.
            page.wait_until(f"the panel does not tell the {name} of event {id}", panel,
                            lambda got: " ".join(text.split()) in " ".join(got.split()))
    pointed = 0
    for arrow in trace.arrows:
        if not page.value(f"{ACTIVE}.querySelector('[data-arrow=\"{arrow['id']}\"]') !== null"):
            continue
        spot = page.value(f"{ARROW_SPOT}({arrow['id']})")
        if not spot["isSeen"]:
            continue  # where messages cross, the later one is on top
        page.mouse("mouseMoved", spot["x"], spot["y"])
        page.wait_until(f"the panel does not name message {arrow['id']}", panel,
                        lambda got: arrow["text"] in got)
        pointed += 1
    assert pointed > 0 or not trace.arrows, "no message can be pointed at"


def check_filter(page, trace):
    drawn = drawn_in(page)
    keys = sorted({key for event in trace.events.values() for key in event["keys"]})
    # A field of one line takes no more than one line, and "*" has a meaning there.
    keys = [key for key in keys if key and key == key.strip() and "*" not in key]
    for key in keys[:5]:
        for text, matches in ((key, lambda other: other == key),
                              (key[:1] + "*", lambda other: other.startswith(key[:1]))):
            page.value("(f => { f.focus(); f.select(); })(document.getElementById('key'))")
            page.type(text)
            wanted = trace.about(matches, drawn)
            page.wait_until(f"events about {text!r} should be {sorted(wanted)}",
                            lambda: set(page.value(VISIBLE)), lambda got: got == wanted)
    page.press("Escape")
    page.wait_until("Escape does not empty the filter", lambda: set(page.value(VISIBLE)),
                    lambda got: got == drawn)


def check_zoom(page):
    width = lambda: page.value(f"{ACTIVE}.querySelector('svg').getBoundingClientRect().width")  # noqa: E731
    page.value("document.activeElement.blur()")
    original = width()
    page.press("+")
    page.wait_until("+ does not enlarge", width, lambda got: got > original * 1.1)
    page.press("0")
    page.wait_until("0 does not restore", width, lambda got: abs(got - original) < 1)
    page.press("-")
    page.wait_until("- does not reduce", width, lambda got: got < original * 0.9)
    page.press("0")
    page.mouse("mouseWheel", 300, 400, deltaX=0, deltaY=-100, modifiers=2)
    page.wait_until("Ctrl and the wheel do not enlarge", width, lambda got: got > original * 1.05)
    page.press("0")
    page.wait_until("0 does not restore", width, lambda got: abs(got - original) < 1)


def check_keys(page, trace):
    drawn = drawn_in(page)

    def move(id, key, wanted):
        page.value(f"{ACTIVE}.querySelector('[data-event=\"{id}\"]').focus()")
        page.press(key)
        page.wait_until(f"{key} from event {id} should lead to {wanted}", lambda: page.value(FOCUSED),
                        lambda got: got == wanted)

    by_lane = {}
    for id in sorted(drawn):
        by_lane.setdefault(trace.events[id]["lane"], []).append(id)
    for ids in by_lane.values():
        for above, below in list(zip(ids, ids[1:]))[:5]:
            move(above, "ArrowDown", below)
            move(below, "ArrowUp", above)
    ordered = sorted(drawn)
    if len(ordered) > 1:
        move(ordered[0], "Tab", ordered[1])
    received = set()
    for arrow in [a for a in trace.arrows if a["from"] in drawn and a["to"] in drawn][:8]:
        right = trace.events[arrow["to"]]["lane"] > trace.events[arrow["from"]]["lane"]
        move(arrow["to"], "ArrowLeft" if right else "ArrowRight", arrow["from"])
        if arrow["from"] not in received:  # of copies, the first
            move(arrow["from"], "ArrowRight" if right else "ArrowLeft", arrow["to"])
        received.add(arrow["from"])
    page.press("Enter")
    page.wait_until("Enter does not choose", lambda: page.value(RELATED + "('self')"),
                    lambda got: len(got) == 1)
    page.press("Escape")
    page.press("?")
    page.wait_until("? opens no help", lambda: page.value("document.getElementById('help').hidden"),
                    lambda got: got is False)
    page.press("?")


def check_quiet_box(page, trace):
    """The other drawing, with or without quiet messages."""
    if not page.value("document.getElementById('quiet') !== null"):
        return
    before = drawn_in(page)
    toggle = "(r => [r.left + r.width / 2, r.top + r.height / 2])(%s)" % (
        "document.getElementById('quiet').getBoundingClientRect()")
    page.click(*page.value(toggle))
    other = page.wait_until("the quiet messages stay as they were", lambda: drawn_in(page),
                            lambda got: got != before)
    assert before | other == set(trace.events), "with the quiet messages, not all events are drawn"
    assert before < other or other < before, "the drawings do not differ by the quiet messages alone"
    check_drawing(page)
    check_choosing(page, trace, 10)
    page.click(*page.value(toggle))
    page.wait_until("the quiet messages do not come back", lambda: drawn_in(page), lambda got: got == before)


def check_closed(page):
    """The page's own policy keeps it from any network. Last, for it makes the browser complain."""
    outcome = page.value("fetch('http://127.0.0.1:9/').then(() => 'answered', () => 'refused')")
    assert outcome == "refused", "the page can reach a network"
    complaints = [e["params"]["entry"]["text"] for e in page.take_events() if e["method"] == "Log.entryAdded"]
    is_forbidden = any("Content Security Policy" in text for text in complaints)
    assert is_forbidden, f"its policy does not forbid it: {complaints}"


def check_html(page):
    trace = Trace(page.value("JSON.parse(document.getElementById('history').textContent)"))
    assert drawn_in(page), "no event is drawn"
    check_drawing(page)
    check_choosing(page, trace)
    check_pointing(page, trace)
    check_filter(page, trace)
    check_zoom(page)
    check_keys(page, trace)
    check_quiet_box(page, trace)
    check_quiet(page)
    check_closed(page)


def check_svg(page, path):
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.get("role") == "img" and root.get("aria-label"), "it does not say what it is"
    check_drawing(page)
    check_quiet(page)


def check_file(browser, path):
    page = Page(browser, path)
    try:
        if path.endswith(".svg"):
            check_svg(page, path)
        else:
            check_html(page)
    finally:
        page.close()


def main(paths):
    program = find_chromium()
    if program is None:
        print("there is no chromium here; $CHROMIUM names it if it is elsewhere")
        return 77
    failed = 0
    with Browser(program) as browser:
        for path in paths:
            try:
                check_file(browser, path)
                print(f"ok      {path}")
            except (AssertionError, BrowserError) as why:
                failed += 1
                print(f"FAILED  {path}: {why}")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
