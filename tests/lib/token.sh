# Account keys in tokens: a TPM that is a program, and SoftHSM behind the
# PKCS#11 provider of OpenSSL 3. Whoever the token process runs as must reach
# both, so both lie open in the scene.
token_suite=trixie

# --- a TPM 2.0 ---------------------------------------------------------------
tpm_missing() {	# says what is not there; fails if all is
	local c
	for c in swtpm tpm2_createprimary; do
		command -v $c >/dev/null || { echo $c; return 0; }
	done
	[ -z "$(provider_of tpm2)" ] || return 1
	echo "the tpm2 provider of OpenSSL"
}

provider_of() {	# provider_of NAME: where the system has it; or nothing
	local d
	d=$(openssl version -m | sed -n 's/^MODULESDIR: "\(.*\)"$/\1/p')
	[ ! -e "$d/$1.so" ] || echo "$d/$1.so"
}

# Its state stays when it is started again. Sets the environment that tells
# tools and provider where it is.
tpm_start() {
	mkdir -p "$scene/tpm"
	spawn swtpm swtpm socket --tpm2 --tpmstate "dir=$scene/tpm" \
		--server "type=unixio,path=$scene/tpm.sock,mode=0666" \
		--ctrl "type=unixio,path=$scene/tpm.ctrl,mode=0666" \
		--flags not-need-init,startup-clear
	within 10 test -S "$scene/tpm.sock" || return 1
	# The provider looks for the second socket beside the first.
	ln -sf tpm.ctrl "$scene/tpm.sock.ctrl"
	TPM2TOOLS_TCTI=swtpm:path=$scene/tpm.sock
	TPM2OPENSSL_TCTI=$TPM2TOOLS_TCTI
	TSS2_LOG=all+none
	export TPM2TOOLS_TCTI TPM2OPENSSL_TCTI TSS2_LOG
}

# There is no resource manager: what a tool leaves loaded is flushed.
tpm() {	# tpm TOOL ARGUMENT...
	local tool status
	tool=tpm2_$1
	shift
	(cd "$scene/tpm" && "$tool" "$@") >>"$scene/log/tpm2" 2>&1
	status=$?
	tpm2_flushcontext -t >/dev/null 2>&1
	return $status
}

# A key that never leaves it, at a persistent handle.
tpm_key() {	# tpm_key HANDLE [ecc256:ecdsa]
	tpm createprimary -C o -c primary.ctx &&
		tpm create -C primary.ctx -G "${2:-ecc256:ecdsa}" -u k.pub \
			-r k.priv -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' &&
		tpm load -C primary.ctx -u k.pub -r k.priv -c k.ctx &&
		tpm evictcontrol -C o -c k.ctx "$1"
}
tpm_forget() { tpm evictcontrol -C o -c "$1"; }	# tpm_forget HANDLE

# --- PKCS#11 -----------------------------------------------------------------
softhsm_module=/usr/lib/softhsm/libsofthsm2.so

# The provider of the system, or of Debian's newer suite, unpacked into a
# folder of ours. Says what is not there; fails if all is.
pkcs11_missing() {	# pkcs11_missing CACHE
	local so said
	for so in softhsm2-util pkcs11-tool; do
		command -v $so >/dev/null || { echo $so; return 0; }
	done
	[ -e "$softhsm_module" ] || { echo "$softhsm_module"; return 0; }
	[ -z "$(provider_of pkcs11)" ] || return 1
	pkcs11_find "$1" ||
		said=$(unpack_package "$token_suite" pkcs11-provider \
			"$1/pkcs11-provider" 2>&1)
	pkcs11_find "$1" && return 1
	echo "the pkcs11 provider of OpenSSL"
	printf '%s\n' "$said" >&2
}

# One that is not of this release is found by OPENSSL_MODULES.
pkcs11_find() {	# pkcs11_find CACHE
	local so
	so=$(find "$1/pkcs11-provider" -name pkcs11.so 2>/dev/null)
	[ -n "$so" ] || return 1
	OPENSSL_MODULES=${so%/*}
	export OPENSSL_MODULES
}

# A token "everleaf" with PIN 5678, and where provider and token are found.
softhsm_start() {	# softhsm_start CACHE
	[ -n "$(provider_of pkcs11)" ] || pkcs11_find "$1"
	mkdir -p "$scene/hsm"
	echo "directories.tokendir = $scene/hsm" >"$scene/softhsm.conf"
	echo "log.level = ERROR" >>"$scene/softhsm.conf"
	SOFTHSM2_CONF=$scene/softhsm.conf
	PKCS11_PROVIDER_MODULE=$softhsm_module
	export SOFTHSM2_CONF PKCS11_PROVIDER_MODULE
	softhsm2-util --init-token --free --label everleaf --so-pin 1234 \
		--pin 5678 >>"$scene/log/softhsm" 2>&1
}

# The provider finds the public half by its id.
softhsm_key() {	# softhsm_key NAME ID TYPE ("EC:prime256v1", "rsa:2048")
	pkcs11-tool --module "$softhsm_module" --login --pin 5678 \
		--token-label everleaf --keypairgen --key-type "$3" \
		--label "$1" --id "$2" >>"$scene/log/softhsm" 2>&1
}

# Who the token process is, if it is somebody else.
give_token() {	# give_token FILE...
	chown -R "$(stat -c %u "/proc/$(role_pid token)")" "$@"
}
