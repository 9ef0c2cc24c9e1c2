#!/usr/bin/env bash
# test: lint, all tests, and the unit tests again under ASan and UBSan
#
# usage: ./run test
# Installs what it lacks, then runs, going on after a failure:
#   1. the checks of ./run lint
#   2. all Bazel tests, optimised; the whole-system tests (tag integration) are among them
#   3. ./run demo and ./run soak
#   4. ./run package, twice: the same bytes, for the systems that it is for
#   5. the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer (all but those tagged
#      integration or noasan), by clang, as the next step builds
#   6. each fuzz target with 20,000 inputs, or as many as it takes in half a minute (./run fuzz takes more)
# Tests tagged manual are left out; those tagged needs-buf or needs-grpcurl are skipped where that tool
# cannot be had (never in CI, if its registry can be reached). Logs of failed tests are printed and stay
# in bazel-testlogs/. Ends with the line "N passed, N failed[, N skipped]".
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/registry_tools.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/steps.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/lint_checks.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel_tests.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/fuzz_targets.sh"
no_options "$0" "$@"

# need_tool NAME: finds it; without it, the tests tagged needs-NAME are skipped and reported.
left_out=(manual)
need_tool() {
  local name=$1 status=0 why
  "find_$name" || status=$?
  [ "$status" != 0 ] || return 0
  left_out+=("needs-$name")
  why="WHY_NO_${name^^}"
  if [ "$status" = 77 ]; then
    note_outcome skipped "tests tagged needs-$name" "${!why}"
  else
    note_outcome failed "$name" "${!why}"
  fi
}

# Each target is a step; if they cannot be built, that is one that failed.
fuzz_briefly() {
  local targets
  mapfile -t targets < <(fuzz_target_names)
  if ! timed "building the fuzz targets" build_fuzz_targets "${targets[@]}"; then
    note_outcome failed "fuzz targets" "they cannot be built"
    return 0
  fi
  say "fuzzing"
  run_fuzz_targets "-runs=20000 -max_total_time=30 -seed=1" "${targets[@]}" >&2
}

# What docs/testing.md shows; the thousand seeds are a Bazel test.
soak_briefly() {
  ./run soak --seeds 50
  ./run soak --replay 7 --brief >/dev/null
  ./run soak --functions --seeds 50
}

# Built twice, by users as different as can be.
package_twice() {
  local first package
  package=$(./run package)
  first=$(sha256sum "$package")
  (umask 077 && TZ=Asia/Tokyo LC_ALL=C ./run package)
  [ "$(sha256sum "$package")" = "$first" ] || die "built again, it has other bytes"
  LAMPPOST_PACKAGE=$LAMPPOST_TOP/$package PYTHONPATH=tests/deploy PYTHONDONTWRITEBYTECODE=1 \
    python3 -m unittest -v portable_test
}

start=$SECONDS
need_packages build package lint test fuzz
run_lint_checks check
need_tool buf
need_tool grpcurl
tools=("--test_env=BUF=$BUF" "--test_env=GRPCURL=$GRPCURL")
run_bazel_tests "all tests" run_bazel opt "${left_out[*]}" "${tools[@]}"
step demo ./run demo
step soak soak_briefly
step package package_twice
run_bazel_tests "unit tests under ASan and UBSan" "run_bazel_apart fuzz" fuzz \
  "${left_out[*]} integration noasan" --build_tests_only --symlink_prefix=/
fuzz_briefly
say "all of it: $((SECONDS - start)) s"
account
