#!/bin/sh
# dns-01 by somebody's program: called as each client that people know calls
# it, for a wildcard beside its base name, behind a CNAME, and when it fails.
# Each program changes the zones of a real name server, by nsupdate.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
dns_alone "$0"
scene_begin
work_find
dns_begin || bail "no loopback"
pebble_dns=$ns1:53
all="own lego dehydrated certbot uacme acme.sh"
hooks=$scene/hooks
said=$scene/said	# what the program "own" was passed
mkdir -p "$said" "$hooks" "$dns_home/ns1"
chmod 755 "$hooks"
chmod 777 "$said"
dns_key scene
for z in $all broken; do
	dns_zone "$dns_home/ns1" "$z.test" "$ns1" </dev/null
done
dns_zone "$dns_home/ns1" elsewhere.test "$ns1" <<END
_acme-challenge.far CNAME far.own.test.
far A 127.0.0.1
END
{
	cat "$dns_home/scene.key"
	for z in $all broken elsewhere; do
		cat <<-END
		zone "$z.test" {
			type primary; file "$z.test.zone";
			update-policy { grant scene zonesub TXT; };
			allow-transfer { any; };
		};
		END
	done
} >"$scene/zones"
bind_start ns1 "$ns1" <"$scene/zones" || bail "BIND does not start"

# What they have in common. They run as nobody in particular.
cp "$dns_home/scene.key" "$hooks/key"
cat >"$hooks/txt" <<END
#!/bin/sh
# txt add|remove RECORD VALUE
[ "\${EVERLEAF_DNS:-}" != own ] || {
	env >"$said/\$1.\$EVERLEAF_EVENT.\$EVERLEAF_IDENTIFIER.env"
	cat >"$said/\$1.\$EVERLEAF_EVENT.\$EVERLEAF_IDENTIFIER.json"
	echo "\$*" >"$said/\$1.\$EVERLEAF_EVENT.\$EVERLEAF_IDENTIFIER.args"
}
case \$1 in
add) echo "update add \$2. 60 TXT \$3" ;;
*) echo "update delete \$2. TXT \$3" ;;
esac | (echo "server $ns1"; cat; echo send) | nsupdate -k "$hooks/key"
END

hook() {	# hook NAME: a program from stdin
	{
		echo '#!/bin/sh'
		cat
	} >"$hooks/$1"
}
hook lego <<END
case \$1 in present) set -- add "\${2%.}" "\$3" ;; *)
	set -- remove "\${2%.}" "\$3" ;; esac
exec $hooks/txt "\$@"
END
hook dehydrated <<END
case \$1 in deploy_challenge) set -- add "\$2" "\$4" ;;
clean_challenge) set -- remove "\$2" "\$4" ;; *) exit 0 ;; esac
exec $hooks/txt "\$1" "_acme-challenge.\$2" "\$3"
END
hook certbot-add <<END
exec $hooks/txt add "_acme-challenge.\$CERTBOT_DOMAIN" "\$CERTBOT_VALIDATION"
END
hook certbot-remove <<END
exec $hooks/txt remove "_acme-challenge.\$CERTBOT_DOMAIN" \
	"\$CERTBOT_VALIDATION"
