# Builds the fuzz targets and runs them. Sourced after bazel.sh and steps.sh; needs the packages of the groups
# build and fuzz.
# shellcheck shell=bash

# What a run leaves: the inputs that reached something new, which the next run starts from, logs and findings.
FUZZ_DIR=$LAMPPOST_CACHE/fuzz

# All targets there are, a name a line.
fuzz_target_names() {
  local file
  for file in "$LAMPPOST_TOP"/tests/fuzz/*_fuzz.cc; do
    file=${file##*/}
    echo "${file%_fuzz.cc}"
  done
}

# build_fuzz_targets NAME…: copies of the programs, so that a build that goes on meanwhile changes nothing.
build_fuzz_targets() {
  local bin name
  local labels=("${@/#/\/\/tests\/fuzz:}")
  run_bazel_apart fuzz build --config=fuzz --symlink_prefix=/ "${labels[@]/%/_fuzz}" || return
  bin=$(run_bazel_apart fuzz info --config=fuzz bazel-bin 2>/dev/null) || return
  mkdir -p "$FUZZ_DIR/bin" "$FUZZ_DIR/findings"
  for name in "$@"; do cp -f "$bin/tests/fuzz/${name}_fuzz" "$FUZZ_DIR/bin/"; done
}

# _fuzz_one NAME ARG…: becomes one target, over its corpus and what earlier runs found; its log stays.
_fuzz_one() {
  local name=$1
  shift
  mkdir -p "$FUZZ_DIR/corpus/$name"
  exec "$FUZZ_DIR/bin/${name}_fuzz" -print_final_stats=1 -max_len=4096 -timeout=20 -rss_limit_mb=4096 "$@" \
    -artifact_prefix="$FUZZ_DIR/findings/$name-" \
    "$FUZZ_DIR/corpus/$name" "$LAMPPOST_TOP/tests/fuzz/corpus/$name" >"$FUZZ_DIR/$name.log" 2>&1
}

# _fuzz_report NAME STATUS SECONDS: a line about the run, its outcome as a step, and how a finding is repeated.
_fuzz_report() {
  local name=$1 status=$2 seconds=$3 log=$FUZZ_DIR/$1.log runs edges finding
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-16s %9s inputs %6s edges %5s s %8s/s   %s\n' "$name" "${runs:-?}" "${edges:-?}" "$seconds" \
    "$((${runs:-0} / (seconds > 0 ? seconds : 1)))" "$([ "$status" = 0 ] && echo passed || echo FAILED)"
  if [ "$status" = 0 ]; then
    note_outcome passed "fuzz $name"
    return
  fi
  grep -v '^#' "$log" | tail -n 40 >&2
  finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  [ -z "$finding" ] || finding="again with ./run fuzz --input ${finding#"$LAMPPOST_TOP/"} $name"
  note_outcome failed "fuzz $name" "${finding:-exit status $status, see $log}"
}

_fuzzers=()
_end_fuzzers() { [ ${#_fuzzers[@]} = 0 ] || kill "${_fuzzers[@]}" 2>/dev/null; }

# run_fuzz_targets "ARG…" NAME…: as many at a time as there are processors. The arguments are libFuzzer's.
run_fuzz_targets() {
  local -a arguments
  local name running=0
  read -r -a arguments <<<"$1"
  shift
  at_exit _end_fuzzers
  for name in "$@"; do
    if [ "$running" -ge "$(nproc)" ]; then
      wait -n || true
      running=$((running - 1))
    fi
    (
      start=$SECONDS status=0
      _fuzz_one "$name" "${arguments[@]}" &
      trap 'kill $!; exit 143' TERM
      wait $! || status=$?
      _fuzz_report "$name" "$status" "$((SECONDS - start))"
    ) &
    _fuzzers+=($!)
    running=$((running + 1))
  done
  wait
  _fuzzers=()
}
