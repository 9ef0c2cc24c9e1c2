# Runs the checks of tests/lint as steps. Sourced after steps.sh and registry_tools.sh.
#
# A check is a file tests/lint/NAME.sh, sourced in a subshell: it works from the project's top, has
# project_files and $LINT_MODE (check or fix), and ends with 0, 1, or 77 and the reason to skip.
# shellcheck shell=bash

_run_check() {
  # shellcheck source=/dev/null
  source "$1"
}

# run_lint_checks check|fix
run_lint_checks() {
  local file
  # Not needed by the checks that run in subshells: it is read there.
  # shellcheck disable=SC2034
  LINT_MODE=$1
  for file in "$LAMPPOST_TOP"/tests/lint/*.sh; do
    step "lint: $(basename "$file" .sh)" _run_check "$file"
  done
}
