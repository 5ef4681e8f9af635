#!/bin/sh
# What programs are really passed: each writes down its environment, standard
# input, folder and umask; the manual says the same (everleaf.conf(5),
# PROGRAMS).
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000
heard=$scene/heard
mkdir "$heard"

# Files of a call: KIND.N.env, .json, .place.
cat >"$scene/note" <<END
#!/bin/sh
n=\$(ls "$heard" | grep -c "^\$1\\..*env\$")
cat >"$heard/\$1.\$n.json"
echo "\$(pwd) \$(umask)" >"$heard/\$1.\$n.place"
env >"$heard/.new"
mv "$heard/.new" "$heard/\$1.\$n.env"
[ ! -e "$scene/\$1-fails" ] || exit 1
END
chmod 755 "$scene/note"

service() {	# service NAME
	cat <<-END

	service "$1" {
	    check           = {"$scene/note", "$1-check"}
	    reload          = {"$scene/note", "$1-reload"}
	    endpoints       = {}
	    reload-delay    = 3s
	    reload-interval = 1s
	    allow-test-ca   = true
	}
	END
}
wide_names() {	# more than 16 KiB of them
	local i l sep
	l=$(printf '%059d' 0 | tr 0 x)
	for i in $(seq 10 99); do
		printf '%s"n%s%s.%s.%s.example"' "${sep-}" "$i" "$l" "$l" "$l"
		sep=", "
	done
}
{
	conf_head
	service one
	service many
	service wide
	conf_wish shop.example '"one"'
	conf_wish a.example '"many"'
	conf_wish b.example '"many"'
	printf '\ncertificate "wide" {\n    services = "wide"\n'
	printf '    names    = {%s}\n}\n' "$(wide_names)"
} >"$conf"

last() {	# last KIND SUFFIX: of the newest call
	ls -t "$heard/$1".*."$2" | head -n 1
}
var() {	# var KIND VARIABLE
	sed -n "s/^EVERLEAF_$2=//p" "$(last "$1" env)"
}
# The shell that runs the program makes some of its own.
vars() {	# vars KIND: the names of all variables
	sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$(last "$1" env)" |
		grep -vx 'PWD\|SHLVL\|_\|OLDPWD' | sort | tr '\n' ' '
}
json() {	# json KIND EXPRESSION
	jq -r "$2" <"$(last "$1" json)"
}
called() { [ -e "$heard/$1.${2:-0}.env" ]; }
calls() { ls "$heard" | grep -c "^$1\\..*env\$"; }
told_two() { called many-reload && [ "$(var many-reload COUNT)" = 2 ]; }
fixed="HOME LANG PATH USER "

system_open shop.example || bail "no beginning: $(everleafd_last)"
is "one is reloaded" within 40 called one-reload
for k in one-check one-reload; do
	same "$k: these variables and no others" "$(vars $k)" \
		"EVERLEAF_COUNT EVERLEAF_DIR EVERLEAF_EVENT EVERLEAF_NAME \
EVERLEAF_NAMES EVERLEAF_SERVICE $fixed"
	same "$k: event" "$(var $k EVENT)" deploy
	same "$k: service" "$(var $k SERVICE)" one
	same "$k: count" "$(var $k COUNT)" 1
	same "$k: name" "$(var $k NAME)" shop.example
	same "$k: names" "$(var $k NAMES)" shop.example
	same "$k: folder" "$(var $k DIR)" "$live/shop.example"
	same "$k: JSON" "$(json $k '[.event, .service, .count,
		.certificates[0].name, .certificates[0].dir,
		.certificates[0].names[0], .certificates[0].version,
		.truncated] | map(tostring) | join(" ")')" \
		"deploy one 1 shop.example $live/shop.example shop.example 1 null"
	same "$k: JSON tells of what is in place" \
		"$(json $k '.certificates[0].sha256')" \
		"$(leaf_sha <"$live/shop.example/cert.pem")"
	same "$k: its folder and umask" "$(cat "$(last $k place)")" "/ 0077"
done

# Its round takes in whoever asks for one, so it has to be over.
is "many long names are issued" within 60 called wide-reload
same "16 KiB of names: not in the environment" "$(vars wide-reload)" \
	"EVERLEAF_COUNT EVERLEAF_DIR EVERLEAF_EVENT EVERLEAF_NAME \
EVERLEAF_SERVICE $fixed"
same "but all in JSON" \
	"$(json wide-reload '.certificates[0].names | length')" 90

everleaf deploy a.example --no-wait >/dev/null 2>&1
everleaf deploy b.example --no-wait >/dev/null 2>&1
is "two in one reload" within 40 told_two
same "two: neither name nor folder" "$(vars many-reload)" \
	"EVERLEAF_COUNT EVERLEAF_EVENT EVERLEAF_SERVICE $fixed"
same "two: both are in JSON" "$(json many-reload \
	'[.certificates[].name] | sort | join(" ")')" "a.example b.example"

n=$(calls one-reload)
touch "$scene/one-reload-fails"
renew shop.example
is "a reload fails: it is called with the previous files" within 30 \
	called one-reload $((n + 1))
same "rollback" "$(sed -n 's/^EVERLEAF_EVENT=//p' \
	"$heard/one-reload.$((n + 1)).env")" rollback
same "rollback: JSON tells of the version before" "$(jq -r \
	'[.event, .certificates[0].version] | map(tostring) | join(" ")' \
	<"$heard/one-reload.$((n + 1)).json")" "rollback 1"
is "it ends within 5 s" everleafd_stop
system_end
