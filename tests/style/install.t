#!/bin/sh
# make install puts in place what README.md goes on from: the programs, the
# unit, the users' file, the folder of the configuration; and nothing in it.
cd "$TOP_BUILDDIR" || exit 99
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES DESTDIR
tmp=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-install.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
n=0
ok() {		# ok NAME COMMAND...
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		tail -n 20 "$tmp/log" | sed 's/^/# /'
	fi
}
put() {		# put TARGET: as on a machine, below a folder of ours
	make -s "$1" DESTDIR="$tmp/root" prefix=/usr sysconfdir=/etc \
		>"$tmp/log" 2>&1
}
etc=$tmp/root/etc/everleaf
ok 'make install' put install
for f in bin/everleaf sbin/everleafd lib/systemd/system/everleaf.service \
	lib/sysusers.d/everleaf.conf share/everleaf/snippets/nginx.conf \
	share/everleaf/presets/nginx.conf; do
	ok "there is $f" [ -f "$tmp/root/usr/$f" ]
done
ok 'there is a folder for the configuration' [ -d "$etc/conf.d" ]
ok '... with nothing in it' [ -z "$(find "$etc" -type f)" ]
ok 'the daemon names the file of the users' grep -q \
	'/lib/sysusers\.d/everleaf\.conf' everleafd
echo kept >"$etc/everleaf.conf"
ok 'again' put install
ok '... keeps the configuration' grep -q kept "$etc/everleaf.conf"
ok 'make uninstall' put uninstall
ok '... keeps it, too' grep -q kept "$etc/everleaf.conf"
ok '... and leaves no file of ours' \
	[ "$(find "$tmp/root" -type f)" = "$etc/everleaf.conf" ]
echo "1..$n"
