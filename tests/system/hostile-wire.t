#!/bin/sh
# Table A: a CA whose TCP, TLS, HTTP/1.1 and HTTP/2 do what no server should.
# All rows at once, one CA each; a good CA goes on being one.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
hostile_begin a
everleafd_start || bail "no daemon: $(everleafd_last)"

is "a good CA's certificate is issued meanwhile" within 30 issued good
is "over HTTP/2, too" within 30 issued good-h2

findings <<'ROWS'
a1-lines|A1 endless header lines|ca-protocol|head of its answer
a1-line|A1 one endless header line|ca-protocol|too long
a2-directory|A2 endless body of the directory|ca-protocol|longer than
a2-order|A2 endless body of an order|ca-protocol|longer than
a2-authz|A2 endless body of an authorization|ca-protocol|longer than
a2-chain|A2 endless body of a chain|ca-protocol|longer than
ROWS
everleaf status
hostile_end
