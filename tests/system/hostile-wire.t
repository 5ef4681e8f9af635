#!/bin/sh
# Table A: CAs whose TCP, TLS and HTTP/1.1 do what no server should. All rows
# at once, one CA each, and a good one, which is not to feel any of it.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
hostile_begin a1-,a2,a3,a4,a5,a6,a7,a8,a9,a12,a13,a14,a15,a16,a17,a18,a19,a20
everleafd_start || bail "no daemon: $(everleafd_last)"
idle_kb=$(engine_peak_kb)

is "a good CA's certificate is issued meanwhile" within 30 issued good
is "over HTTP/2, too" within 30 issued good-h2

findings <<'ROWS'
a1-lines|A1 endless header lines|ca-protocol|head of its answer
a1-line|A1 one endless header line|ca-protocol|a line of its answer is too long
a2-directory|A2 endless body of the directory|ca-protocol|longer than
a2-order|A2 endless body of a new order|ca-down|longer than
a2-authz|A2 endless body of an authorization|ca-protocol|longer than
a2-chain|A2 endless body of a chain|ca-protocol|longer than
a3|A3 huge Content-Length|ca-protocol|longer than
a4-short|A4 body shorter than its length|ca-protocol|cut off
a4-chunk|A4 chunk that is cut|ca-protocol|cut off
a4-last|A4 no last chunk though the JSON is whole|ca-protocol|cut off
a4-garbage|A4 chunk of a negative size|ca-down|connection broke
a4-chain|A4 chain shorter than its length|ca-protocol|cut off
a5|A5 a byte now and then|ca-down|too slowly
a6-request|A6 reads the request, never answers|ca-down|too slowly
a6-works|A6 answers a challenge after 25 s, finalize after 20|issued
a6-handshake|A6 accepts, never says a word of TLS|ca-down|within 15 seconds
a6-record|A6 TLS record that never ends|ca-down|within 15 seconds
a7|A7 flood of 1xx|ca-protocol|head of its answer
a8-directory|A8 gzip bomb for a directory|ca-protocol|is not JSON
a8-order|A8 gzip bomb for an order|ca-protocol|is not JSON
a9-rst|A9 RST after each new order|ca-down|was lost 3 times
a9-fin|A9 FIN after each new order|ca-down|was lost 3 times
a9-once|A9 RST after one new order|issued
a9-finalize|A9 RST after finalize|issued
a12-garbage|A12 garbage instead of TLS|ca-tls|TLS handshake
a12-alert|A12 TLS alert|ca-tls|TLS handshake
a12-hang-up|A12 RST in the handshake|ca-down|during the TLS handshake
a12-expired|A12 certificate has expired|ca-tls|certificate has expired
a12-other|A12 certificate for another host|ca-tls|for other names
a12-self|A12 certificate by nobody we know|ca-tls|is not trusted
a12-old-tls|A12 TLS 1.1|ca-tls|TLS handshake
a13-nul|A13 NUL in the head|ca-protocol|no valid HTTP
a13-cr|A13 CR in a header line|ca-protocol|malformed
a13-lengths|A13 two lengths|ca-protocol|a header twice
a13-old|A13 HTTP/0.9|ca-protocol|no HTTP
a14-directory|A14 portal instead of the directory|ca-protocol|<html><body>Please \x1b[31mlog in
a14-order|A14 portal instead of an order|ca-protocol|type "text/html"
a14-chain|A14 portal instead of a chain|ca-protocol|not a chain
a15-503|A15 503 with HTML|ca-down|HTTP status 503
a15-502|A15 502 without a body|ca-down|HTTP status 502
a15-403|A15 403 with HTML|ca-refused|HTTP status 403
a15-429|A15 429 with JSON that says nothing|ca-limit|HTTP status 429
a15-busy|A15 503 and rateLimited|ca-limit|Service busy; retry later.
a16-once|A16 directory has moved within the CA|issued
a16-loop|A16 directory moves in a circle|ca-protocol|moved twice
a16-elsewhere|A16 directory has moved to another CA|ca-protocol|is not at the CA's own
a16-http|A16 directory has moved to http|ca-protocol|does not start with https://
a16-file|A16 directory has moved to a file|ca-protocol|does not start with https://
a16-post|A16 POST is sent elsewhere|ca-protocol|HTTP status 307
a16-post-here|A16 POST is sent to another path|ca-protocol|HTTP status 308
a16-read|A16 POST-as-GET is sent elsewhere|ca-protocol|HTTP status 301
a17-once|A17 one bad nonce|issued
a17-for-ever|A17 no nonce is good|ca-nonce|not this one
a17-missing|A17 no nonce where nonces are|ca-protocol|gave none that is one
a17-empty|A17 empty nonce|ca-protocol|gave none that is one
a17-long|A17 nonce of 8 KiB|ca-protocol|gave none that is one
a17-letters|A17 nonce that is not base64url|ca-protocol|gave none that is one
a17-two|A17 two nonces|ca-protocol|gave none that is one
a17-two-later|A17 two nonces with an answer|ca-protocol|a header twice
a17-only-there|A17 no nonce but where nonces are|issued
a18-order|A18 order for other names|ca-protocol|other names than were ordered
a18-look|A18 another order in its place|ca-protocol|another address to finalize
a19-back|A19 directory is away and comes back|issued
a20-once|A20 chain is cut off once|issued
a20-for-ever|A20 chain is cut off each time|ca-down|connection broke
ROWS

same "A9 the lost order was asked for once more" "$(asked a9-once order)" 2
same "A9 finalize was not sent twice" "$(asked a9-finalize finalize)" 1
is "A9 three new orders an attempt, no more" asked_at_most a9-rst order 15
same "A6 each of them was asked once" \
	"$(asked a6-works challenge) $(asked a6-works finalize)" "1 1"
same "A16 nobody was led elsewhere" "$(asked canary connections)" 0
same "A16 the path in the answer to a POST was not asked for" \
	"$(asked a16-post-here account)" 1
is "A17 eleven tries an attempt, no more" asked_at_most a17-for-ever order 33
same "A20 one order, though its chain did not come" \
	"$(asked a20-for-ever order) $(asked a20-for-ever finalize)" "1 1"
same "A20 an order whose chain was cut is not ordered again" \
	"$(asked a20-once order)" 1
no_bad_requests
is "all that moved the engine's memory by less than 24 MiB" \
	test $(($(engine_peak_kb) - idle_kb)) -lt 24576
echo "$(($(engine_peak_kb) - idle_kb)) KiB, $(engine_cpu_ms) ms of CPU" | diag
is "the daemon is alive" alive everleafd
is "it ends within 5 s" everleafd_stop
hostile_end
