#!/usr/bin/env bash
# demo: real processes on this machine: delayed replication, concurrent writes, a crash, a lost reply
#
# usage: ./run demo [--keep]
# Installs what it lacks, builds, starts nodes A, B and C on loopback (ports 8000 to 8002, or the next
# free ones; D, which joins later, takes the one after them), plays six scenarios, then one on a function
# server (port 5000, or the next free one), checks each outcome, and stops them all. With --keep they stay, and
# it says how to talk to them. Logs, data and the pictures of the first three are in demo-out/. Exit status 0
# only if everything came out as promised.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/demo_cluster.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/demo_functions.sh"

keep=no
case "${1:-}" in
  --keep)
    keep=yes
    shift
    ;;
esac
no_options "$0" "$@"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  title=$'\e[1;34m' does=$'\e[36m' sees=$'\e[32m' off=$'\e[0m'
else
  title='' does='' sees='' off=''
fi
scene() { printf '\n%s%s%s\n' "$title" "$*" "$off"; }
tell() { printf '  %s\n' "$*"; }
act() { printf '  %s→ %s%s\n' "$does" "$*" "$off"; }
see() { printf '  %s✓ %s%s\n' "$sees" "$*" "$off"; }

# put NODE KEY VALUE: says what is sent and what Lamport time the node gave it.
put() {
  local answer
  act "lamppost --node $(url "$1") put $2 $3"
  answer=$(ask "$1" put "$2" "$3") || die "node $1 did not take the write"
  tell "$1 answers: $answer"
}

# expect NODE KEY VALUE: waits up to five seconds, and shows the value and its version.
expect() {
  wait_until 5 "$2 = $3 at node $1" has "$1" "$2" "$3"
  see "node $1: $2 = $3   version $(version_of "$1" "$2")"
}

# show_equal_hashes: waits until all three say so, and shows it.
show_equal_hashes() {
  local node
  for node in "${NODES[@]}"; do wait_until 30 "node $node to say converged" is_converged "$node"; done
  for node in "${NODES[@]}"; do
    see "node $node: clock $(status_field "$node" clock), content hash $(status_field "$node" content_hash)"
  done
  [ "$(for node in "${NODES[@]}"; do status_field "$node" content_hash; done | sort -u | wc -l)" = 1 ] ||
    die "the content hashes differ"
}

scenario_start() {
  scene 'Three nodes, each writable, none in charge'
  local node
  for node in "${NODES[@]}"; do
    act "lamppost-kv --id $node --port ${PORT[$node]} --peers $(peers_of "$node") --enable-faults"
    start "$node"
  done
  for node in "${NODES[@]}"; do wait_until 15 "node $node to start" is_serving "$node"; done
  put A x 10
  expect B x 10
  expect C x 10
  tell 'A version is COUNTER@NODE: the Lamport time of the write. Every message carries the clock,'
  tell 'so a write that follows from another always has the greater counter.'
}

# The command's own scenarios, each with its picture. They fail if the cluster does otherwise than they say.
scenarios_drawn() {
  local nodes
  nodes=$(url A),$(url B),$(url C)
  scene 'A to C, by the command itself: delayed replication, concurrent writes, an outage, each one drawn'
  act "lamppost --nodes $nodes scenario all --draw demo-out"
  "$CLI" --nodes "$nodes" scenario all --draw "$OUT" || die 'a scenario did not come out as promised'
  see 'pictures: demo-out/scenario-A.svg, -B and -C; the .html ones can be clicked on'
  local node
  for node in "${NODES[@]}"; do wait_until 20 "node $node to forget what was cleaned up" has_tombstones "$node" 0; done
}

scenario_crash() {
  local node count=2000
  scene "D. A crash: C is killed (kill -9), $count keys are written and one is deleted, C returns"
  act 'kill -9 C'
  end C KILL
  seq 1 "$count" | sed 's/.*/{"key":"item-&","value":"value &"}/' >"$OUT/items.jsonl"
  act "lamppost --node $(url A) load items.jsonl; lamppost --node $(url B) del x"
  ask_within 60s A load "$OUT/items.jsonl" >/dev/null
  ask B del x >/dev/null
  tell "A has $(status_field A keys) keys; C is away, so the others remember the deletion for it:"
  wait_until 10 'B to have the deletion' has_tombstones B 1
  see "node B: $(status_field B tombstones) tombstone; what is stable is held up by C"
  act 'C starts again, on its old data'
  start C
  wait_until 30 "item-$count at C" has C "item-$count" "value $count"
  show_equal_hashes
  if ask C get x >/dev/null 2>&1; then die 'x was deleted, and C still has it'; fi
  see 'node C: x is deleted there too'
  for node in "${NODES[@]}"; do
    wait_until 20 "node $node to forget the deletion" has_tombstones "$node" 0
    see "node $node: $(status_field "$node" keys) keys, 0 tombstones: all have the deletion, so it is forgotten"
  done
}

scenario_session() {
  scene 'E. A session: what was written at one node is read at the next; and a value that expires'
  act "lamppost --node $(url A) put cart apples --session seen.json --replicas 2"
  tell "A answers: $(ask A put cart apples --session "$OUT/seen.json" --replicas 2)" || die 'A did not take the write'
  act "lamppost --node $(url C) get cart --session seen.json"
  [ "$(ask C get cart --session "$OUT/seen.json")" = apples ] || die 'C answered older than the session'
  see 'node C: cart = apples; it waited for the write if it had to'
  act "lamppost --node $(url B) put offer today --ttl 1500ms"
  ask B put offer today --ttl 1500ms >/dev/null
  expect C offer today
  wait_until 5 'the offer to expire' is_absent C offer
  see 'node C: offer has expired'
}

scenario_member() {
  local node
  scene 'F. A fourth node joins while the others run, and is taken out again'
  act "lamppost-kv --id D --port ${PORT[D]} --peers $(peers_of D)"
  start D
  wait_until 15 'node D to start' is_serving D
  act "lamppost --node $(url B) member add $(url D)"
  ask_within 10s B member add "$(url D)" >/dev/null
  NODES=(A B C D)
  show_equal_hashes
  see "node D: $(status_field D keys) keys"
  act "lamppost --node $(url B) member remove D --yes"
  end D TERM
  ask B member remove D --yes >/dev/null
  NODES=(A B C)
  show_equal_hashes
}

say_how_to_talk() {
  scene 'All goes on running'
  tell "dist/lamppost --node $(url A),$(url B),$(url C) put greeting hello"
  tell "dist/lamppost --node $(url C) get greeting"
  tell "dist/lamppost --node $(url B) status"
  tell "dist/lamppost --server $(rpc_url) functions"
  tell "dist/lamppost --server $(rpc_url) call reverse text=hello"
  tell "To stop them: kill ${PID[A]} ${PID[B]} ${PID[C]} $RPC_PID      Logs: demo-out/*.log"
}

bash "$LAMPPOST_TOP/tools/run.d/build.sh" >/dev/null
rm -rf "$OUT"
mkdir -p "$OUT/data"
choose_ports
at_exit stop_all
at_exit stop_rpc
scenario_start
scenarios_drawn
scenario_crash
scenario_session
scenario_member
scenario_functions
if [ "$keep" = yes ]; then
  say_how_to_talk
  PID=() RPC_PID=''
else
  scene 'Done: everything came out as promised. All processes are stopped.'
fi
