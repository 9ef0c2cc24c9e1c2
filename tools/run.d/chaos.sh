#!/usr/bin/env bash
# chaos: real nodes under kill -9, pauses, cuts, slow links, full and wiped disks
#
# usage: ./run chaos [--minutes M] [OPTION…]        ./run chaos --help lists all options
# Installs what it lacks, builds, and lets clients write, read and retry at three or five nodes while
# processes, links and disks fail; then it heals all and judges what the clients saw. As root the nodes are in
# network namespaces of their own, else behind proxies on loopback; it says which. One run of 60 seconds,
# or with --minutes as many as fit, each with the next seed and another setting of nodes, durability and
# network; what is given as OPTION holds for all of them.
# A failed run prints its seed and the command that does it again; its history stays in chaos-out/. Exit
# status 0 only if all runs passed.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"

minutes=0 seed=1 help=no options=()
while [ $# -gt 0 ]; do
  case $1 in
    -h)
      show_help "$0"
      exit 0
      ;;
    --minutes | --seed)
      [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || die "$1 takes a number"
      declare "${1#--}=$2"
      shift
      ;;
    --help)
      help=yes
      options+=("$1")
      ;;
    *) options+=("$1") ;;
  esac
  shift
done

program=tests/integration/chaos/chaos
node=services/kv/server/lamppost-kv
need_packages build chaos
say "building"
run_bazel build --config=opt "//${program%/*}:chaos" "//${node%/*}:lamppost-kv"
bin=$(run_bazel info --config=opt bazel-bin 2>/dev/null)

# Data directories are on a real disk, so that fsync means something. Copies, so that a build that goes on
# meanwhile changes nothing.
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}" lamppost-chaos.XXXXXX)
at_exit rm -rf "$work"
for file in "$program" "$node"; do
  mkdir -p "$work/${file%/*}"
  cp "$bin/$file" "$work/$file"
done
out=$LAMPPOST_TOP/chaos-out
mkdir -p "$out"

# one_run OPTION…: its history is kept if it fails.
one_run() {
  local status=0 history=$out/seed-$seed.jsonl
  mkdir "$work/tmp"
  (cd "$work" && TEST_TMPDIR=$work/tmp "./$program" --seed "$seed" --history "$history" "$@" "${options[@]}") ||
    status=$?
  rm -rf "$work/tmp"
  if [ "$status" = 1 ]; then
    complain "./run: the history is in $history"
  else
    rm -f "$history"
  fi
  return "$status"
}

if [ "$minutes" = 0 ] || [ "$help" = yes ]; then
  one_run
  exit
fi

settings=(
  "--nodes 3 --durability sync"
  "--nodes 5 --durability interval --network proxy"
  "--nodes 3 --durability interval"
  "--nodes 5 --durability sync"
  "--nodes 3 --durability sync --network proxy"
)
passed=0 failed=() end=$((SECONDS + minutes * 60))
for ((round = 0; SECONDS < end; ++round, ++seed)); do
  read -r -a setting <<<"${settings[round % ${#settings[@]}]}"
  say "run $((round + 1)): seed $seed, ${setting[*]}"
  status=0
  one_run "${setting[@]}" || status=$?
  case $status in
    0) passed=$((passed + 1)) ;;
    1) failed+=("$seed") ;;
    *) exit "$status" ;;
  esac
done
say "$passed passed, ${#failed[@]} failed${failed[*]:+: seeds ${failed[*]}}"
[ ${#failed[@]} = 0 ]
