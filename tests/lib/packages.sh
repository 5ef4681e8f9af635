# What the two commands need, and how it comes here: packages of the system
# that are installed, and packages that are only unpacked into a folder of
# ours because the system is better off without them.

# To build, and to try what was built.
build_packages="gcc make autoconf automake pkg-config xz-utils
	libssl-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev libuv1-dev
	libc-ares-dev libldns-dev libidn2-dev libmicrohttpd-dev
	libseccomp-dev"
scene_packages="openssl curl jq ca-certificates"
test_packages="libcmocka-dev binutils sqlite3 python3 strace mandoc iproute2
	python3-cryptography python3-hpack"
# For fuzzing by itself only (tests/run fuzz).
fuzz_packages="clang libclang-rt-dev llvm"
# Servers that tests start by themselves, and the programs that come with
# them. nginx and its modules are unpacked instead (nginx.sh).
server_packages="bind9 bind9-utils bind9-dnsutils knot apache2-bin haproxy
	lighttpd lighttpd-modules-lua swtpm tpm2-tools tpm2-openssl softhsm2
	opensc"

on_debian() { [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

lacking() {	# lacking PACKAGE...: those that are not installed
	local p
	for p; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed$' || echo "$p"
	done
}

# Installs what is lacking; nothing else is upgraded.
install_packages() {	# install_packages PACKAGE...
	local want
	if ! on_debian; then
		[ -n "${EVERLEAF_HAVE_PACKAGES:-}" ] && return 0
		echo "This is not Debian; these are its names for what is" \
			"needed here:" "$@"
		echo "Install what they are called on this system, then set" \
			"EVERLEAF_HAVE_PACKAGES=1."
		return 1
	fi >&2
	want=$(lacking "$@")
	[ -n "$want" ] || return 0
	want=$(echo $want)
	if [ "$(id -u)" -ne 0 ]; then
		echo "Missing, and only root can install them:" \
			"apt-get install $want" >&2
		return 1
	fi
	echo "installing $want"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update && apt_install $want
}

apt_install() {	# apt_install PACKAGE...: what it says is shown if it fails
	local said
	said=$(apt-get -qq -y --no-install-recommends install "$@" \
		</dev/null 2>&1) && return 0
	printf '%s\n' "$said" | tail -n 20 >&2
	return 1
}

# Packages with a server in them, for tests: it is not started, neither now
# nor at the next boot. Those that were here before stay as they are. Who is
# not root does without; the tests that want them are skipped.
install_servers() {	# install_servers PACKAGE...
	local want
	on_debian || return 0
	want=$(lacking "$@")
	[ -n "$want" ] || return 0
	want=$(echo $want)
	if [ "$(id -u)" -ne 0 ]; then
		echo "Only root can install these, so tests that need them" \
			"are skipped: $want" >&2
		[ "${CI:-}" != true ]
		return
	fi
	echo "installing, without starting them: $want"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update && with_no_starts apt_install $want || return 1
	not_at_boot $want
}

# Debian's way to say that no package may start anything (invoke-rc.d(8)). If
# the machine has a policy of its own, that one decides.
with_no_starts() {	# with_no_starts COMMAND...
	(
		policy=/usr/sbin/policy-rc.d
		if [ -e "$policy" ]; then
			echo "$policy is there: it decides whether they start"
		else
			trap 'rm -f "$policy"' EXIT
			trap 'exit 130' INT TERM HUP
			printf '#!/bin/sh\nexit 101\n' >"$policy" &&
				chmod 755 "$policy" || exit 1
		fi
		"$@"
	)
}

not_at_boot() {	# not_at_boot PACKAGE...
	local unit units
	units=$(dpkg -L "$@" | sed -n \
		's|^.*/systemd/system/\([^/@]*\.service\)$|\1|p' | sort -u)
	for unit in $units; do
		if command -v systemctl >/dev/null; then
			systemctl -q disable "$unit" >/dev/null 2>&1
		elif [ -x "/etc/init.d/${unit%.service}" ]; then
			update-rc.d "${unit%.service}" disable >/dev/null 2>&1
		fi
	done
	echo "not started at boot:" $units
}

# The machine's own entry for its Debian release, in the form in which it is
# written (deb822 or one line), with another suite in it: the same mirror, the
# same keyring. Prints it; its first line tells the form.
own_source() {	# own_source SUITE
	local LIST PARTS VERSION_CODENAME f
	eval "$(apt-config shell LIST Dir::Etc::sourcelist/f \
		PARTS Dir::Etc::sourceparts/d)"
	. /etc/os-release
	for f in "$LIST" "$PARTS"/*.list "$PARTS"/*.sources; do
		[ -f "$f" ] || continue
		case $f in
		*.sources) own_stanza "$VERSION_CODENAME" "$1" <"$f" ;;
		*) own_line "$VERSION_CODENAME" "$1" <"$f" ;;
		esac && return 0
	done
	return 1
}

own_line() {	# own_line CODENAME SUITE: "deb [options] URI suite component"
	awk -v own="$1" -v suite="$2" '
		$1 != "deb" { next }
		{ line = $0; sub(/#.*/, "", line)
		  options = ""
		  if (match(line, /\[[^]]*\]/)) {
			options = substr(line, RSTART, RLENGTH) " "
			sub(/\[[^]]*\]/, "", line)
		  }
		  n = split(line, w, " ")
		  for (i = 4; i <= n; i++)
			if (w[3] == own && w[i] == "main") {
				print "# list"
				print "deb " options w[2] " " suite " main"
				found = 1
				exit
			} }
		END { exit !found }'
}

