#!/usr/bin/env bash
# Runs the commands that the pages show, in their order, as a reader would: the lines that begin with
# "$ " in console blocks, and the grpcurl calls in tables. A block with a path behind its
# language is a file, and is written first. Programs and ports are replaced: dist/ by the built ones, 8000 to
# 8003 and 5000 to 5003 by free ports. Commands of ./run are checked to be verbs it has; running them is CI's business.
#
# usage: docs_test.sh [--grpcurl] LAMPPOST_KV LAMPPOST_RPC LAMPPOST RUN_D PAGE…
# Without --grpcurl the calls of grpcurl are left out. With it $GRPCURL names the tool; without one nothing is
# tested, and in CI that is a failure.
set -euo pipefail

with_grpcurl=
if [ "$1" = --grpcurl ]; then
  with_grpcurl=yes
  shift
  if [ -z "${GRPCURL:-}" ]; then
    echo "\$GRPCURL does not name the tool; ./run test finds or installs it" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
  fi
fi
kv=$PWD/$1 rpc=$PWD/$2 cli=$PWD/$3 run_d=$PWD/$4
shift 4
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/docs.XXXXXX")
pids=() rpc_pids=()
finish() {
  local status=$?
  [ "$status" = 0 ] || tail -n 20 "$work"/*.log || true
  for pid in "${pids[@]}" "${rpc_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}" "${rpc_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

free_ports() {
  # That the system has just given out, held together so that they differ.
  python3 -c 'import socket
s = [socket.socket() for _ in range(8)]
for one in s: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in s])'
}
read -r port_a port_b port_c port_tls port_rpc port_functions port_faults port_tls_rpc < <(free_ports)

# The files that a page shows, in their folders.
write_files_of() {
  mkdir -p "$work/functions"
  awk -v work="$work" '
    /^```[a-z]+ [A-Za-z0-9_.\/]+$/ { file = work "/" $2; printf "" > file; next }
    /^```/ { file = "" }
    file != "" { print > file }' "$1"
}

# The commands of a page, one a line. A table's line that speaks of grpcurl shows one call of it, or is wrong.
commands_of() {
  awk '
    /^```/ { block = block == "" ? $0 : ""; next }
    block == "```console" && /^\$ / { print substr($0, 3) }
    block == "" && /^\|.*grpcurl/ {
      if (gsub(/grpcurl/, "&") != 1 || !match($0, /`grpcurl [^`]+`/)) {
        print FILENAME ": this should show one call of grpcurl: " $0 > "/dev/stderr"
        exit 1
      }
      print substr($0, RSTART + 1, RLENGTH - 2)
    }' "$1"
}

to_local() {
  sed -e "s|127.0.0.1:8000|127.0.0.1:$port_a|g; s|127.0.0.1:8001|127.0.0.1:$port_b|g; s|127.0.0.1:8002|127.0.0.1:$port_c|g" \
    -e "s|127.0.0.1:8003|127.0.0.1:$port_tls|g; s|--port 8003|--port $port_tls|" \
    -e "s|127.0.0.1:5003|127.0.0.1:$port_tls_rpc|g; s|--port 5003|--port $port_tls_rpc|" \
    -e "s|127.0.0.1:5000|127.0.0.1:$port_rpc|g; s|--port 5000|--port $port_rpc|" \
    -e "s|127.0.0.1:5001|127.0.0.1:$port_functions|g; s|--port 5001|--port $port_functions|" \
    -e "s|127.0.0.1:5002|127.0.0.1:$port_faults|g; s|--port 5002|--port $port_faults|" \
    -e "s|--port 8000|--port $port_a|; s|--port 8001|--port $port_b|; s|--port 8002|--port $port_c|" \
    -e "s|^dist/lamppost-kv|$kv|; s|^dist/lamppost-rpc|$rpc|; s|^dist/lamppost|$cli|; s|^! dist/lamppost|! $cli|; s|^grpcurl|${GRPCURL:-grpcurl}|"
}

wait_until_serving() {
  local deadline=$((SECONDS + 20))
  until "$cli" --node "http://127.0.0.1:$1" --timeout 1s put docs-test ready >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "the node on port $1 does not serve" >&2; exit 1; }
    sleep 0.1
  done
}

# Retried for a while: what one node was told reaches the others a moment later, and a server takes a moment
# to start.
run_command() {
  local command=$1 deadline=$((SECONDS + 10))
  until (cd "$work" && eval "$command") >"$work/output" 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "failed: $command" >&2
      cat "$work/output" >&2
      exit 1
    fi
    sleep 0.1
  done
}

ran=0 skipped=0
for page in "$@"; do
  write_files_of "$page"
  commands=$(commands_of "$page")
  while IFS= read -r command; do
    local_command=$(to_local <<<"$command")
    case $command in
      '') continue ;;
      './run '*)
        verb=$(cut -d' ' -f2 <<<"$command")
        [ -f "$run_d/$verb.sh" ] || { echo "$page: ./run has no verb '$verb'" >&2; exit 1; }
        ;;
      'dist/lamppost-rpc '*' &')
        (cd "$work" && eval "exec ${local_command% &}") >"$work/rpc-${#rpc_pids[@]}.log" 2>&1 &
        rpc_pids+=($!)
        ;;
      'dist/lamppost-kv '*' &')
        (cd "$work" && eval "exec ${local_command% &}") >"$work/node-${#pids[@]}.log" 2>&1 &
        pids+=($!)
        ;;
      grpcurl*)
        if [ -z "$with_grpcurl" ]; then
          skipped=$((skipped + 1))
          continue
        fi
        run_command "$local_command"
        ;;
      *) run_command "$local_command" ;;
    esac
    ran=$((ran + 1))
    # The pages start the nodes first; the reader takes a moment longer than this test.
    if [ "${#pids[@]}" = 3 ] && [ -z "${serving:-}" ]; then
      for port in "$port_a" "$port_b" "$port_c"; do wait_until_serving "$port"; done
      serving=yes
    fi
  done <<<"$commands"
done
echo "$ran commands ran, $skipped of grpcurl were left out"
[ "$ran" -ge 12 ]
