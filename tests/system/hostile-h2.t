#!/bin/sh
# Rows A10 and A11: HTTP/2 as a weapon. Some of it would keep libcurl busy
# inside of one call for as long as it comes.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
hostile_begin a10,a11
everleafd_start || bail "no daemon: $(everleafd_last)"
idle_kb=$(engine_peak_kb)

is "a good CA's certificate is issued meanwhile" within 30 issued good
is "over HTTP/2, too" within 30 issued good-h2

findings <<'ROWS'
a10-goaway|A10 GOAWAY after each new order|ca-down|was lost 3 times
a10-goaway-error|A10 GOAWAY with an error|ca-down|was lost 3 times
a10-refused|A10 REFUSED_STREAM for each new order|ca-down|was lost 3 times
a10-cancel|A10 CANCEL for each new order|ca-down|was lost 3 times
a10-once|A10 one GOAWAY instead of an answer|issued
a10-refused-once|A10 one REFUSED_STREAM|issued
a10-goaway-after|A10 GOAWAY behind each answer|issued
a11-settings|A11 SETTINGS flood|ca-down|connection
a11-settings-ack|A11 flood of SETTINGS acknowledged|ca-down|connection
a11-ping|A11 PING flood|ca-down|connection
a11-ping-ack|A11 flood of PING answered|ca-down|floods
a11-priority|A11 PRIORITY flood|ca-down|floods
a11-window|A11 WINDOW_UPDATE flood|ca-down|floods
a11-unknown|A11 flood of frames that nobody knows|ca-down|floods
a11-rst|A11 RST_STREAM flood|ca-(down,protocol)|
a11-continuation|A11 endless CONTINUATION|ca-down|connection
a11-empty-continuation|A11 flood of empty CONTINUATION|ca-down|connection
a11-header-bomb|A11 header bomb|ca-down|connection
a11-trailers|A11 flood of trailers|ca-(down,protocol)|
a11-empty-data|A11 flood of empty DATA|ca-down|floods
a11-padding|A11 flood of padding|ca-down|floods
a11-goaways|A11 GOAWAY storm|ca-down|floods
a11-push|A11 PUSH_PROMISE|ca-down|connection
a11-long-frame|A11 frame of 16 MiB|ca-down|connection
a11-no-window|A11 window 0|ca-protocol|floods
ROWS

# Each row of the flood was let go after 0.3 s, three times an attempt.
exchanges() {
	local n row
	n=0
	for row in $(hostile_rows | grep a11); do
		n=$((n + $(asked "$row" connections)))
	done
	echo $n
}
cpu_is_bounded() {
	local ms n
	ms=$(engine_cpu_ms)
	n=$(exchanges)
	echo "$ms ms for $n connections"
	[ "$n" -gt 40 ] && [ "$ms" -lt $((n * 350)) ]
}
is "A11 a connection costs a third of a second at most" cpu_is_bounded
# A stream that is refused before its end is asked for byte by byte again; as
# this CA has looked at it all the same, its nonce is spent: a third time.
asked_again() { case $(asked "$1" order) in [23]) ;; *) return 1 ;; esac; }
is "A10 a lost order is asked for once more" asked_again a10-once
is "A10 a refused one, too" asked_again a10-refused-once
no_bad_requests
is "all that moved the engine's memory by less than 24 MiB" \
	test $(($(engine_peak_kb) - idle_kb)) -lt 24576
echo "$(($(engine_peak_kb) - idle_kb)) KiB, $(cpu_is_bounded)" | diag
is "the daemon is alive" alive everleafd
is "it ends within 5 s" everleafd_stop
hostile_end
