#!/usr/bin/env bash
# No program that is shipped contains a mutation, and a mutated one is known when it is seen.
#
# usage: shipped_test.sh PROBE PROBE_MUTATED SHIPPED...
set -euo pipefail

probe=$1
probe_mutated=$2
shift 2

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
has_mutations() { grep -qaF 'lamppost-mutation:' "$1"; }
expect() {
  local what=$1 expected=$2 found=$3
  [[ $found == "$expected" ]] || fail "$what: '$found' instead of '$expected'"
}

has_mutations "$probe_mutated" || fail "the mark is not in a program that was built with mutations"
[[ $("$probe_mutated" list | wc -l) -gt 20 ]] || fail "the mutated program has hardly any mutation"
expect "another mutation" "the higher id wins" "$("$probe_mutated" tie no-relay)"
expect "the mutation" "the first stays" "$("$probe_mutated" tie no-tie-break)"
"$probe_mutated" tie no-such-thing >/dev/null && fail "a mutation was found that there is not"

expect "the names in an ordinary build" "" "$("$probe" list)"
"$probe" tie no-tie-break >/dev/null && fail "an ordinary build has the mutation"
for program in "$probe" "$@"; do
  [[ -s $program ]] || fail "$program is not there"
  has_mutations "$program" && fail "$program contains mutations"
done
echo "$# shipped programs looked at, no mutation in them"