own_stanza() {	# own_stanza CODENAME SUITE: paragraphs of "Field: value"
	awk -v own="$1" -v suite="$2" -v RS= '
		{ n = split($0, line, "\n"); out = ""; suites = parts = ""
		  off = deb = 0; key = ""
		  for (i = 1; i <= n; i++) {
			if (line[i] ~ /^#/)
				continue
			if (line[i] !~ /^[ \t]/) {
				key = tolower(line[i]); sub(/:.*/, "", key)
			}
			value = line[i]; sub(/^[^ \t:]*:/, "", value)
			if (key == "suites") suites = suites " " value " "
			else if (key == "components")
				parts = parts " " value " "
			else if (key == "types") deb = value ~ /deb( |$)/
			else out = out line[i] "\n"
			if (key == "enabled" && tolower(value) ~ /no|false/)
				off = 1
		  }
		  gsub(/\t/, " ", suites); gsub(/\t/, " ", parts)
		  if (off || !deb || !index(suites, " " own " ") ||
		      !index(parts, " main "))
			next
		  printf "# sources\nTypes: deb\nSuites: %s\n", suite
		  printf "Components: main\n%s", out
		  found = 1
		  exit }
		END { exit !found }'
}

# Downloads a package of a suite from that mirror and unpacks it into DIR:
# lists and cache of its own, signatures checked, nothing of the system's
# touched. SUITE "" is the machine's own release.
unpack_package() {	# unpack_package SUITE PACKAGE DIR
	local suite box form
	on_debian || return 1
	suite=${1:-$(. /etc/os-release; echo "$VERSION_CODENAME")}
	box=$3/.apt
	rm -rf "$3" && mkdir -p "$box/parts" "$box/lists/partial" \
		"$box/cache/archives/partial" || return 1
	own_source "$suite" >"$box/source" || {
		echo "apt has no entry for this release's main archive"
		return 1
	}
	form=$(sed -n '1s/^# //p' "$box/source")
	mv "$box/source" "$box/parts/everleaf.$form"
	(cd "$box" && private_apt "$box" -qq update &&
		private_apt "$box" -qq download "$2" &&
		dpkg-deb -x "$2"_*.deb "$3") </dev/null || return 1
	rm -rf "$box"
}

private_apt() {	# private_apt BOX ARGUMENT...
	local box
	box=$1
	shift
	apt-get -o Dir::State::Lists="$box/lists" -o Dir::Cache="$box/cache" \
		-o Dir::Etc::SourceList=/dev/null \
		-o Dir::Etc::SourceParts="$box/parts" \
		-o Dir::State::Status=/dev/null -o APT::Sandbox::User=root \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
		-o Acquire::Languages=none "$@"
}
