#!/bin/sh
# dns-01 by somebody's program: called as each client that people know calls
# it, for a wildcard beside its base name, behind a CNAME, and when it fails.
# Each program tells the DNS that the CA asks.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000
hooks=$scene/hooks
mkdir "$hooks"
chmod 755 "$hooks"

# What they have in common: a value that is added, one that is removed. The
# DNS removes all values of a name, so what is there is kept in a file.
cat >"$hooks/txt" <<END
#!/bin/sh
# txt add|remove RECORD VALUE
tell() {
	curl -sf -o /dev/null -d "\$2" "http://127.0.0.1:$dns_admin/\$1"
}
kept=$scene/txt/\$2
(
	flock 9
	echo "\$0 \$*" >>$scene/txt/calls
	touch "\$kept"
	grep -vxF -- "\$3" "\$kept" >"\$kept.new"
	[ "\$1" = remove ] || echo "\$3" >>"\$kept.new"
	mv "\$kept.new" "\$kept"
	tell clear-txt "{\"host\": \"\$2.\"}"
	while read -r value; do
		tell set-txt "{\"host\": \"\$2.\", \"value\": \"\$value\"}"
	done <"\$kept"
) 9>$scene/txt/lock
END
mkdir "$scene/txt"
chmod 777 "$scene/txt"

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
all="own lego dehydrated certbot uacme acme.sh"
{
	conf_head
	echo "resolver = \"127.0.0.1:$dns_port\""
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
dns_tell set-cname '{"host": "_acme-challenge.far.elsewhere.test.",
	"target": "far.own.test."}'
nothing_left() { [ -z "$(cat "$scene"/txt/*.test)" ]; }
says() { everleaf why "$1" | grep -q "$2"; }

is "the daemon starts" everleafd_start
for n in $all; do
	is "$n: a wildcard and its base name" within 30 state_is $n valid
done
is "behind a CNAME, written where it leads to" within 30 state_is far valid
is "that name was written" test -e "$scene/txt/far.own.test"
is "and not the other" test ! -e \
	"$scene/txt/_acme-challenge.far.elsewhere.test"
is "a program that fails: its words are told" within 20 \
	says broken "panel's password is wrong"
is "no record is left" within 20 nothing_left
for n in $all; do
	renew $n
	is "$n is renewed" within 30 newest_is $n 2
done
is "no record is left again" within 20 nothing_left
is "it ends within 5 s" everleafd_stop
[ "$tap_bad" -eq 0 ] || tail -n 20 "$scene/txt/calls" | diag
system_end
