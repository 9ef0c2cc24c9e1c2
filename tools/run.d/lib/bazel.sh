# Bazel, quiet and cleaned up after. Sourced after common.sh.
# LAMPPOST_BAZEL_STARTUP: startup options to add, such as --output_user_root=DIR.
# shellcheck shell=bash

read -r -a _bazel_startup <<<"${LAMPPOST_BAZEL_STARTUP:-}"
_bazel_quiet=(--ui_event_filters=-info --show_result=0)
[ -t 2 ] || _bazel_quiet+=(--noshow_progress --color=no --curses=no)

# A server that this script started ends with it; one that was there before is somebody's, and stays.
_bazel_server_runs() {
  # The argument has another form here, so that grep does not find itself.
  # shellcheck disable=SC2062
  grep -qszxF --regexp="--workspace_directory=$LAMPPOST_TOP" /proc/[0-9]*/cmdline
}
_stop_bazel() { bazel "${_bazel_startup[@]}" shutdown >/dev/null 2>&1; }
_bazel_server_runs || at_exit _stop_bazel

# run_bazel COMMAND ARG…
run_bazel() {
  local command=$1
  shift
  case $command in
    build | test) set -- "${_bazel_quiet[@]}" "$@" ;;
    query) set -- --noshow_progress "$@" ;;
  esac
  bazel "${_bazel_startup[@]}" "$command" "$@"
}

# run_bazel_apart NAME COMMAND ARG…: with an output base of its own, beside the usual one, and a Bazel that ends
# with the command. For builds by another compiler, which Bazel finds once for an output base.
run_bazel_apart() {
  local base
  base=$(run_bazel info output_base 2>/dev/null)-$1
  shift
  local _bazel_startup=("${_bazel_startup[@]}" --batch "--output_base=$base")
  run_bazel "$@"
}
