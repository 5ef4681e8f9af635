#!/bin/sh
# The command against a daemon whose clock stands still at 2026-11-21 12:45:
# outputs to the letter, exit codes, and how it fails.
LC_ALL=C TZ=UTC
export LC_ALL TZ
unset NO_COLOR
tmp=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-cli.XXXXXX") || exit 99
sock=$tmp/s
pid=
n=0
ours="$TOP_BUILDDIR/everleaf"

start() {	# start [empty|unseen|bad-config|refuse|busy FILE|long-busy FILE]
	stop
	rm -f "$tmp/in" "$tmp/log"
	mkfifo "$tmp/in"
	timeout 600 "$TOP_BUILDDIR/tests/unit/api_server" "$sock" "$@" \
		<"$tmp/in" >"$tmp/log" 2>&1 &
	pid=$!
	exec 8>"$tmp/in"
	i=0
	until grep -q ready "$tmp/log"; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "Bail out! no server"; exit 99; }
		sleep 0.1
	done
}
stop() {	# the daemon must end by itself and well
	[ -n "$pid" ] || return 0
	exec 8>&-
	wait "$pid" || { cat "$tmp/log" >&2; ended=badly; }
	pid=
}
trap 'stop; rm -rf "$tmp"' EXIT
ended=well

run() {		# run WORDS...: out, err, code
	timeout 60 "$ours" --socket "$sock" "$@" >"$tmp/out" 2>"$tmp/err" 8>&-
	code=$?
}
add_beside() {	# for some time yet; $add is its process
	timeout 60 "$ours" --socket "$sock" add n.example --no-wait \
		>"$tmp/add" 2>&1 8>&- &
	add=$!
	sleep 0.5
}
ok() {		# ok NAME CONDITION...
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		{ echo "exit code $code"; cat "$tmp/out" "$tmp/err"; } |
			sed 's/^/# /'
	fi
}
prints() {	# prints CODE: standard input is what it must print
	cat >"$tmp/want"
	[ "$code" = "$1" ] && diff "$tmp/want" "$tmp/out" >"$tmp/diff" &&
		return
	sed 's/^/# /' "$tmp/diff"
	return 1
}
fails() {	# fails CODE TEXT: one line on standard error
	[ "$code" = "$1" ] && [ "$(cat "$tmp/err")" = "everleaf: $2" ]
}
has_error() {	# has_error CODE TEXT
	[ "$code" = "$1" ] && grep -qF -e "$2" "$tmp/err"
}
has() {		# has CODE TEXT
	[ "$code" = "$1" ] && grep -qF -e "$2" "$tmp/out"
}
lacks() {	# lacks TEXT
	! grep -qF -e "$1" "$tmp/out"
}
is_json() {	# is_json CODE
	[ "$code" = "$1" ] && head -c 1 "$tmp/out" | grep -q '{'
}

# --- no daemon ---------------------------------------------------------------
run list
ok 'no daemon' fails 4 "no daemon at $sock. systemctl start everleaf"
run status --check
ok 'no daemon, for monitoring' has 3 UNKNOWN
run status --check --json
ok 'no daemon, for monitoring by JSON' [ "$code$(cat "$tmp/out")" = 3 ]
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	start
	chmod 755 "$tmp"
	chmod 600 "$sock"
	cp "$ours" "$tmp/everleaf"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/everleaf" \
		--socket "$sock" list >"$tmp/out" 2>"$tmp/err" 8>&-
	code=$?
	ok 'no permission' fails 4 "no permission on $sock. Become root, or\
 join the group that api-group names."
	chgrp daemon "$sock"
	chmod 660 "$sock"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/everleaf" \
		--socket "$sock" list >"$tmp/out" 2>"$tmp/err" 8>&-
	code=$?
	ok '... names the group' fails 4 "no permission on $sock. Become root,\
 or join the group daemon."
	chmod 666 "$sock"
	setpriv --reuid 12345 --regid 12345 --clear-groups "$tmp/everleaf" \
		--socket "$sock" list >"$tmp/out" 2>"$tmp/err" 8>&-
	code=$?
	ok 'K10 wrong uid' fails 4 "uid:12345 may not use the API. Become root\
 or join the group everleaf-admin."
else
	n=$((n + 3))
	echo "ok $((n - 2)) - no permission # SKIP not root"
	echo "ok $((n - 1)) - ... names the group # SKIP not root"
	echo "ok $n - K10 wrong uid # SKIP not root"
