#!/usr/bin/env bash
# Draws traces and uses the drawings in a browser. $CHROMIUM names that if it is not `chromium`; without one
# nothing is tested, and in CI that is a failure.
#
# usage: chromium_test.sh DRAW TRACE.jsonl…
set -euo pipefail
draw=$1
shift
tests=$(dirname "$0")
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/diagram.XXXXXX")
trap 'rm -rf "$work"' EXIT
drawings=()
for trace in "$@"; do
  name=$(basename "$trace" .jsonl)
  for kind in svg html; do
    "$draw" "$kind" --title "$name" <"$trace" >"$work/$name.$kind"
    drawings+=("$work/$name.$kind")
  done
  "$draw" html --title "$name, with quiet messages" --quiet shown <"$trace" >"$work/$name-quiet.html"
  "$draw" svg --title "$name, its beginning" --max 12 <"$trace" >"$work/$name-cut.svg"
  drawings+=("$work/$name-quiet.html" "$work/$name-cut.svg")
done
status=0
python3 -B "$tests/chromium_test.py" "${drawings[@]}" || status=$?
[ "$status" = 77 ] || exit "$status"
[ -z "${CI:-}" ] || exit 1
