#!/usr/bin/env bash
# The same seeds give the same runs in another process, too: where its memory lies must not matter.
#
# usage: repeat_test.sh SIM
set -euo pipefail
once=$("$1" --hashes --first 100 --seeds 30)
again=$("$1" --hashes --first 100 --seeds 30)
[[ $(wc -l <<<"$once") == 30 ]] || { echo "FAILED: $once"; exit 1; }
[[ $once == "$again" ]] || {
  diff <(echo "$once") <(echo "$again")
  exit 1
}
