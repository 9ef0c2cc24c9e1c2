#!/usr/bin/env bash
# build: builds the programs, optimised, into dist/
#
# usage: ./run build [LABEL…]
# Installs the packages it lacks first. Without labels it builds the node (lamppost-kv), the function server
# (lamppost-rpc) and the client (lamppost); with labels, those Bazel targets, each of which must be a program.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"

case ${1:-} in
  -*)
    no_options "$0" "$@"
    ;;
  '') set -- //services/kv/server:lamppost-kv //services/rpc/server:lamppost-rpc //clients/cli:lamppost ;;
esac

need_packages build
say "building $*"
run_bazel build --config=opt "$@"
bin=$(run_bazel info --config=opt bazel-bin 2>/dev/null)
mkdir -p dist
for label in "$@"; do
  path=${label#//}
  program=$bin/${path/://}
  [ -f "$program" ] && [ -x "$program" ] || die "$label built no program"
  # A program that is running cannot be overwritten; it can be replaced.
  cp "$program" "dist/.new-${program##*/}"
  mv -f "dist/.new-${program##*/}" "dist/${program##*/}"
  echo "dist/${program##*/}"
done
