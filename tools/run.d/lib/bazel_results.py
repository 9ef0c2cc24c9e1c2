"""Turns Bazel's build event file into outcome lines (see steps.sh), one a test target.

A test that was expected and has no result counts as failed, and so does a target that did not build,
a run without a single test, and a run that Bazel itself calls failed although no target did.
"""

import argparse
import json
import os
import re
import sys
from urllib.parse import unquote, urlparse

# Bazel's exit status when all was built and some tests failed.
TESTS_FAILED = 3
PASSED = {"PASSED", "FLAKY"}
# Of each failed test's log so much is read, and of what is left of that, its end is shown.
READ_BYTES = 1000000
SHOWN_CHARACTERS = 6000
# And of its first failure so much stands beside its name in the account at the end.
REASON_CHARACTERS = 300
# What Bazel's sandbox says of itself is left out.
SANDBOX = "src/main/tools/linux-sandbox"


def read_events(path):
    """Yields the events; a file cut short by a crash yields what it holds."""
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    return
    except OSError:
        return


def collect(events):
    """Returns ({test label: status}, {labels that did not build}, {test label: log of a failed run})."""
    tests, broken, logs = {}, set(), {}
    for event in events:
        event_id = event.get("id", {})
        if "testSummary" in event_id:
            label = event_id["testSummary"]["label"]
            tests[label] = event.get("testSummary", {}).get("overallStatus", "NO_STATUS")
            for failed in event.get("testSummary", {}).get("failed", []):
                logs[label] = unquote(urlparse(failed.get("uri", "")).path)
        elif "targetCompleted" in event_id:
            if not event.get("completed", {}).get("success", False):
                broken.add(event_id["targetCompleted"]["label"])
    return tests, broken, logs


def read_log(path):
    """The log of a failed test, or why it cannot be read."""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.path.getsize(path) - READ_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        return str(error)
    return "\n".join(line for line in lines if SANDBOX not in line)


def first_failure(text):
    """What failed first, in one line: GoogleTest's words for it, or else the log's last line."""
    failures = re.split(r"^(?=\S+:\d+: Failure$)", text, flags=re.MULTILINE)[1:]
    lines = text.strip().splitlines()
    failure = re.split(r"^(?:\[|----)", failures[0], flags=re.MULTILINE)[0] if failures else "".join(lines[-1:])
    names = re.findall(r"^\[  FAILED  \] (\S+) \(", text, flags=re.MULTILINE)
    line = " ".join(" ".join(names[:1] + [failure]).split())
    return line[:REASON_CHARACTERS]


def outcomes(expected, tests, broken, reasons, exit_status):
    """Yields (outcome, label, reason). reasons: by label, for those that have a log."""
    failures = 0
    for label in sorted(expected | set(tests)):
        status = tests.get(label)
        if status in PASSED:
            yield "passed", label, ""
            continue
        failures += 1
        if label in broken and status in (None, "NO_STATUS", "FAILED_TO_BUILD"):
            yield "failed", label, "does not build"
        else:
            what = status.lower() if status else "did not run"
            yield "failed", label, ": ".join([what] + reasons.get(label, []))
    for label in sorted(broken - expected - set(tests)):
        failures += 1
        yield "failed", label, "does not build"
    if not expected and not tests:
        yield "failed", "", "no test was run"
    elif exit_status not in (0, TESTS_FAILED) and not failures:
        yield "failed", "", "Bazel ended with status %d" % exit_status
    elif exit_status == TESTS_FAILED and not failures:
        yield "failed", "", "Bazel says that a test failed, and names none"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="what ran; stands before each label")
    parser.add_argument("--exit-status", type=int, required=True)
    parser.add_argument("--expected", required=True, help="file of labels that must have a result")
    parser.add_argument("--events", required=True, help="what --build_event_json_file wrote")
    options = parser.parse_args()
    with open(options.expected, encoding="utf-8") as lines:
        expected = {line.strip() for line in lines if line.strip()}
    tests, broken, logs = collect(read_events(options.events))
    reasons = {}
    for label, path in sorted(logs.items()):
        text = read_log(path)
        # Where CI runs, nobody can look at it later.
        sys.stderr.write("---- the end of the log of %s\n%s\n" % (label, text[-SHOWN_CHARACTERS:]))
        reasons[label] = list(filter(None, [first_failure(text)]))
    for outcome, label, reason in outcomes(expected, tests, broken, reasons, options.exit_status):
        name = "%s: %s" % (options.name, label) if label else options.name
        sys.stdout.write("%s\t%s\t%s\n" % (outcome, name, reason))


if __name__ == "__main__":
    main()
