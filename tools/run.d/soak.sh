#!/usr/bin/env bash
# soak: simulates clusters, or function servers, one for each seed, as long as you like
#
# usage: ./run soak [--seeds N] [--minutes M] [--first SEED] [--jobs J]
#        ./run soak --replay SEED|FILE [--brief]      plays one, and tells all that happens
#                   [--draw FILE [--from-ms N] [--until-ms N]]   and draws it: .svg .html .shiviz .jsonl
#        ./run soak --shrink SEED|FILE [--out FILE]   makes a bad one small
#        ./run soak --functions [OPTION…]             function servers instead of clusters
#        ./run soak [--functions] --help              lists all options
# Installs what it lacks, builds, and plays 1,000 seeds unless told otherwise, on all processors. Each seed is a
# cluster with its own size, work and faults; what is checked is in docs/testing.md. It ends with a summary:
# seeds, events a second, how often each fault struck, how often each invariant was looked at.
# Exit status 0 only if nothing was violated and every fault that was to strike did.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"

case ${1:-} in
  -h)
    show_help "$0"
    exit 0
    ;;
esac
simulator=tests/sim
options=("$@")
if [ "${1:-}" = --functions ]; then
  simulator=tests/rpc_sim
  options=(--jobs "$(nproc)" "${@:2}")
fi
need_packages build
say "building"
run_bazel build --config=opt "//$simulator:sim" >&2
bin=$(run_bazel info --config=opt bazel-bin 2>/dev/null)
# A copy, so that a build that goes on meanwhile changes nothing.
work=$(mktemp -d)
at_exit rm -rf "$work"
cp "$bin/$simulator/sim" "$work"
"$work/sim" "${options[@]}"
