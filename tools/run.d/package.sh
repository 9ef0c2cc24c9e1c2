#!/usr/bin/env bash
# package: builds the Debian package into dist/
#
# usage: ./run package
# Installs what it lacks, builds the programs so that they run on Debian 12, Ubuntu 22.04 and later, and puts
# them into dist/lamppost_VERSION_amd64.deb with units for systemd, manual pages, completion for shells and
# sample settings, a dashboard and alert rules. Built again on the same machine it has the same bytes.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/debian_package.sh"
no_options "$0" "$@"

need_packages build package
say "building the programs"
labels=(//clients/cli:lamppost //services/kv/server:lamppost-kv //services/rpc/server:lamppost-rpc)
run_bazel build --config=portable "${labels[@]}"
bin=$(run_bazel info --config=portable bazel-bin 2>/dev/null)

stage=$(mktemp -d)
at_exit rm -rf "$stage"
mkdir -p "$stage/bin"
for label in "${labels[@]}"; do
  path=${label#//}
  cp "$bin/${path/://}" "$stage/bin/"
done
bundle_libraries "$stage"
say "packing"
mkdir -p dist
pack_debian "$stage" dist
