#!/bin/sh
# acme/ asks the system for memory and text, never for a socket, a file, a
# clock, randomness, a process or a log.
. "$TOP_SRCDIR/tests/lib/tap.sh"
impure='open|openat|read|write|close|socket|connect|send|sendto|sendmsg|recv'
impure="$impure|recvfrom|recvmsg|poll|select|epoll_.*|fork|vfork|exec[a-z]+"
impure="$impure|system|popen|fopen|fread|fwrite|printf|fprintf|puts|syslog"
impure="$impure|sleep|usleep|nanosleep|time|gettimeofday|clock_gettime|clock"
impure="$impure|rand|random|getrandom|RAND_.*|getenv|curl_.*|sqlite3_.*"
impure="$impure|uv_.*|EVP_.*keygen.*|EVP_DigestSign.*"
found=$("$NM" -u "$TOP_BUILDDIR/libacme.a" |
	awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u |
	grep -xE "$impure")
findings "libacme.a is pure" "$found"
tap_done
