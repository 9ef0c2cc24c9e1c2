"""Checks that what is said of metrics agrees: docs/metrics.md, the dashboard, the alert rules, and the pages about them.

- every metric that a panel, a rule or a rule's test names is in docs/metrics.md, with the suffixes that its type has;
- every alert has a test, and a section of its name in docs/operations.md, which has no others;
- README.md names the dashboard's rows and panels, and no others;
- panels have queries, of the data source that is chosen at the top.

That a server serves what docs/metrics.md lists is tested with real servers: tests/integration/metrics_test.cc.

usage: check.py TOP     prints each offence; exit status 1 if there is any
"""

import json
import os
import re
import sys

DASHBOARD = "deploy/grafana/lamppost.json"
RULES = "deploy/prometheus/alerts.yaml"
RULE_TESTS = "deploy/prometheus/alerts_test.yaml"
METRICS = "docs/metrics.md"
OPERATIONS = "docs/operations.md"
ALERTS_SECTION = "## What each alert means"

# What Prometheus adds itself.
OF_PROMETHEUS = {"up"}
METRIC = re.compile(r"\b(?:lamppost|process|exposer)_[a-z0-9_]+\b|\bup\b(?=\{)")
SUFFIXES = {"histogram": ["_bucket", "_sum", "_count"], "summary": ["_sum", "_count", ""], "counter": [""], "gauge": [""]}


def documented(page):
    """The names of series by the tables of docs/metrics.md."""
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| ([a-z]+) \|", page, re.MULTILINE)
    return {name + suffix for name, kind in rows for suffix in SUFFIXES[kind]}


def unknown_metrics(text, where, known):
    names = set(METRIC.findall(text))
    return [f"{where}: there is no metric {name} in {METRICS}" for name in sorted(names - known - OF_PROMETHEUS)]


def section(page, heading):
    """The lines below the heading, up to the next one of its rank."""
    rank = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{rank} |\Z)", page, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def differences(have, want, have_name, want_name):
    return [f"{have_name} has {name}, which {want_name} has not" for name in sorted(set(have) - set(want))] + [
        f"{want_name} has {name}, which {have_name} has not" for name in sorted(set(want) - set(have))
    ]


def check_alerts(texts, known):
    alerts = re.findall(r"^ +- alert: (\w+)$", texts[RULES], re.MULTILINE)
    tested = re.findall(r"alertname: (\w+)", texts[RULE_TESTS])
    told = re.findall(r"^### (\w+)$", section(texts[OPERATIONS], ALERTS_SECTION), re.MULTILINE)
    offences = [] if alerts else [f"{RULES}: there are no alerts"]
    if len(alerts) != len(set(alerts)):
        offences.append(f"{RULES}: two alerts have one name")
    offences += differences(alerts, tested, RULES, RULE_TESTS)
    offences += differences(alerts, told, RULES, f"{OPERATIONS}, '{ALERTS_SECTION}',")
    for path in [RULES, RULE_TESTS]:
        offences += unknown_metrics(texts[path], path, known)
    return offences


def check_panel(panel, known):
    where = f"{DASHBOARD}: {panel['title']}"
    offences = [] if panel.get("targets") else [f"{where}: there is no query"]
    for target in panel.get("targets", []):
        offences += unknown_metrics(target["expr"], where, known)
        if not METRIC.search(target["expr"]):
            offences.append(f"{where}: a query names no metric")
        if target["datasource"]["uid"] != "${datasource}":
            offences.append(f"{where}: a query has a data source of its own")
    return offences


def check_dashboard(texts, known):
    dashboard = json.loads(texts[DASHBOARD])
    names, offences, ids = [], [], set()
    for panel in dashboard["panels"]:
        names.append(panel["title"])
        if panel["id"] in ids:
            offences.append(f"{DASHBOARD}: two panels have the id {panel['id']}")
        ids.add(panel["id"])
        if panel["type"] != "row":
            offences += check_panel(panel, known)
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    if variables.get("datasource") != "datasource":
        offences.append(f"{DASHBOARD}: the data source cannot be chosen")
    table = re.findall(r"^\| (.+) \| (.+) \|$", section(texts["README.md"], "## Watching it"), re.MULTILINE)
    told = [row for row, _ in table[1:]] + [name for _, panels in table[1:] for name in panels.split(" · ")]
    return offences + differences(names, told, DASHBOARD, "README.md")


def check(top):
    texts = {}
    for path in [DASHBOARD, RULES, RULE_TESTS, METRICS, OPERATIONS, "README.md"]:
        with open(os.path.join(top, path), encoding="utf-8") as file:
            texts[path] = file.read()
    known = documented(texts[METRICS])
    offences = [] if known else [f"{METRICS}: there are no metrics"]
    return offences + check_alerts(texts, known) + check_dashboard(texts, known)


if __name__ == "__main__":
    found = check(sys.argv[1])
    for offence in found:
        print(offence)
    sys.exit(1 if found else 0)
