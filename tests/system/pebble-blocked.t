#!/bin/sh
# A CA that will never issue for one of two names: the error says which, and
# nobody else is in the way of it.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
pebble_blocks='"blocked.example"'
system_begin 7776000
wish() {	# wish TITLE NAMES
	printf '\ncertificate "%s" {\n    names = {%s}\n}\n' "$1" "$2"
}
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	wish two '"good.example", "www.blocked.example"'
	wish one '"fine.example"'
	wish never '"blocked.example"'
} >"$conf"
code_is() { [ "$(about "$1" .issuance.error.code)" = "$2" ]; }
text_of() { about "$1" .issuance.error.text; }
names_it() { text_of two | grep -q 'www\.blocked\.example'; }
says() {	# says COMMAND NAME WORDS
	everleaf "$1" "$2" | grep -q -- "$3"
}
orders() { grep -c 'POST /order-plz' "$scene/log/pebble"; }

is "the daemon starts" everleafd_start
is "the other certificate is installed" within 20 state_is one valid
is "one name of two: the CA's refusal is known" within 20 \
	code_is two name-refused
is "the text names the name that is at fault" names_it
is "and why says it" says why two 'www\.blocked\.example'
isnt "the good name is not blamed" sh -c "printf %s '$(text_of two)' |
	grep -q 'good\.example.*refused'"
is "alone it is known too" within 20 code_is never name-refused
same "it has come to nothing" "$(about two .newest.version)" 0
is "the summary names it" sh -c "printf %s '$(about two .summary)' |
	grep -q 'www\.blocked\.example'"
same "each was tried" "$(events_of two order.failed)" 1
n=$(orders)
sleep 3
same "and is left alone for a while" "$(orders)" "$n"

# The wish is mended: it goes on.
sed -i 's/, "www.blocked.example"//' "$conf"
is "the name is taken out" everleaf reload
is "then it is issued" within 20 newest_is two 1
same "the error is gone" "$(about two .issuance.error)" null
is "it ends within 5 s" everleafd_stop
system_end
