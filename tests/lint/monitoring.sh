# The alert rules are rules, and fire when they are to, by promtool; and the metrics that they and the dashboard
# name are those of docs/metrics.md (tests/monitoring/check.py).
# shellcheck shell=bash
promtool check rules deploy/prometheus/alerts.yaml
promtool test rules deploy/prometheus/alerts_test.yaml
# Its rules are where the package puts them.
promtool check config --syntax-only deploy/prometheus/prometheus.yaml
/usr/bin/env python3 tests/monitoring/check.py .
