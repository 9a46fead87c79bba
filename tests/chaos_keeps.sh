#!/usr/bin/env bash
# What chaos leaves when it finds something: the seed and the round, and the channel's file.
#   chaos_keeps.sh CHAOS_PLANTED
set -euo pipefail
export ANNULUS_PLANTED=locks_read_as_dead
report=$("$1" --seconds 60 --kinds mpsc --seed 5 2>&1 1>/dev/null) &&
  { echo "nothing was found"; exit 1; }
kept=$(sed -n 's/^chaos: kept: \([^,]*\),.*/\1/p' <<<"$report")
[[ -n $kept ]] && trap 'rm -r "$(dirname "$kept")"' EXIT
grep -q -- '--seed 5 --round [0-9]' <<<"$report" && [[ -s $kept ]] ||
  { printf 'the seed or the file is missing in:\n%s\n' "$report"; exit 1; }