fi

# --- looking -----------------------------------------------------------------
start
run
sed -i 's/^everleaf [0-9.]* on [^,]*, /everleaf V on HOST, /' "$tmp/out"
ok 'status' prints 0 <<'END'
everleaf V on HOST, up 12 days: 5 certificates, 2 served, 2 need you.

  old.example   failing   www.old.example points to another machine since 2026-11-10 04:10. Still served, 11 days left
  shop.example  unserved  version 8 is issued, but nginx refuses its configuration since 02:12. The old certificate is served, 29 days left
  -> everleaf why old.example

Next     old.example is tried again at 14:02; blog.example renews in 4 days
CA       letsencrypt: down since 09:14, nothing waiting
Config   /etc/everleaf/conf.d/beta.conf:4 can't be read (missing "}"); its 2 certificates keep the last settings
END
run status --check
ok 'status --check' prints 1 <<'END'
WARNING: 2 served, 2 need a person: old.example | days_min=11
END
run status --check --json
ok 'status --check --json has the code' is_json 1
run status --json
ok '... which is 0 without --check' is_json 0
run status --security
ok 'status --security' has 0 'seccomp: on'
run status --watch
ok 'status --watch needs a terminal' fails 2 '--watch needs a terminal'

tab=$(printf '\t')
run ca
ok 'ca' prints 0 <<END
CA${tab}STATE${tab}ORDERS${tab}ACCOUNT
letsencrypt${tab}down${tab}0${tab}https://acme-v02.api.letsencrypt.org/acme/acct/77
END
run ca --quiet
ok 'ca --quiet' eval '[ $(wc -l <"$tmp/out") = 1 ]'
run ca list --json
ok 'ca list as JSON' is_json 0
run ca show letsencrypt
ok 'ca show' prints 0 <<END
letsencrypt is down since 09:14.
HTTP 503

  directory   https://acme-v02.api.letsencrypt.org/directory
  next try    12:49
  orders      0 under way, at most 16
  ready       no: HTTP 503
  used        4 of 5 certificates for the same names in 7 days, at most
              1 set of names at the limit, the first until 2026-11-22 12:00 (renew NAME --force)
  account     https://acme-v02.api.letsencrypt.org/acme/acct/77 (ecdsa-p256 key, valid)
  contacts    mailto:a@shop.example
  thumbprint  z6koH1gFxKMpZu3kwaiN1nyZJdM3XjHrCQD_6xFoA9E
              (for a server that answers http-01 by itself: snippets/stateless-*.conf)
  can         wildcards, IP addresses, profiles
  needs       an external account (eab-kid, eab-key-file)
  profiles    classic: https://letsencrypt.org/docs/profiles#classic
              shortlived
  CAA         letsencrypt.org
  website     https://letsencrypt.org
  terms       https://letsencrypt.org/repository/
  note        IP addresses need profile = "shortlived"
