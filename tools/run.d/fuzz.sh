#!/usr/bin/env bash
# fuzz: throws mutated bytes at everything that decodes bytes from outside
#
# usage: ./run fuzz [--runs N] [--seconds S] [--seed N] [TARGET…]
#        ./run fuzz --input FILE TARGET
#
#   --runs N      inputs for each target (1000000)
#   --seconds S   at most so long for each target
#   --seed N      of the mutations; without it, each run tries others
#   --input FILE  nothing but this input, for a finding
#
# Installs what it lacks (clang 14 with libFuzzer), builds the targets of tests/fuzz and runs them, as many
# at a time as there are processors. Prints for each how many inputs it has had and how many edges of the
# program they reached. What reached something new stays in .cache/fuzz/corpus, and the next run starts
# from there; a finding goes to .cache/fuzz/findings, and the summary says how to repeat it. Ends with the
# line "N passed, N failed".
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/steps.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/bazel.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/fuzz_targets.sh"

wrong_usage() {
  complain "fuzz.sh: $1"
  show_help "$0" >&2
  exit 2
}

runs=1000000 seconds='' seed='' input='' targets=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      show_help "$0"
      exit 0
      ;;
    --runs | --seconds | --seed)
      [[ ${2:-} =~ ^[0-9]+$ ]] || wrong_usage "$1 takes a number"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --input)
      [ -f "${2:-}" ] || wrong_usage "--input takes a file"
      input=$2
      shift
      ;;
    -*) wrong_usage "unknown option '$1'" ;;
    *)
      fuzz_target_names | grep -qxF -- "$1" || wrong_usage "there is no target '$1'"
      targets+=("$1")
      ;;
  esac
  shift
done
[ -z "$input" ] || [ ${#targets[@]} = 1 ] || wrong_usage "--input takes one target"
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(fuzz_target_names)

need_packages build fuzz
say "building ${#targets[@]} targets"
build_fuzz_targets "${targets[@]}"
if [ -n "$input" ]; then
  exec "$FUZZ_DIR/bin/${targets[0]}_fuzz" "$input"
fi
say "fuzzing: $runs inputs each${seconds:+, at most $seconds s}"
run_fuzz_targets "-runs=$runs ${seconds:+-max_total_time=$seconds} ${seed:+-seed=$seed}" "${targets[@]}"
account
