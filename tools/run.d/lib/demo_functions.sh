# The demo's function server, and its scene: a lost reply, the retry, one execution, the replayed answer.
# Sourced after demo_cluster.sh; uses the demo's scene, tell, act and see.
# shellcheck shell=bash

RPC=$LAMPPOST_TOP/dist/lamppost-rpc
RPC_PORT='' RPC_PID=''

rpc_url() { echo "http://127.0.0.1:$RPC_PORT"; }
ask_rpc() { "$CLI" --server "$(rpc_url)" --timeout 10s "$@"; }
rpc_is_serving() { "$CLI" --server "$(rpc_url)" --timeout 1s functions; }

start_rpc() {
  local port
  for port in $(seq 5000 5100); do
    if port_is_free "$port"; then
      RPC_PORT=$port
      break
    fi
  done
  [ -n "$RPC_PORT" ] || die "no free port between 5000 and 5100"
  act "lamppost-rpc --port $RPC_PORT --enable-faults"
  "$RPC" --port "$RPC_PORT" --data-dir "$OUT/data/rpc" --enable-faults >>"$OUT/rpc.log" 2>&1 &
  RPC_PID=$!
  disown
  wait_until 15 'the function server to start' rpc_is_serving
}

stop_rpc() {
  [ -n "$RPC_PID" ] || return 0
  kill -TERM "$RPC_PID" 2>/dev/null || true
  while kill -0 "$RPC_PID" 2>/dev/null; do sleep 0.02; done
  RPC_PID=''
}

# lines NAME: how often the function "counter" has run.
lines() { wc -l <"$OUT/data/rpc/counters/$1"; }

scenario_functions() {
  local attempts count
  scene 'G. Functions: the reply is lost, the client retries, the function runs once'
  start_rpc
  act "lamppost --server $(rpc_url) call add a=1 b=2"
  tell "$(ask_rpc call add a=1 b=2)"
  act "lamppost --server $(rpc_url) fault rpc lose-reply --times 1"
  ask_rpc fault rpc lose-reply --times 1 >/dev/null
  act "lamppost --server $(rpc_url) call counter name=demo -v -o json"
  attempts=$(ask_rpc call counter name=demo -v -o json 2>&1) || die "the call failed: $attempts"
  while IFS= read -r line; do tell "${line%%,\"server\"*}"; done <<<"$attempts"
  grep -q '"replayed":true' <<<"$attempts" || die 'the second attempt was not a replay'
  count=$(lines demo)
  [ "$count" = 1 ] || die "the function ran $count times"
  see "the counter's file has $count line: two attempts, one run"
  see 'the second attempt got the outcome of the first one, replayed'
}
