#!/bin/sh
# The README's first command, as a person types it: it ends by itself, says
# what it promises, and leaves nothing behind.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/tap.sh"
. "$top/tests/lib/scene.sh"
scene_begin
# Its own folder only: others may play on this machine at the same time.
tag=demo$$-
scenes() { ls -d "${scene%/*}/everleaf.$tag"* 2>/dev/null; }
(
	n=0
	while [ -z "$(scenes)" ] && [ $((n += 1)) -lt 600 ]; do
		sleep 0.1
	done
	scenes >"$scene/its"
) &
EVERLEAF_SCENE=$tag timeout 600 "$top/contrib/demo" >"$scene/log/demo" 2>&1 \
	</dev/null
is "it ends well" test $? -eq 0
count=$(sed -nE 's/^demo: requests=([0-9]+) failed=0$/\1/p' "$scene/log/demo")
is "no request failed, of more than a thousand" test "${count:-0}" -gt 1000
same "its last line" "$(tail -n 1 "$scene/log/demo")" "demo: version 2 served"
same "the last but one" "$(tail -n 2 "$scene/log/demo" | head -n 1)" \
	"demo: requests=$count failed=0"
is "why said what is wrong, in nginx's words" grep -q prxy_pass \
	"$scene/log/demo"
is "it played in a folder of its own" test -s "$scene/its"
same "nothing is left behind" "$(scenes)" ""
[ "$tap_bad" -eq 0 ] || tail -n 60 "$scene/log/demo" | diag
tap_done