END
hook uacme <<END
[ "\$2" = dns-01 ] || exit 1
case \$1 in begin) set -- add "\$3" "\$5" ;; done) set -- remove "\$3" "\$5" ;;
*) exit 1 ;; esac
exec $hooks/txt "\$1" "_acme-challenge.\$2" "\$3"
END
hook dns_scene.sh <<END
dns_scene_add() { $hooks/txt add "\$1" "\$2"; }
dns_scene_rm() { $hooks/txt remove "\$1" "\$2"; }
END
hook broken <<END
echo "the panel's password is wrong"
exit 1
END
chmod 755 "$hooks"/*

block() {	# block ADAPTER PROGRAM...: for the zone that is called as it is
	local adapter
	adapter=$1
	printf '\ndns "%s" {\n    zones   = "%s.test"\n    timeout = 20s\n' \
		"$1" "$1"
	[ "$1" = own ] || [ "$1" = broken ] || printf '    adapter = %s\n' "$1"
	shift
	printf '    program = {"%s"' "$hooks/$1"
	shift
	for a; do
		printf ', "%s"' "$hooks/$a"
	done
	printf '}\n}\n'
	printf 'certificate "%s" {\n    names = {"%s.test", "*.%s.test"}\n' \
		"$adapter" "$adapter" "$adapter"
	printf '    challenge = dns-01\n}\n'
}
nginx_get "$work" || bail "no nginx"
pebble_get "$work" || bail "no Pebble"
prefix=${EVERLEAF_PREFIX:-$work/inst}
pebble_start 7776000 || bail "Pebble does not start"
everleaf_paths
{
	conf_head
	echo "resolver = \"$ns1\""
	block own txt
	block lego lego
	block dehydrated dehydrated
	block certbot certbot-add certbot-remove
	block uacme uacme
	block acme.sh dns_scene.sh
	block broken broken
	cat <<-END

	certificate "far" {
	    names     = "far.elsewhere.test"
	    challenge = dns-01
	    dns       = "own"
	}
	END
} >"$conf"
nothing() {	# nothing ZONE...: no record is left there
	local z
	for z; do
		nothing_left "$ns1" "$z.test" || return 1
	done
}
written() {	# written ZONE NAME: at any time
	named-journalprint "$dns_home/ns1/$1.test.zone.jnl" | grep -q "$2.*TXT"
}
says() { everleaf why "$1" | grep -q "$2"; }

is "the daemon starts" everleafd_start
for n in $all; do
	is "$n: a wildcard and its base name" within 30 state_is $n valid
done
is "behind a CNAME, written where it leads to" within 30 state_is far valid
is "that name was written" written own ' far\.own\.test\.'
is "and nothing in the other zone" test ! -e \
	"$dns_home/ns1/elsewhere.test.zone.jnl"
is "a program that fails: its words are told" within 20 \
	says broken "panel's password is wrong"
is "no record is left" within 20 nothing $all broken
# What it was really passed.
heard() {	# heard FILE VARIABLE
	sed -n "s/^EVERLEAF_$2=//p" "$said/$1.env"
}
for act in add remove; do
	f=$act.$act.own.test
	same "$act: variables" "$(sed -n 's/^EVERLEAF_\([A-Z]*\)=.*/\1/p' \
		"$said/$f.env" | sort | tr '\n' ' ')" \
		"DNS EVENT IDENTIFIER KEYAUTH NAME RECORD TOKEN VALUE "
	same "$act: block, title, record" \
		"$(heard $f DNS) $(heard $f NAME) $(heard $f RECORD)" \
		"own own _acme-challenge.own.test"
	same "$act: arguments" "$(cat "$said/$f.args")" \
		"$act _acme-challenge.own.test $(heard $f VALUE)"
	same "$act: the value is that of the key authorization" \
		"$(heard $f VALUE)" "$(heard $f KEYAUTH | tr -d '\n' |
		openssl dgst -sha256 -binary | base64 | tr '/+' '_-' |
		tr -d '=')"
	same "$act: JSON" "$(jq -r '[.event, .act, .dns, .name, .identifier,
		.record, .value] | join(" ")' <"$said/$f.json")" \
		"$act $act own own own.test $(heard $f RECORD) $(heard $f VALUE)"
done
is "somebody tries the block" everleaf test dns own try.own.test
for act in add remove; do
	f=$act.test.try.own.test
	same "test: $act is told as one" "$(heard $f EVENT)" test
	same "test: $act without a title" "$(grep -c '^EVERLEAF_NAME=' \
		"$said/$f.env")" 0
	same "test: $act in JSON" "$(jq -r '[.event, .act] | join(" ")' \
		<"$said/$f.json")" "test $act"
done

for n in $all; do
	renew $n
	is "$n is renewed" within 30 newest_is $n 2
done
is "no record is left again" within 20 nothing $all broken
is "it ends within 5 s" everleafd_stop
system_end
