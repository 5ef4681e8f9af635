#!/bin/sh
# Three certificates come due together: one check, one reload. Then one of
# three is what nginx's configuration refuses: it alone stays back.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
names="one.example two.example bad.example"
system_begin 7776000

# nginx -t, and a person's wish on top: nothing of the CA's for "bad" once
# the file "strict" is there. It counts its calls.
cat >"$scene/check" <<EOF
#!/bin/sh
echo check >>"$scene/calls"
$nginx -e stderr -p $nginx_home -c $nginx_home/nginx.conf -q -t || exit 1
[ -e "$scene/strict" ] || exit 0
[ "\$(cat $live/bad.example/cert.pem)" = "\$(cat $scene/strict)" ] ||
	{ echo "bad.example must not change"; exit 1; }
EOF
cat >"$scene/reload" <<EOF
#!/bin/sh
cat >>"$scene/told"
echo >>"$scene/told"
echo "reload \$EVERLEAF_COUNT" >>"$scene/calls"
exec $nginx -e stderr -p $nginx_home -c $nginx_home/nginx.conf -s reload
EOF
chmod 755 "$scene/check" "$scene/reload"
{
	conf_head
	conf_nginx "{\"$scene/check\"}" 5s "{\"$scene/reload\"}"
	for n in $names; do
		conf_wish "$n"
	done
} >"$conf"
calls() { grep -c "^$1" "$scene/calls"; }
all_newest() {	# all_newest VERSION
	for n in $names; do
		newest_is "$n" "$1" || return 1
	done
}
renew_all() {
	for n in $names; do
		renew "$n" || return 1
	done
}

is "nginx starts with three placeholders" system_open $names
is "all three are served" within 60 all_served $names
same "by one reload" "$(calls reload)" 1
same "which was told how many" "$(grep '^reload' "$scene/calls")" "reload 3"
same "and which" "$(jq -r '.certificates[].name' "$scene/told" | sort |
	tr '\n' ' ')" "bad.example one.example two.example "

cp "$live/bad.example/cert.pem" "$scene/strict"
: >"$scene/calls"
: >"$scene/told"
before=$(served_leaf bad.example)
is "three renewals are asked for" renew_all
is "three are issued" within 40 all_newest 2
is "the two good ones are served" within 40 serves one.example 2
is "both" within 20 serves two.example 2
is "the guilty one is refused" within 20 state_is bad.example unserved
same "it goes on serving what it had" "$(served_leaf bad.example)" "$before"
same "its files are the old ones" "$(leaf_sha \
	<"$live/bad.example/cert.pem")" "$before"
same "one reload for the two" "$(calls reload)" 1
same "never a new order for it" "$(about bad.example .newest.version)" 2
is "why says what the check said" sh -c \
	"'$prefix/bin/everleaf' --socket '$run/everleaf.sock' why bad.example |
	grep 'must not change'"

rm "$scene/strict"
is "with the obstacle gone it can be deployed" everleaf deploy bad.example
is "and is served" within 20 serves bad.example 2
same "the CA made two for each, no more" "$(pebble_issued)" 6
is "it ends within 5 s" everleafd_stop
system_end
