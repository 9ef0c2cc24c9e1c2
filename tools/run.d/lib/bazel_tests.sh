# Runs Bazel's tests and counts each target by Bazel's own word. Sourced after bazel.sh and steps.sh.
# shellcheck shell=bash

# Not //...: to a Bazel with an output base of its own the links that the usual one makes, bazel-NAME among
# them, are folders of the project. What is missing here is noticed: its tests are expected.
_folders=(//:all //clients/... //docs/... //proto/... //services/... //tests/... //third_party/...)

# run_bazel_tests NAME "BAZEL…" CONFIG "TAG LEFT OUT…" ARG…: by run_bazel or by run_bazel_apart with its name.
run_bazel_tests() {
  local name=$1 config=$3 tags=$4 work status=0 expression filters
  local -a bazel
  read -r -a bazel <<<"$2"
  shift 4
  work=$(mktemp -d)
  at_exit rm -rf "$work"
  # What must come up in the results: a test that silently did not run is a failed one.
  # A tag list is matched as the text "[a, b]".
  expression="tests(//...) except attr(tags, \"[\\[ ](${tags// /|})[,\\]]\", //...)"
  if ! run_bazel query "$expression" >"$work/expected" 2>"$work/query.log"; then
    tail -n 20 "$work/query.log" >&2
    note_outcome failed "$name" "a BUILD file cannot be read"
    return 0
  fi
  filters=-${tags// /,-}
  timed "$name" "${bazel[@]}" test --config="$config" --keep_going --test_tag_filters="$filters" \
    --build_event_json_file="$work/events" "$@" -- "${_folders[@]}" || status=$?
  python3 "$LAMPPOST_TOP/tools/run.d/lib/bazel_results.py" --name="$name" --exit-status="$status" \
    --expected="$work/expected" --events="$work/events" >>"$STEP_OUTCOMES"
}