END
run ca show nobody
ok 'ca show of none' fails 3 'no ca "nobody". The configured ones: everleaf ca'
run test ca letsencrypt
ok 'test ca' prints 0 <<END
letsencrypt answers
END
run test ca letsencrypt --json
ok 'test ca as JSON' is_json 0
run test ca nobody
ok 'test ca of none' fails 3 'no ca "nobody". The configured ones: everleaf ca'
run test ca
ok 'test ca of what' fails 2 'test ca what? everleaf test ca C'
run list
ok 'list' prints 0 <<END
NAME${tab}STATE${tab}DAYS${tab}NEXT${tab}SERVICES${tab}CA
blog.example${tab}served${tab}63${tab}renews in 4 days${tab}nginx${tab}letsencrypt
mail.shop.example${tab}served${tab}71${tab}renews in 41 days${tab}dovecot postfix${tab}letsencrypt
new.example${tab}new${tab}-${tab}-${tab}nginx${tab}letsencrypt
old.example${tab}failing${tab}11${tab}tries at 14:02${tab}nginx${tab}letsencrypt
shop.example${tab}unserved${tab}29${tab}reloads at 12:52${tab}nginx${tab}letsencrypt
END
run --quiet list --columns name,version --state served
ok 'list, some columns, no head' prints 0 <<END
blog.example${tab}7
mail.shop.example${tab}2
END
run list --quiet --columns name '*.shop.example'
ok 'list with a pattern' prints 0 <<END
mail.shop.example
shop.example
END
run list --json '*.shop.example'
ok 'list with a pattern, as JSON' is_json 0
ok '... has what fits' grep -q '"name":"mail.shop.example"' "$tmp/out"
ok '... and nothing else' eval '! grep -q blog.example "$tmp/out"'
run list --json 'b*'
ok '... and the other way round' has 0 '"name":"blog.example"'
ok '... too' eval '! grep -q shop.example "$tmp/out"'
run list --quiet --columns labels --label customer=4711 --names
ok 'list by label, with names' prints 0 <<END
customer=4711${tab}blog.example www.blog.example
END
run list --quiet --expiring 20d --columns=name,expires
ok 'list --expiring' prints 0 <<END
old.example${tab}2026-12-02 01:00
END
run list --quiet --service postfix --ca letsencrypt --columns name
ok 'list --service --ca' prints 0 <<END
mail.shop.example
END
run list --columns name,colour
ok 'no such column' fails 2 'no column "colour". There are: name state days next services ca names expires version labels'
run list --state dead
ok 'no such state' fails 2 'state=dead: no state of a certificate. There are: served, valid, deploying, unserved, failing, new, expired, retired'
if command -v script >/dev/null; then
	script -qec "NO_COLOR=1 TERM=xterm '$ours' --socket '$sock' list" \
		/dev/null 2>"$tmp/err" </dev/null 8>&- | tr -d '\r' >"$tmp/out"
	code=0
	ok 'list on a terminal is aligned, NO_COLOR' prints 0 <<'END'
NAME               STATE     DAYS  NEXT               SERVICES         CA
blog.example       served    63    renews in 4 days   nginx            letsencrypt
mail.shop.example  served    71    renews in 41 days  dovecot postfix  letsencrypt
new.example        new       -     -                  nginx            letsencrypt
old.example        failing   11    tries at 14:02     nginx            letsencrypt
shop.example       unserved  29    reloads at 12:52   nginx            letsencrypt
END
	script -qec "TERM=xterm '$ours' --socket '$sock' list" /dev/null \
		2>"$tmp/err" </dev/null 8>&- >"$tmp/out"
	ok 'colours on a terminal' has 0 "$(printf '\033[31munserved\033[0m')"
else
	n=$((n + 2))
	echo "ok $((n - 1)) - list on a terminal # SKIP no script(1)"
	echo "ok $n - colours on a terminal # SKIP no script(1)"
fi

run show shop.example
ok 'show' prints 0 <<'END'
shop.example  unserved
version 8 is issued, but nginx refuses its configuration

  names      shop.example, www.shop.example
  set        in /etc/everleaf/everleaf.conf:4, policy default
  CA         letsencrypt by http-01, key ecdsa-p256
  newest     version 8, issued 02:13, until 2027-02-19 01:13 (in 90 days)
             SHA-256 9f2c
  installed  version 8 since 02:12
  served     version 7, checked 2 minutes ago, until 2026-12-20 01:05
  key        ecdsa-p256, TLSA 3 1 1 77b0
  files      /var/lib/everleaf/live/shop.example/fullchain.pem
             /var/lib/everleaf/live/shop.example/privkey.pem
  nginx      refused
             nginx -t failed with the new files and with the old ones.
             :443 192.0.2.10 shop.example: older
  renews     2027-01-20 04:40 (in 60 days)
END
run why blog.example
ok 'why: served' prints 0 <<'END'
blog.example is served. Nothing to do.

  issued     version 7 by letsencrypt on 2026-10-25, until 2027-01-23
  nginx      192.0.2.10:443, [2001:db8::10]:443: both names serve version 7 (checked 3 hours ago)
  renews     2026-11-25 01:10, in the time that letsencrypt suggests
END
run why old.example
ok 'why: DNS points elsewhere' prints 0 <<'END'
old.example can't be renewed: www.old.example points to another machine.
The certificate is still served; 11 days left.

  CA saw     198.51.100.7: http://www.old.example/.well-known/acme-challenge/... answered 404
  we see     www.old.example is 198.51.100.7; this machine is 192.0.2.10, 2001:db8::10
             old.example is 192.0.2.10: our answer arrives there
  tried      5 times since 2026-11-10 04:10; next 14:02

  Do one     point www.old.example to 192.0.2.10
             or drop it: /etc/everleaf/everleaf.conf:6, then everleaf reload
