# A CA for every row of a table of hostile behaviour (tests/hostile), one
# daemon that has an account at each of them and a certificate from each, all
# at once; then one finding a row. all.sh first.

# Starts the CAs of the rows that begin with one of PREFIXES and a daemon that
# wants ROW.example of each; both good ones are there, too.
hostile_begin() {	# hostile_begin PREFIX,...
	scene_begin
	work_find
	prefix=${EVERLEAF_PREFIX:-$work/inst}
	[ -x "$prefix/sbin/everleafd" ] || bail "nothing is installed in" \
		"$prefix: tests/run system builds first"
	everleaf_paths
	hostile_home=$scene/hostile
	mkdir "$hostile_home"
	mkfifo "$hostile_home/stdin"
	spawn hostile sh -c 'exec /usr/bin/python3 "$1" "$2" "$3" <"$2/stdin"' \
		- "$top/tests/hostile/server.py" "$hostile_home" "$1"
	exec 9>"$hostile_home/stdin"
	within 30 grep -q '^ready' "$scene/log/hostile" ||
		bail "the CAs do not start: $(tail -n 5 "$scene/log/hostile")"
	control=http://127.0.0.1:$(port_of control)
	hostile_conf >"$conf"
}

port_of() {	# port_of ROW
	sed -n "s/^$1 //p" "$scene/log/hostile"
}
hostile_rows() {
	sed -nE '/^(canary|control) /d; s/^([a-z0-9-]+) [0-9]+$/\1/p' \
		"$scene/log/hostile"
}

hostile_conf() {
	cat <<-EOF
	agree-tos = true
	state-dir = "$state"
	run-dir   = "$run"
	EOF
	for row in $(hostile_rows); do
		hostile_ca "$row"
		hostile_wish "$row" "$(hostile_names "$row")"
	done
}

# C8 is about a CA that is not said to be one's own, C4 about chains.
hostile_ca() {	# hostile_ca ROW
	cat <<-EOF
	ca "$1" {
	    directory  = "https://127.0.0.1:$(port_of "$1")/directory"
	    $([ "$1" = c8 ] || echo "trust-file = \"$hostile_home/trust.pem\"")
	}
	EOF
}

# What is about the names of a certificate needs two of them.
hostile_names() {	# hostile_names ROW
	case $1 in
	d2-*) echo "\"$1.example\", \"www.$1.example\"" ;;
	*) echo "\"$1.example\"" ;;
	esac
}

hostile_wish() {	# hostile_wish ROW NAMES [TITLE]
	cat <<-EOF
	certificate "${3:-$1.example}" {
	    ca       = "$1"
	    names    = {$2}
	    services = {}
	    $([ "$1" != c4 ] || echo 'preferred-chain = "Nobody"')
	}
	EOF
}

# --- questions ----------------------------------------------------------------
# How often a row's CA was asked for something.
asked() {	# asked ROW POINT
	curl -s "$control/$1/$2"
}
asked_in_all() {	# asked_in_all ROW: requests of all kinds
	local n point
	n=0
	for point in directory nonce account order look authz challenge \
	    finalize chain; do
		n=$((n + $(asked "$1" $point)))
	done
	echo $n
}
asked_at_most() { [ "$(asked "$1" "$2")" -le "$3" ]; }	# ROW POINT N
asked_at_least() { [ "$(asked "$1" "$2")" -ge "$3" ]; }

# CODE may be "ca-(down,protocol)": either.
code_is() {	# code_is ROW CODE
	about "$1.example" .issuance.error.code |
		grep -qxE "$(echo "$2" | tr ',' '|')"
}
why_says() { everleaf why "$1.example" | grep -qF -- "$2"; }
issued() { newest_is "$1.example" 1; }

# Fails as it should: by its code in the API, by its words for people.
fails() {	# fails ROW CODE WORDS
	local row
	row=$1
	within 120 code_is "$row" "$2" && why_says "$row" "$3" && return 0
	everleaf why "$row.example"
	about "$row.example" .issuance
	return 1
}

# A line a row: ROW|TITLE|CODE|WORDS; CODE "issued" is success.
findings() {
	local row title code words
	while IFS='|' read -r row title code words; do
		case $code in
		issued) is "$title" within 120 issued "$row" ;;
		*) is "$title" fails "$row" "$code" "$words" ;;
		esac
	done
}

# Our client sent nothing that a CA would call malformed.
no_bad_requests() {
	local row n
	n=0
	for row in $(hostile_rows); do
		n=$((n + $(asked "$row" bad)))
	done
	same "no malformed request was sent" $n 0
}

# --- what it costs the engine ---------------------------------------------
engine_peak_kb() {
	awk '/^VmHWM/ { print $2 }' "/proc/$(role_pid engine)/status"
}
engine_cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, "")
		print int(($12 + $13) * 1000 / hz) }' \
		"/proc/$(role_pid engine)/stat"
}

engine_is_up() { [ -n "$(role_pid engine)" ]; }

# The plan, and what the daemon said if something went wrong.
hostile_end() {
	[ "$tap_bad" -eq 0 ] || everleafd_last 60
	exec 9>&-
	tap_done
}
