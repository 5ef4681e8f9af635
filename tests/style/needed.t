#!/bin/sh
# Each program loads what its role needs and no more: read from DT_NEEDED of
# what was built. libc and the loader go without saying; a sanitizer build adds
# its own.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_BUILDDIR" || exit 99
crypto='libcrypto' seccomp='libseccomp'
anyway='libc|libc\.musl-.*|ld-(linux.*|musl.*)|libgcc_s'
if grep -q '^#define SANITIZERS' config.h; then
	anyway="$anyway|libasan|libubsan|libtsan|liblsan|libm|libdl|librt|libpthread"
fi
needed() {	# needed PROGRAM: names without .so and what follows
	"$READELF" -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*\]$/\1/p' |
		grep -vxE "$anyway"
}
only() {	# only PROGRAM MUST MAY: regular expressions, empty: nothing
	[ -x "$1" ] || { skip "$1" "not built"; return; }
	got=$(needed "$1")
	findings "$1 loads only ${2:-libc} ${3:+(and perhaps $3)}" "$(
		[ -z "$got" ] ||
			echo "$got" | grep -vxE "${2:-$3}${2:+${3:+|$3}}"
		for lib in $(echo "$2" | tr '|' ' '); do
			echo "$got" | grep -qx "$lib" || echo "not $lib"
		done)"
}
only everleafd '' ''
only everleaf-keeper $crypto $seccomp
only everleaf-verifier $crypto $seccomp
only everleaf-token $crypto $seccomp
only everleaf-responder "libmicrohttpd|libssl|$crypto" "$seccomp"
only everleaf-engine "libuv|libcurl|libsqlite3|libjansson|$crypto" \
	"libssl|libmicrohttpd|libcares|libldns|libpsl|libidn2|$seccomp"
only everleaf '' "libjansson|libcurl|libidn2|$crypto"
tap_done