END
run why shop.example
ok 'why: the check fails' prints 0 <<'END'
shop.example: version 8 is issued, but nginx refuses its configuration.
The old certificate (version 7) is served; 29 days left. No new order is needed.

  nginx      nginx -t failed with the new files and with the old ones.
             192.0.2.10:443 for shop.example: shows an older version
  tried      3 times since 02:12; next 12:52

  Do         mend /etc/nginx/conf.d/api.conf:12, then everleaf deploy shop.example (or wait)
END
run why new.example
ok 'why: the CA is down' prints 0 <<'END'
new.example waits: letsencrypt does not answer (since 09:14, for all certificates).
Nothing is installed yet; services use the placeholder.

  CA         https://acme-v02.api.letsencrypt.org/directory: HTTP 503, next 12:49

  Do         nothing; it goes on by itself
END
run why WWW.shop.example
ok 'a DNS name that one certificate covers' has 0 'shop.example: version 8'
ok '... and that is said' grep -qx \
	'www.shop.example is a name of the certificate shop.example' "$tmp/err"
run why nix.example
ok 'no such certificate' fails 3 'no certificate "nix.example". everleaf list shows all.'
TZ=Europe/Berlin run why old.example
ok 'local time' has 0 'since 2026-11-10 05:10; next 15:02'
run events shop.example
ok 'events' prints 0 <<END
2026-11-21 02:11${tab}shop.example${tab}order.started${tab}version 8 letsencrypt
2026-11-21 02:12${tab}shop.example${tab}version.issued${tab}version 8 letsencrypt
2026-11-21 02:12${tab}shop.example${tab}service.refused${tab}nginx: version 8 keeps the old certificate: nginx -t failed with the new files and with the old ones.
END
cp "$tmp/out" "$tmp/events"
run events WWW.shop.example
ok 'events of a DNS name' cmp -s "$tmp/out" "$tmp/events"
ok '... and that is said' grep -qx \
	'www.shop.example is a name of the certificate shop.example' "$tmp/err"
run events nix.example
ok 'events of what has never been' fails 3 \
	'no certificate "nix.example", and no event of that name. everleaf list shows all.'
run events --since yesterday
ok 'events --since' fails 2 '--since yesterday: say the unit: 30m, 12h or 7d; or a time as 2026-11-21T12:00:00Z'

# --- changing ----------------------------------------------------------------
run add shop2.example www.shop2.example --service nginx --dry-run
ok 'add --dry-run' prints 0 <<'END'
shop2.example would be created
shop2.example  trial: ordering from letsencrypt-staging by http-01
shop2.example  trial: letsencrypt-staging: a certificate
A trial issuance at letsencrypt-staging worked. Nothing was changed.
END
run add shop2.example --dry-run --no-wait
ok 'add --dry-run --no-wait' prints 0 <<'END'
shop2.example would be created
A trial issuance at letsencrypt-staging is under way; everleaf events shop2.example tells what comes of it. Nothing was changed.
END
run events shop2.example
ok 'events of what no certificate has' has 0 'trial.done'
ok '... and that is said' grep -qx \
	'there is no certificate "shop2.example" now; these are the events of that name' \
	"$tmp/err"
