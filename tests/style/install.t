#!/bin/sh
# make install puts in place what README.md goes on from: the programs, the
# unit, the users' file, the folder of the configuration; and nothing in it.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_BUILDDIR" || exit 99
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES DESTDIR
tmp=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-install.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
put() {		# put TARGET: as on a machine, below a folder of ours
	make -s "$1" DESTDIR="$tmp/root" prefix=/usr sysconfdir=/etc
}
etc=$tmp/root/etc/everleaf
is 'make install' put install
for f in bin/everleaf sbin/everleafd lib/systemd/system/everleaf.service \
	lib/sysusers.d/everleaf.conf share/everleaf/snippets/nginx.conf \
	share/everleaf/presets/nginx.conf; do
	is "there is $f" [ -f "$tmp/root/usr/$f" ]
done
is 'there is a folder for the configuration' [ -d "$etc/conf.d" ]
is '... with nothing in it' [ -z "$(find "$etc" -type f)" ]
is 'the daemon names the file of the users' grep -q \
	'/lib/sysusers\.d/everleaf\.conf' everleafd
echo kept >"$etc/everleaf.conf"
is 'again' put install
is '... keeps the configuration' grep -q kept "$etc/everleaf.conf"
is 'make uninstall' put uninstall
is '... keeps it, too' grep -q kept "$etc/everleaf.conf"
is '... and leaves no file of ours' \
	[ "$(find "$tmp/root" -type f)" = "$etc/everleaf.conf" ]
tap_done
