#!/usr/bin/env bash
# A replay can be drawn, into each kind of file, and is the same replay then; what cannot be drawn is refused.
#
# usage: draw_test.sh SIM
set -euo pipefail
sim=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}
hash_of() {
  grep '^trace hash' <<<"$1"
}

plain=$(hash_of "$("$sim" --replay 7 --brief)")
[[ -n $plain ]] || fail "no trace hash"
for end in jsonl svg html shiviz; do
  drawn=$(hash_of "$("$sim" --replay 7 --brief --draw "$work/7.$end")")
  [[ $plain == "$drawn" ]] || fail "drawn into .$end, the run is another: $plain, $drawn"
done
"$sim" --replay 7 --brief --draw "$work/again.jsonl" >/dev/null
cmp "$work/7.jsonl" "$work/again.jsonl" || fail "the same run gives another drawing"

for kind in send receive write start; do
  grep -q "\"kind\":\"$kind\"" "$work/7.jsonl" || fail "no $kind is told of"
done
[[ $(grep -c 'data-arrow=' "$work/7.svg") -gt 100 ]] || fail "there are no arrows in the picture"
grep -q 'data-arrow=' "$work/7.html" || fail "there are no arrows on the page"
[[ $(wc -l <"$work/7.shiviz") -gt 100 ]] || fail "the log for ShiViz is empty"

"$sim" --replay 7 --brief --draw "$work/part.jsonl" --from-ms 1000 --until-ms 1200 >/dev/null
[[ -s $work/part.jsonl ]] || fail "nothing happens in the stretch"
[[ $(wc -l <"$work/part.jsonl") -lt $(wc -l <"$work/7.jsonl") ]] || fail "a stretch is all of it"

refused() {
  local said status=0
  said=$("$sim" "$@" 2>&1 >/dev/null) || status=$?
  [[ $status == 2 && -n $said ]] || fail "$*: exit status $status: $said"
}
refused --replay 7 --draw "$work/7.png"
refused --replay 7 --draw "$work/no/such/folder/7.svg"
refused --replay 7 --draw "$work/late.svg" --from-ms 100000000
refused --replay 7 --from-ms 5
refused --draw "$work/7.svg"
