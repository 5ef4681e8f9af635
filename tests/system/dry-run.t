#!/bin/sh
# --dry-run of what orders: a whole issuance at the CA's staging, of which
# nothing is left; what is in the way is said; the CA itself is never asked (it
# does not even run here).
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
pebble_retry=3
system_begin 7776000 PEBBLE_WFE_NONCEREJECT=0
ca_block() {	# ca_block TITLE DIRECTORY
	cat <<-END

	ca "$1" {
	    directory  = "$2"
	    trust-file = "$ca_trust"
	}
	END
}
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	ca_block pebble-staging "$ca_url"
	ca_block house "https://127.0.0.1:$(free_port)/dir"
	ca_block house-staging "$ca_url"
	ca_block alone "https://127.0.0.1:$(free_port)/dir"
	printf '\ncertificate "%s" {\n    names = "%s"\n}\n' $name $name
} >"$conf"

said=$scene/said
try() {	# try WORDS...: sets $code; what is said goes to $said
	timeout 120 "$prefix/bin/everleaf" --socket "$run/everleaf.sock" "$@" \
		>"$said" 2>&1 </dev/null
	code=$?
}
says() { grep -qF -e "$1" "$said"; }
# Everything that a trial must leave as it is.
inventory() {
	everleaf list --names
	find "$state/certs" "$live" | sort
	everleaf --json show $name
}
unchanged() { inventory >"$scene/after" && cmp "$scene/before" "$scene/after"; }
told() { [ "$(events_of "$1" "$2")" = "$3" ]; }	# NAME EVENT TIMES
# The token that the CA was shown is answered no more.
tokens() {
	grep -o '/.well-known/acme-challenge/[A-Za-z0-9_-]*' \
		"$scene/log/pebble" | sort -u
}
answered() {
	for t in $(tokens); do
		curl -sf -o /dev/null -H "Host: $1" \
			"http://127.0.0.1:$http_port$t" && return
	done
	return 1
}

is "the daemon starts" everleafd_start
alive everleafd || { everleafd_last; bail "no daemon"; }
is "version 1 is issued" within 40 newest_is $name 1
is "and rests" within 20 state_is $name valid
inventory >"$scene/before"

# --- it works ---
made=$(pebble_issued)
try add new.example www.new.example --ca house --dry-run
same "a trial of a new one works" $code 0
is "it is ordered at the staging" says "ordering from house-staging by http-01"
is "the account there is told" says "an account at house-staging now"
is "the certificate too" says "a certificate for 2 names until"
is "and that it changed nothing" says "Nothing was changed."
same "the staging has issued one" "$(($(pebble_issued) - made))" 1
is "there is no such certificate" [ "$(everleaf show new.example >/dev/null \
	2>&1; echo $?)" = 3 ]
is "and nothing else" unchanged
isnt "its challenges are down" answered new.example
try renew $name --dry-run
same "a trial of one that is there works" $code 0
is "its own CA's staging is asked" says "from pebble-staging by http-01"
is "what it would cost is said" says "it would be number 2 of 5 that pebble \
allows for exactly these names in 7 days"
is "the certificate is what it was" unchanged
try --json add new.example --ca house --dry-run
same "for programs it is the last event" "$(jq -r .event "$said")" trial.done

# --- it does not ---
dns_break bad.example
try add bad.example --ca house --dry-run
dns_mend bad.example
same "a trial that fails says so" $code 1
is "what the CA saw is said" says "bad.example"
is "and the end" says "The trial issuance at house-staging did not work."
is "it is tried once" told bad.example trial.failed 1
is "nothing is there" unchanged
try add new.example --ca alone --dry-run
same "without a staging the plan is checked" $code 0
is "and that is said" says "No staging of alone is known: the plan was checked"

# --- a crash ---
try add new.example --ca house --dry-run --no-wait
same "nobody has to wait" $code 0
try add new.example --ca house --dry-run
is "one at a time for a name" says "a trial is under way already"
is "it ends by itself" within 60 told new.example trial.done 3
try add crash.example --ca house --dry-run --no-wait
sleep 1
kill -s KILL "$(role_pid engine)"
is "after a crash it is dropped, and told" within 30 \
	told crash.example trial.failed 1
isnt "its challenge is down" within 5 answered crash.example
is "nothing is there" within 20 unchanged
is "it ends within 5 s" everleafd_stop
system_end
