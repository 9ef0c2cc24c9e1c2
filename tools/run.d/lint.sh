#!/usr/bin/env bash
# lint: checks layout, style and layering; lint --fix formats
#
# usage: ./run lint [--fix]
# Installs the tools it lacks, then runs each check of tests/lint. With --fix the formatters among
# them (buf, buildifier, clang-format) rewrite the files first.
# Ends with the line "N passed, N failed[, N skipped]".
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/registry_tools.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/steps.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/lint_checks.sh"

mode=check
if [ "${1:-}" = --fix ]; then
  mode=fix
  shift
fi
no_options "$0" "$@"

need_packages lint
run_lint_checks "$mode"
account
