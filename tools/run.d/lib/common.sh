# What every verb starts with: strict mode, speaking to the user, cleaning up.
# Sourced, by a script that ./run started (LAMPPOST_TOP is the project's folder).
# shellcheck shell=bash
set -euo pipefail

: "${LAMPPOST_TOP:?is set by ./run, which starts this script}"
# What the project installs for itself; git ignores it.
export LAMPPOST_CACHE=$LAMPPOST_TOP/.cache

# Colour is for people alone.
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  _bold=$'\e[1m' _red=$'\e[31m' _plain=$'\e[0m'
else
  _bold='' _red='' _plain=''
fi

say() { printf '%s\n' "${_bold}==> $*${_plain}" >&2; }
complain() { printf '%s\n' "${_red}$*${_plain}" >&2; }
die() {
  complain "./run: $*"
  exit 1
}

# Prints the comment that stands at the top of the verb's own file.
show_help() {
  sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//p}' "$1"
}

# A verb without options of its own: -h, or nothing.
no_options() {
  local file=$1
  shift
  case ${1:-} in
    '') return 0 ;;
    -h | --help)
      show_help "$file"
      exit 0
      ;;
  esac
  complain "${file##*/}: unknown option '$1'"
  show_help "$file" >&2
  exit 2
}

# at_exit COMMAND ARG…: run when the script ends, however it ends, last registered first.
_at_exit=()
at_exit() { _at_exit=("$(printf '%q ' "$@")" "${_at_exit[@]}"); }
_run_at_exit() {
  local status=$? command
  for command in "${_at_exit[@]}"; do eval "$command" || true; done
  exit "$status"
}
trap _run_at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo: $*"
  fi
}

# The project's files: those git tracks and new ones it does not ignore, NUL-separated; the arguments are pathspecs.
project_files() {
  git -c safe.directory="$LAMPPOST_TOP" -C "$LAMPPOST_TOP" ls-files -z --cached --others --exclude-standard -- "$@" |
    while IFS= read -r -d '' file; do
      # One that is deleted but not committed is listed too.
      [ ! -f "$LAMPPOST_TOP/$file" ] || printf '%s\0' "$file"
    done
}