run add none.example --dry-run
ok 'add --dry-run without a staging' prints 0 <<'END'
none.example would be created
No staging of letsencrypt is known: the plan was checked, nothing was ordered. Nothing was changed.
END
run add bad2.example --dry-run
ok 'add --dry-run that fails' has_error 1 'the CAA record of bad2.example allows only other.example. Add letsencrypt.org to it.'
ok '... says what the CA saw, and how it ended' prints 1 <<'END'
bad2.example would be created
bad2.example  trial: ordering from letsencrypt-staging by http-01
bad2.example  trial: letsencrypt-staging saw: 192.0.2.9
The trial issuance at letsencrypt-staging did not work. Nothing was changed.
END
run add busy.example --dry-run
ok 'add --dry-run that can not begin' fails 1 'busy.example: a trial is under way already'
run add shop2.example www.shop2.example --service nginx
ok 'add' prints 0 <<'END'
shop2.example  placeholder in /var/lib/everleaf/live/shop2.example
shop2.example  ordering from letsencrypt by http-01
shop2.example  issued: version 1, until 2027-02-19
shop2.example  nginx: checked, reloaded
shop2.example  served on 192.0.2.10:443
END
run add shop2.example
ok 'add does not change' fails 2 'there is a certificate "shop2.example" already. To change it: everleaf set shop2.example'
run add bücher.example --dry-run
ok 'add of a U-label' has 0 'xn--bcher-kva.example would be created'
run add a_b.example
ok 'add of what is no name' fails 2 '"a_b.example" has a "_", which no host name may have'
run add nas.example --ca zerosl
ok 'add with an unknown ca' fails 2 'certificate "nas.example": ca "zerosl" is neither a block here nor a preset'
run add nas.example --dns nobody
ok 'add with an unknown dns' fails 2 'certificate "nas.example": dns "nobody" is no block here'
run add --no-wait a.wild.example --name wild
ok 'add --no-wait' prints 0 <<'END'
wild: wished for; it is ordered now
END
run list --quiet --columns name,version '*.wild.example'
ok 'list by a name that no version has yet' prints 0 <<END
wild${tab}0
END
run add bad.example
ok 'add that fails' has 1 'bad.example  the CAA record of bad.example allows only other.example'
ok '... and says where to look' grep -qx \
	'everleaf: that did not work. everleaf why bad.example says more.' "$tmp/err"
run set shop2.example --add-name api.shop2.example
ok 'set --add-name' has 0 'issued: version 2'
run show api.shop2.example
ok '... keeps the others' has 0 'shop2.example, www.shop2.example, api.shop2.example'
run add back.example
run set back.example --add-name www.back.example
ok 'set to what there is a version for' has 0 \
	'back.example  no order is needed: the newest version is'
run set shop2.example --drop-name nix.example
ok 'set --drop-name of a stranger' fails 2 'shop2.example does not have all the names to drop. everleaf show shop2.example lists them.'
run set shop2.example --add-name shop2.example
ok 'set to what it is' prints 0 <<'END'
shop2.example: nothing to do, it is so already
END
run set shop2.example
ok 'set nothing' fails 2 'set what? --add-name, --drop-name or --service'
run set shop.example --add-name x.shop.example
ok 'set of one in a file' fails 2 'shop.example is set in /etc/everleaf/everleaf.conf:4. Change it there, then: everleaf reload'
run renew
ok 'renew what' fails 2 'renew what? The daemon renews by itself; next is blog.example in 4 days. To renew one now: everleaf renew NAME'
run renew blog.example
ok 'renew over a limit' fails 1 'blog.example is not due, and its names have 4 of 5 orders a week behind them'
run renew blog.example --dry-run
ok 'renew --dry-run' has 0 'though it is not due before 2026-11-25 01:10'
ok '... says that it orders all the same' has 0 'would be ordered from'
ok '... what it costs' has 0 'it would be number 5 of 5 that letsencrypt allows for exactly these names in 7 days'
ok '... and what is in the way' has 0 'before 2026-11-22 12:00 it would be refused, unless with --force'
run renew --force blog.example --dry-run
ok '... which nothing is with --force' grep -qx \
	"it takes what is kept in reserve until 2026-11-22 12:00" "$tmp/out"
