#!/bin/sh
# A CA with several profiles and lifetimes: each is granted where it was wished
# for; an unknown one and a lifetime cost nothing but a word.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
pebble_profiles=', "short": {"description": "six days",
  "validityPeriod": 518400},
 "long": {"description": "over a year", "validityPeriod": 34128000}'
system_begin 7776000
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	conf_key default profile default
	conf_key short profile short
	conf_key long profile long
	conf_key odd profile odd
	conf_key two-hours validity 2h
} >"$conf"

lifetime() {	# of what is installed, in seconds
	local from to
	from=$(openssl x509 -in "$live/$1/cert.pem" -noout -startdate)
	to=$(openssl x509 -in "$live/$1/cert.pem" -noout -enddate)
	echo $(($(date -d "${to#*=}" +%s) - $(date -d "${from#*=}" +%s)))
}
lives() {	# lives NAME SECONDS: a second more or less
	local n
	n=$(lifetime "$1")
	[ "$n" -ge $(($2 - 60)) ] && [ "$n" -le $(($2 + 60)) ]
}
renews_after() {	# renews_after NAME SECONDS: within a tenth of that
	about "$1" '.issuance.next_renewal_at | fromdateiso8601 - now' |
		awk -v want="$2" '{ exit !($1 > want * .9 && $1 < want * 1.1) }'
}

is "the daemon starts" everleafd_start
for n in default short long odd two-hours; do
	is "$n is installed" within 20 state_is $n valid
done
is "90 days" lives default 7776000
is "six days" lives short 518400
is "395 days" lives long 34128000
is "two hours, since a lifetime was wished for" lives two-hours 7200
for n in default short long; do
	same "$n: the profile is known" "$(about $n .newest.profile)" $n
	same "$n: nothing is missing" "$(about $n .not_granted[])" ""
done
same "an unknown profile: that is known" "$(about odd .not_granted[])" \
	"the profile"
is "show says so" sh -c "'$prefix/bin/everleaf' --socket \
	'$run/everleaf.sock' show odd | grep 'profile, which the CA did not'"
same "and an event" "$(events_of odd order.degraded)" 1
same "it has no profile" "$(about odd .newest.profile)" null
is "ca show says that there are profiles" sh -c "'$prefix/bin/everleaf' --socket \
	'$run/everleaf.sock' ca show pebble | grep -w profiles"
is "90 days are renewed with a third left" renews_after default 5184000
is "six days halfway" renews_after short 259200
is "it ends within 5 s" everleafd_stop
system_end
