#!/usr/bin/env bash
# bench: measures the node against a gRPC server that does nothing
#
# usage: ./run bench [--quick] [--json FILE] [OPTION…]      ./run bench --help lists all options
# Installs what it lacks, builds, and runs one program that starts all servers it measures, on loopback,
# and stops them again. Ratios come first; they are what docs/benchmarks.md explains. etcd and Redis are
# measured too where they are installed; nothing is installed for them.
# A full run takes about six minutes, --quick about one. The data directories are made in TMPDIR, or else
# in /var/tmp, which must be on a real disk for the durable writes to mean anything.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"

node=//services/kv/server:lamppost-kv
bench=//tests/bench:bench

need_packages build
say "building"
run_bazel build --config=opt "$node" "$bench"
bin=$(run_bazel info --config=opt bazel-bin 2>/dev/null)

# Of this script, so that it goes even if the program is interrupted. Copies, so that a build that goes
# on meanwhile changes nothing.
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}" lamppost-bench.XXXXXX)
at_exit rm -rf "$work"
cp "$bin/services/kv/server/lamppost-kv" "$bin/tests/bench/bench" "$work"
say "measuring: keep the machine quiet"
"$work/bench" --node-program "$work/lamppost-kv" --work-dir "$work" "$@"
