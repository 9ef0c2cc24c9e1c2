#!/usr/bin/env bash
# Each deliberate bug is caught by the checks that are there for it; the table says which, and after how many
# seeds. docs/testing.md tells more.
#
# usage: mutations_test.sh SIM_MUTATED
set -euo pipefail
exec "$1" --mutations