run renew --force --new-key blog.example
ok 'renew --force' has 0 'blog.example  issued: version 8'
run revoke
ok 'revoke what' fails 2 'revoke what? everleaf revoke NAME, or --label, --ca, --service, --state, --all'
run revoke shop.example --all
ok 'revoke one and all' fails 2 'revoke what? everleaf revoke NAME, or --label, --ca, --service, --state, --all'
run revoke shop.example
ok 'revoke without master' fails 4 "no daemon at $(dirname "$sock")/master.sock. systemctl start everleaf"
run revoke shop.example --reason whim --dry-run
ok 'revoke for a strange reason' fails 2 '"whim" is no reason for a revocation. One of: unspecified, key-compromise, affiliation-changed, superseded, cessation-of-operation'
run revoke www.shop.example --dry-run
ok 'revoke by a name that is no title' has_error 2 'Say which is meant: everleaf revoke shop.example'
run revoke shop.example --dry-run
ok 'revoke --dry-run' has 0 'Nothing was changed.'
run revoke shop.example --no-wait
ok 'revoke --no-wait' prints 0 <<'END'
replaced now. When that is in use, the same command again revokes, as root
END
run revoke --ca letsencrypt </dev/null
ok 'revoke many unasked' has_error 2 'would be revoked: nobody is here to confirm it. Add --yes'
ok '... which are told by title' grep -qx '  shop.example' "$tmp/err"
run ca rollover letsencrypt
ok 'ca rollover without master' fails 4 "no daemon at $(dirname "$sock")/master.sock. systemctl start everleaf"
run ca rollover letsencrypt --dry-run
ok 'ca rollover --dry-run' has 0 'the account would get another key'
run ca rollover nope
ok 'ca rollover of none' fails 3 'no ca "nope". The configured ones: everleaf ca'
run ca deactivate letsencrypt
ok 'ca deactivate without master' fails 4 "no daemon at $(dirname "$sock")/master.sock. systemctl start everleaf"
run ca export
ok 'ca export of what' fails 2 'ca export what? everleaf ca export C'
run ca export letsencrypt --yes
ok 'ca export without master' fails 4 "no daemon at $(dirname "$sock")/master.sock. systemctl start everleaf"
run ca export letsencrypt --dry-run
ok 'ca export --dry-run' has 0 'the private key of the account would be printed'
run ca import letsencrypt
ok 'ca import of nothing' fails 2 'ca import what? everleaf ca import C FILE'
run ca import letsencrypt "$tmp/nothing"
ok 'ca import of no file' fails 2 "$tmp/nothing: No such file or directory"
echo key >"$tmp/key"
chmod 640 "$tmp/key"
run ca import letsencrypt "$tmp/key"
ok 'D10 ca import of a file that others may read' fails 2 "$tmp/key: others may use it (mode 0640). If nobody else has the key: chmod 600 $tmp/key"
chmod 600 "$tmp/key"
run ca import letsencrypt "$tmp/key" --dry-run
ok 'ca import of one that they may not' has 0 'Nothing was changed.'
ln -s key "$tmp/link"
run ca import letsencrypt "$tmp/link"
ok 'D10 ca import of a link' fails 2 "$tmp/link: it is a link. Name the file itself"
mkfifo "$tmp/fifo"
run ca import letsencrypt "$tmp/fifo"
ok 'D10 ca import of a FIFO' fails 2 "$tmp/fifo: it is no file"
if [ "$(id -u)" -eq 0 ]; then
	chown 65534 "$tmp/key"
	run ca import letsencrypt "$tmp/key" --dry-run
	ok "D10 ca import of another user's file" fails 2 "$tmp/key: it belongs to user 65534. If nobody else has the key: chown root $tmp/key"
fi
run deploy shop.example
ok 'deploy' prints 0 <<'END'
shop.example  nginx: checked, reloaded
shop.example  served on 192.0.2.10:443
END
run deploy --service nginx
ok 'deploy --service' has 0 'nginx: checked, reloaded'
run deploy --service ngnix
ok 'deploy of no service' fails 3 'no service "ngnix" is in use. Name it in services of a certificate.'
run deploy
ok 'deploy what' fails 2 'deploy what? everleaf deploy NAME, or everleaf deploy --service S'
run remove wild --dry-run
ok 'remove --dry-run' has 0 'wild would not be renewed any more'
run remove wild
ok 'remove' prints 0 <<'END'
wild: no more renewals; its files stay until 30 days after expiry
END
run remove --purge wild
ok 'remove --purge' has 0 'wild: removed, with its files and keys'
run add slow.example --no-wait
run remove --purge slow.example
ok 'remove --purge that takes long' has 5 'slow.example: is being removed'
run remove old.example
ok 'remove one in a file' fails 2 'old.example is set in /etc/everleaf/everleaf.conf:6'
run test blog.example
ok 'test' has 0 'our answer arrives'
run test old.example
ok 'test that fails' has 1 'answered 404'
run reload
ok 'reload' prints 0 <<'END'
+ beta.example: ordered
END
start			# the one that follows
run reload --dry-run
ok 'reload --dry-run' has 0 'would be ordered'
run config check
ok 'config check' has 0 'would be ordered'
run config show
ok 'config show' has 0 'agree-tos'

# --- for programs ------------------------------------------------------------
for words in status list 'show shop.example' 'why shop.example' events \
	'config show' 'test blog.example' 'add js.example' \
	'deploy shop.example' 'renew shop.example --dry-run' \
	'add js2.example --dry-run' 'renew shop.example --dry-run --no-wait' \
	'add none.example --dry-run' 'reload'; do
	run --json $words
	ok "--json $words" is_json 0
