# The demo's nodes: started, asked, killed. Sourced after common.sh; sets OUT, PORT, PID.
# shellcheck shell=bash

OUT=$LAMPPOST_TOP/demo-out
KV=$LAMPPOST_TOP/dist/lamppost-kv
CLI=$LAMPPOST_TOP/dist/lamppost
NODES=(A B C)
declare -A PORT PID

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# 8000 to 8003, or the next four that are free. D, who joins later, has the last.
choose_ports() {
  local base
  for base in $(seq 8000 10 8500); do
    if port_is_free "$base" && port_is_free $((base + 1)) && port_is_free $((base + 2)) &&
      port_is_free $((base + 3)); then
      PORT=([A]=$base [B]=$((base + 1)) [C]=$((base + 2)) [D]=$((base + 3)))
      return
    fi
  done
  die "no four free ports in a row between 8000 and 8503"
}

url() { echo "http://127.0.0.1:${PORT[$1]}"; }

peers_of() {
  local node list=''
  for node in "${NODES[@]}"; do [ "$node" = "$1" ] || list+=${list:+,}$(url "$node"); done
  echo "$list"
}

# start NODE: waits until it takes calls.
start() {
  "$KV" --id "$1" --port "${PORT[$1]}" --peers "$(peers_of "$1")" --data-dir "$OUT/data/$1" --enable-faults \
    >>"$OUT/$1.log" 2>&1 &
  PID[$1]=$!
  disown
}

# wait_until SECONDS WHAT COMMAND…: until the command succeeds.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || die "gave up waiting: $what (logs: $OUT/*.log)"
    sleep 0.05
  done
}

# ask NODE COMMAND…: the node's answer to a lamppost command, which has 3 seconds; fails if it does.
ask() { ask_within 3s "$@"; }
ask_within() {
  local timeout=$1 node=$2
  shift 2
  "$CLI" --node "$(url "$node")" --timeout "$timeout" "$@"
}

# field NAME: the first field of that name in the JSON on standard input, without quotes.
field() {
  local json
  json=$(cat)
  [[ $json =~ \"$1\":\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"
}

status_field() { ask "$1" status -o json | field "$2"; }
# The version of a key as COUNTER@NODE.
version_of() {
  ask "$1" get "$2" -o json | sed -n 's/.*"version":{"counter":\([0-9]*\),"node_id":"\([^"]*\)".*/\1@\2/p'
}
is_serving() { [ "$(status_field "$1" incarnation)" != 0 ]; }
has() { [ "$(ask "$1" get "$2" 2>/dev/null)" = "$3" ]; }
is_absent() {
  local status=0
  ask "$1" get "$2" >/dev/null 2>&1 || status=$?
  [ "$status" = 1 ]
}
has_tombstones() { [ "$(status_field "$1" tombstones)" = "$2" ]; }
is_converged() { ask "$1" status -o json | grep -q '"converged":true'; }

end() {
  kill "-$2" "${PID[$1]}" 2>/dev/null || true
  while kill -0 "${PID[$1]}" 2>/dev/null; do sleep 0.02; done
  unset "PID[$1]"
}

stop_all() {
  local node
  for node in "${!PID[@]}"; do kill -TERM "${PID[$node]}" 2>/dev/null || true; done
  for node in "${!PID[@]}"; do
    while kill -0 "${PID[$node]}" 2>/dev/null; do sleep 0.02; done
  done
}
