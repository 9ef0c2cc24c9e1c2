# BUILD, WORKSPACE and .bzl files keep buildifier's layout and its warnings about plain mistakes.
# shellcheck shell=bash
find_buildifier || {
  status=$?
  echo "$WHY_NO_BUILDIFIER"
  exit "$status"
}
warnings=$(printf '%s,' load unused-variable uninitialized duplicated-name \
  integer-division positional-args unreachable return-value no-effect dict-concatenation \
  constant-glob module-docstring function-docstring-args)
mapfile -d '' files < <(project_files '*BUILD.bazel' '*BUILD' WORKSPACE '*.bzl')
[ "$LINT_MODE" = check ] || "$BUILDIFIER" -mode=fix "${files[@]}"
"$BUILDIFIER" -mode=check -lint=warn -warnings="${warnings%,}" "${files[@]}"
