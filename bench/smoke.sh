#!/bin/sh
# smoke.sh COMPARE: every system delivers every message in order, and the output is well formed.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$1" --quick --repeats 3 --json "$out/all.json" --markdown "$out/all.md" --plot "$out/plots" \
  >"$out/stdout" 2>"$out/progress" || { tail "$out/progress" >&2; exit 1; }

cmp "$out/stdout" "$out/all.md"
python3 - "$out/all.json" <<'END'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["samples"] and told["verdicts"]
assert all(one["wrong_messages"] == 0 for one in told["samples"])
END
ls "$out"/plots/*.svg >"$out/list"
while read -r picture; do grep -q '</svg>' "$picture"; done <"$out/list"
echo "$(grep -c . "$out/list") pictures, $(grep -c '^|' "$out/all.md") lines of tables: well formed"