done
start
run --json add bad2.example --dry-run
ok '--json of a trial that fails' is_json 1
run --json why nix.example
ok '--json of an error' is_json 3
run --quiet add quiet.example
ok '--quiet' [ "$code$(cat "$tmp/out")" = 0 ]

# --- words -------------------------------------------------------------------
while read -r word right; do
	run $word x.example
	ok "no command $word" fails 2 "no command \"$word\". You want: $right"
done <<'END'
certonly everleaf add DNSNAME...
certificates everleaf list
delete everleaf remove NAME
rotate everleaf renew NAME --new-key
account everleaf ca
hook everleaf deploy NAME, which runs check and reload; or everleaf test dns D NAME
server everleaf test NAME
unpause nothing is paused in this release
install everleaf deploy NAME
run everleaf add DNSNAME... --service S
dry-run everleaf test NAME, or --dry-run after a command
lst everleaf list
END
run pause x.example
ok 'a command of a later release' fails 2 'no command "pause" in this release. See: everleaf --help'
run frobnicate
ok 'a strange command' fails 2 'no command "frobnicate". See: everleaf --help'
run config
ok 'half a command' fails 2 'config what? everleaf config check, or everleaf config show'
run list --stat x
ok 'a strange option' fails 2 'no option "--stat" here. You want "--state".'
run why
ok 'too few words' fails 2 'why what? everleaf why NAME'
run why a b
ok 'too many words' fails 2 '"b": one too many. everleaf why NAME'
run list --state
ok 'no value' fails 2 '--state needs a value: --state S'
run list --names=x
ok 'a value too many' fails 2 '--names takes no value'
run why -- -x
ok 'names behind --' fails 3 'no certificate "-x". everleaf list shows all.'
run --help
ok '--help' has 0 'what is wrong, who saw what, what to do next'
run add --help
ok 'add --help' has 0 '--policy P'
run --version
ok '--version' grep -qx 'everleaf [0-9.]*' "$tmp/out"
"$ours" --socket "$sock" list >/dev/full 2>"$tmp/err" 8>&-
code=$?
ok 'output that can not be written' fails 1 "the output can't be written"

# --- other daemons -----------------------------------------------------------
start empty
run status --check
ok 'nothing to keep' has 1 '0 served'
run
ok 'status of nothing' has 0 'Begin    everleaf add DNSNAME'
start unseen
run
ok 'status of what was never seen in use' has 0 'www.old.example points to another machine since 2026-11-10 04:10. What is installed is still valid, 11 days left'
ok '... nor the old one' has 0 'since 02:12. No certificate of ours was seen in use; what is installed has 29 days left'
start bad-config
run reload
ok 'a bad configuration' [ "$code" = 2 ]
ok '... is shown as it is' grep -q \
	'^/etc/everleaf/everleaf.conf:7: certificate "shop.example": no such key' \
	"$tmp/err"
run test ca letsencrypt
ok 'test ca that finds something' has 1 'account: the CA has closed it'
start refuse
run add n.example
ok 'a daemon in trouble' fails 1 'the disk is full'

# --- a daemon that is busy ---------------------------------------------------
: >"$tmp/busy"
start busy "$tmp/busy"
run status --check
ok 'busy, for monitoring' has 0 'OK: 0 served, the daemon is comparing'
run status
ok 'busy, for people' has 0 'the daemon is comparing (since'
run reload
ok 'a reload while it is busy' [ "$code" = 0 ]
start busy "$tmp/busy"
run config check
ok 'a check of the files while it is busy' [ "$code" = 0 ]
run deploy --service nginx --dry-run
ok 'a dry run while it is busy' has 0 'nginx would be checked'
add_beside
ok 'a change while it is busy waits' kill -0 $add
run list
ok '... and is not begun' lacks n.example
rm "$tmp/busy"
wait $add
code=$?
ok '... until that is over' [ "$code" = 0 ]
run list
ok '... and is made then' has 0 'n.example'
: >"$tmp/busy"
start long-busy "$tmp/busy"
run status --check
ok 'busy for long, for monitoring' has 1 'WARNING: 0 served, the daemon is'
add_beside
stop
wait $add
code=$?
ok 'a change that waits when the daemon ends' [ "$code" != 0 ]
stop
ok 'the daemons end well' [ $ended = well ]
echo "1..$n"
