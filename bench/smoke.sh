#!/bin/sh
# smoke.sh PEERS: every system delivers every message in order, and the output is well formed.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
quick() {
  "$@" --quick >"$out/stdout" 2>"$out/progress" || { tail "$out/progress" >&2; exit 1; }
}
quick "$1" --repeats 1
quick "$1" --repeats 3 --sizes 8 --systems ReaderWriterQueue
# A curve needs three repeats of two sizes with the cores at one distance. Of five repeats, three
# are at one; of three sizes, two have the same.
quick "$1" --repeats 5 --sizes 8 16 128 --json "$out/all.json" --plot "$out/plots"

python3 - "$out/all.json" <<'END'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["samples"] and told["verdicts"]
assert not told["failures"], told["failures"]
assert {one["experiment"] for one in told["samples"]} >= {"per message", "drained", "round trip"}
END
ls "$out"/plots/*.svg >"$out/list"
while read -r picture; do grep -q '</svg>' "$picture"; done <"$out/list"
echo "$(grep -c . "$out/list") pictures, $(grep -c '^|' "$out/stdout") lines of tables: well formed"
