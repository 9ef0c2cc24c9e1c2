#!/usr/bin/env bash
# What the shells offer behind some words of a command line. zsh and fish are asked where they are installed.
set -euo pipefail

lamppost=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for shell in bash zsh fish; do "$lamppost" completion "$shell" >"$work/$shell"; done

# The last word is the one to be completed.
in_bash() {
  bash -c '
    source "$1"; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _lamppost
    printf "%s\n" "${COMPREPLY[@]}"' - "$work/bash" "$@"
}

# Its completion system is replaced by what shows the items that it is given; it does the matching itself.
in_zsh() {
  zsh -f -c '
    compdef() { : }
    compset() { PREFIX=${PREFIX#*=} }
    _files() { print -- "<files>" }
    compadd() { shift; print -l -- "$@" }
    _describe() { local name=${@[-1]}; print -l -- ${${(P)name}%%:*} }
    source "$1"; shift
    words=("$@") CURRENT=$# PREFIX=${@[-1]}
    _lamppost' - "$work/zsh" "$@" | { grep -e "^${*: -1}" -e '<files>' || [[ "${*: -1}" == *=* ]]; }
}

in_fish() {
  HOME=$work fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$work/fish" "$*" | cut -f1
}

# expect WANTED WORD…: what is offered, in one line, is WANTED.
expect() {
  local wanted=$1 got shell
  shift
  for shell in "${shells[@]}"; do
    got=$("in_$shell" "$@" | sort | paste -sd' ')
    [ "$got" = "$wanted" ] && continue
    echo "FAILED: $shell offers behind '$*': '$got', not '$wanted'" >&2
    failed=yes
  done
}

failed=no
shells=(bash)
for shell in zsh fish; do
  if command -v "$shell" >/dev/null; then shells+=("$shell"); else echo "skipped: there is no $shell here"; fi
done

expect "get" lamppost ge
expect "delay" lamppost fault dela
expect "delay" lamppost --timeout 5s fault dela
expect "delay" lamppost --timeout put fault dela
expect "delay" lamppost --node http://127.0.0.1:8000 fault dela
expect "delay" lamppost --node http://127.0.0.1:8000,http://127.0.0.1:8001 -v fault dela
expect "save" lamppost snapshot s
expect "--for" lamppost fault delay --fo
expect "--jitter" lamppost fault delay --ji
expect "--attempt-timeout" lamppost fault delay --att
expect "json" lamppost -o js
expect "json" lamppost get x --output js
expect "bash" lamppost completion ba

for shell in zsh fish; do
  if command -v "$shell" >/dev/null; then "$shell" -n "$work/$shell" || failed=yes; fi
done
[ "$failed" = no ]
