# Steps with a name, a time and an outcome, and the account of them at the end.
# Sourced after common.sh.
#
# Outcomes are lines of a file: passed|failed|skipped, a tab, the name, a tab, the reason.
# shellcheck shell=bash

STEP_OUTCOMES=$(mktemp)
at_exit rm -f "$STEP_OUTCOMES"

# note_outcome OUTCOME NAME [REASON]
note_outcome() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$STEP_OUTCOMES"; }

# timed NAME COMMAND ARG…: runs the command under a heading and tells how long it took; its status.
timed() {
  local name=$1 start=$SECONDS status=0
  shift
  say "$name"
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  printf '    %s: %d s\n' "$name" $((SECONDS - start)) >&2
  return "$status"
}

# step NAME COMMAND ARG…: one check. Status 0 is passed, 77 skipped, for the reason in the last line
# of its output; everything else is failed. Goes on in any case.
step() {
  local name=$1 status=0 output
  output=$(mktemp)
  # Not in a condition: the command would run without -e there.
  set +e
  timed "$@" 2>&1 | tee "$output" >&2
  status=${PIPESTATUS[0]}
  set -e
  case $status in
    0) note_outcome passed "$name" ;;
    77) note_outcome skipped "$name" "$(tail -n 2 "$output" | head -n 1)" ;; # the last line is the time
    *) note_outcome failed "$name" "exit status $status" ;;
  esac
  rm -f "$output"
}

# Prints what failed and what was skipped, then, as the last line, the counts. 1 if anything failed
# or nothing passed.
account() {
  local passed failed skipped outcome name reason
  while IFS=$'\t' read -r outcome name reason; do
    [ "$outcome" = passed ] || printf '%-8s%s%s\n' "$outcome" "$name" "${reason:+: $reason}"
  done < <(sort -s -k1,1r "$STEP_OUTCOMES")
  passed=$(grep -c ^passed "$STEP_OUTCOMES" || true)
  failed=$(grep -c ^failed "$STEP_OUTCOMES" || true)
  skipped=$(grep -c ^skipped "$STEP_OUTCOMES" || true)
  if [ "$skipped" = 0 ]; then
    echo "$passed passed, $failed failed"
  else
    echo "$passed passed, $failed failed, $skipped skipped"
  fi
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
