#!/bin/sh
# What the interface promises when a check fails (section 6, 2a and 2b): the
# new files are at fault: back to the old ones; nginx's own configuration is
# at fault: the new files stay, nothing is reloaded. Never a new order.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000

# Fails with every certificate but the one named in "only".
cat >"$scene/check" <<EOF
#!/bin/sh
$nginx -e stderr -p $nginx_home -c $nginx_home/nginx.conf -q -t || exit 1
[ ! -e "$scene/busy" ] || { echo "not now"; exit 75; }
[ ! -e "$scene/only" ] || cmp -s "$scene/only" "$live/$name/cert.pem" ||
	{ echo "this certificate is not liked"; exit 1; }
EOF
chmod 755 "$scene/check"
{ conf_head; conf_nginx "{\"$scene/check\"}"; conf_wish $name; } >"$conf"
live_leaf() { leaf_sha <"$live/$name/cert.pem"; }
why() { everleaf why $name; }
why_says() { why | grep -q "$1"; }
idle() { [ "$(about $name .issuance.state)" = idle ]; }

system_open $name || bail "no beginning: $(everleafd_last)"
is "version 1 is served" within 40 serves $name 1
first=$(served_leaf $name)

# 2a
cp "$live/$name/cert.pem" "$scene/only"
renew $name
is "2a the new files are refused" within 40 state_is $name unserved
is "2a version 2 is issued" newest_is $name 2
same "2a the old files are back" "$(live_leaf)" "$first"
same "2a the old certificate is served" "$(served_leaf $name)" "$first"
is "2a why quotes the check" why_says 'not liked'
rm "$scene/only"
is "2a with the obstacle gone: deploy" everleaf deploy $name
is "2a version 2 is served" within 20 serves $name 2
second=$(served_leaf $name)

# 2b
nginx_break
renew $name
is "2b the broken configuration is noticed" within 40 \
	state_is $name unserved
is "2b version 3 is issued" newest_is $name 3
is "2b the new files stay" test "$(live_leaf)" != "$second"
same "2b the old certificate is served" "$(served_leaf $name)" "$second"
is "2b why quotes nginx" why_says prxy_pass
is "2b why says that it is not the certificate" why_says 'not the certificate'
is "2b why says that no order is needed" why_says 'No new order'
nginx_mend
is "2b mended: deploy" everleaf deploy $name
is "2b version 3 is served" within 20 serves $name 3

# exit 75
refused=$(events_of $name service.refused)
back=$(events_of $name version.put-back)
touch "$scene/busy"
renew $name
is "75: the check is heard" within 40 why_says 'asks to be tried later (exit 75)'
is "75: why quotes it" why_says 'not now'
is "75: the new files stay" test "$(live_leaf)" != "$(served_leaf $name)"
same "75: nothing is put back" "$(events_of $name version.put-back)" "$back"
rm "$scene/busy"
is "75: it is tried again by itself" within 90 serves $name 4
same "75: and nothing was refused meanwhile" \
	"$(events_of $name service.refused)" "$refused"

is "no order is under way" idle
same "four certificates for four renewals" "$(pebble_issued)" 4
is "key and certificate belong together" pair_matches $name
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
