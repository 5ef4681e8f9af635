#!/bin/sh
# G1 to G4 and H2: the disk is full, has no inodes left, is read-only; and the
# inventory can't be written. What is live stays as it is, people are told in
# plain words, and when there is room again it goes on by itself.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
[ "$(id -u)" -eq 0 ] || { skip "a small disk" "needs root"; tap_done; exit; }
system_begin 7776000
small() {	# small FOLDER SIZE: a file system of its own
	mkdir "$1" && mount -t tmpfs -o size=$2,nr_inodes=400,mode=711 \
		everleaf "$1"
}
unmount() {
	for f in db certs; do
		umount "$state/$f" || umount -l "$state/$f"
	done
}
mkdir "$state"
small "$state/certs" 4m && small "$state/db" 32m || {
	skip "a small disk" "needs to mount a tmpfs"
	tap_done
	exit
}
trap 'everleafd_stop; unmount; scene_end' EXIT
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"

fill() {	# fill FOLDER
	dd if=/dev/zero of="$state/$1/ballast" bs=4096 2>/dev/null
	:
}
fill_inodes() {	# fill_inodes FOLDER
	mkdir "$state/$1/many"
	seq 500 | (cd "$state/$1/many" && xargs touch 2>/dev/null)
	:
}
empty() { rm -rf "$state"/*/ballast "$state"/*/many; }
status() { everleaf status; }
why() { everleaf why $name; }
says() {	# says WORDS COMMAND...
	local words
	words=$1
	shift
	"$@" 2>&1 | grep -qi -e "$words"
}
told() { says "$1" status && says "$1" why; }
well() {
	everleaf --json status | jq -e '.total == 1 and .trouble == null'
}
untouched() {
	pair_matches $name && [ "$(leaf_sha <"$live/$name/cert.pem")" = \
		"$leaf" ] && [ "$(served_leaf $name)" = "$leaf" ]
}

system_open $name || bail "no beginning: $(everleafd_last)"
is "version 1 is served" within 60 serves $name 1
leaf=$(leaf_sha <"$live/$name/cert.pem")

# --- no room ----------------------------------------------------------------
fill certs
fill db
renew $name
is "G1 a full disk: the daemon says so" within 30 told "full\|no space"
is "what is live is untouched" untouched
is "a wish is refused, with the reason" says "full\|no space\|inventory" \
	everleaf add late.example --no-wait
is "the engine killed on a full disk" kill -KILL "$(role_pid engine)"
is "H2 a new one says so, too" within 30 told "full\|no space\|cannot"
isnt "monitoring hears of it" everleaf status --check
is "the daemon ends within 5 s on a full disk" everleafd_stop
is "and starts" everleafd_start
is "and says so" within 30 told "full\|no space\|cannot"
is "what is live is still untouched" untouched
empty
is "with room again it goes on by itself" within 60 well
renew $name
is "version 2 is served" within 90 serves $name 2
is "no more than was asked for" test "$(pebble_issued)" -le 3
is "no file is left over" no_litter

# --- room for the inventory, none for the files -------------------------------
leaf=$(leaf_sha <"$live/$name/cert.pem")
version=$(about $name .newest.version)
fill_inodes certs
renew $name
is "G2 out of inodes: the certificate is issued" within 60 \
	newest_is $name $((version + 1))
is "and why says that its files can't be made" within 30 \
	says "no space" why
is "what is live is untouched" untouched
empty
is "with inodes again it goes on by itself" within 120 \
	serves $name $((version + 1))
is "key and certificate belong together" pair_matches $name

# --- errors of the disk itself ---------------------------------------------------
leaf=$(leaf_sha <"$live/$name/cert.pem")
version=$(about $name .newest.version)
fails() {	# fails CALL ERROR: in the master, from now on
	spawn strace strace -qq -p "$(role_pid master)" -e trace="$1" \
		-e inject="$1:error=$2"
	sleep 1
	alive strace
}
heals() { stop strace INT; }
if command -v strace >/dev/null && fails fsync EIO; then
	renew $name
	is "G3 the certificate is issued" within 60 \
		newest_is $name $((version + 1))
	is "and why says that its files can't be made durable" within 30 \
		says "durable" why
	is "what is live is untouched" untouched
	heals
	is "the disk is well, it goes on by itself" within 120 \
		serves $name $((version + 1))
	is "key and certificate belong together" pair_matches $name
else
	skip "G3 errors of the disk" "needs strace"
fi

# --- read-only ----------------------------------------------------------------
# Nobody has files open below certs/; of db/ that is so while the engine is not
# there.
leaf=$(leaf_sha <"$live/$name/cert.pem")
version=$(about $name .newest.version)
is "the files' disk becomes read-only" mount -o remount,ro "$state/certs"
renew $name
is "G2 the certificate is issued" within 60 newest_is $name $((version + 1))
is "and why says that its files can't be made" within 30 says "read-only" why
is "what is live is untouched" untouched
mount -o remount,rw "$state/certs"
is "writable again, it goes on by itself" within 120 \
	serves $name $((version + 1))

leaf=$(leaf_sha <"$live/$name/cert.pem")
read_only() {
	kill -KILL "$(role_pid engine)"
	mount -o remount,ro "$state/db"
}
is "the inventory's disk becomes read-only" within 30 read_only
is "G2 status and why say so" within 30 told "read-only\|cannot"
is "what is live is untouched" untouched
mount -o remount,rw "$state/db"
is "writable again, it goes on by itself" within 90 well
renew $name
is "and serves the next" within 90 serves $name $((version + 2))
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
