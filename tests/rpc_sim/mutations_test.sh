#!/usr/bin/env bash
# Each deliberate bug of the function service is caught by the checks that are there for it; mutation_table.cc
# says which, and the output after how many seeds.
#
# usage: mutations_test.sh SIM_MUTATED
set -euo pipefail
exec "$1" --mutations --jobs 2
