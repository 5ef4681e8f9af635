/* Every error code that people and programs see: stable, one line each, and
 * each with a paragraph in everleaf(1) (a test compares). X(symbol, name,
 * class). Append; never rename. */
#ifndef BASE_ERR_CODES_H
#define BASE_ERR_CODES_H
#define ERR_CODES(X) \
	X(OK, "", NONE) \
	X(INTERNAL, "internal", MACHINE) \
	X(USAGE_BAD, "usage", USAGE) \
	X(NO_SUCH, "no-such", USAGE) \
	X(SET_IN_FILE, "set-in-file", USAGE) \
	X(INVALID, "invalid", USAGE) \
	X(NEEDS_OPERATOR, "needs-operator", USAGE) \
	X(CONFIG_BAD, "config-bad", PERSON) \
	X(TOS_NOT_AGREED, "tos-not-agreed", PERSON) \
	X(OWN_LIMIT, "own-limit", LATER) \
	X(CA_DOWN, "ca-down", LATER) \
	X(CA_TLS, "ca-tls", PERSON) \
	X(CA_PROTOCOL, "ca-protocol", LATER) \
	X(CA_LIMIT, "ca-limit", LATER) \
	X(CA_BLOCKED, "ca-blocked", PERSON) \
	X(CA_REFUSED, "ca-refused", REFUSED) \
	X(CA_PROCESSING, "ca-processing", LATER) \
	X(CA_NONCE, "ca-nonce", LATER) \
	X(ACCOUNT_UNKNOWN, "account-unknown", LATER) \
	X(ACCOUNT_DEAD, "account-dead", PERSON) \
	X(EAB_NEEDED, "eab-needed", PERSON) \
	X(CONTACT_REFUSED, "contact-refused", PERSON) \
	X(NAME_REFUSED, "name-refused", REFUSED) \
	X(CAA, "caa", PERSON) \
	X(DNS_FAILS, "dns-fails", PERSON) \
	X(DNS_ELSEWHERE, "dns-elsewhere", PERSON) \
	X(CONNECTION, "connection", PERSON) \
	X(CHALLENGE_WRONG, "challenge-wrong", PERSON) \
	X(NO_CHALLENGE, "no-challenge", PERSON) \
	X(ORDER_INVALID, "order-invalid", REFUSED) \
	X(CSR_REFUSED, "csr-refused", REFUSED) \
	X(PROFILE_UNKNOWN, "profile-unknown", PERSON) \
	X(CERT_BAD, "cert-bad", REFUSED) \
	X(CLOCK, "clock", PERSON) \
	X(DISK, "disk", MACHINE) \
	X(STORE, "store", MACHINE) \
	X(STORE_NEWER, "store-newer", PERSON) \
	X(KEK_MISSING, "kek-missing", PERSON) \
	X(KEEPER, "keeper", MACHINE) \
	X(SEAL, "seal", MACHINE) \
	X(INSTALL_FAILED, "install-failed", MACHINE) \
	X(VERIFY_FAILED, "verify-failed", MACHINE) \
	X(CHECK_FAILED, "check-failed", MACHINE) \
	X(RELOAD_FAILED, "reload-failed", MACHINE) \
	X(HOOK_INSECURE, "hook-insecure", PERSON) \
	X(HOOK_TIMEOUT, "hook-timeout", MACHINE) \
	X(HOOK_MISSING, "hook-missing", PERSON) \
	X(UNSERVED_OLDER, "unserved-older", MACHINE) \
	X(UNSERVED_OTHER, "unserved-other", PERSON) \
	X(UNREACHABLE, "unreachable", MACHINE) \
	X(NOT_TLS, "not-tls", MACHINE) \
	X(TEST_CA, "test-ca", PERSON) \
	X(DAEMON_DOWN, "daemon-down", MACHINE) \
	X(NO_PERMISSION, "no-permission", USAGE) \
	X(DNS_HOOK, "dns-hook", MACHINE) \
	X(DNS_SILENT, "dns-silent", LATER) \
	X(DNS_UPDATE, "dns-update", PERSON) \
	X(DNS_UNSEEN, "dns-unseen", LATER) \
	X(WEBROOT, "webroot", MACHINE) \
	X(STORE_DAMAGED, "store-damaged", PERSON) \
	X(BEING_REMOVED, "being-removed", LATER) \
	X(DNS_RECORD, "dns-record", PERSON) \
	X(DNS_ZONE, "dns-zone", PERSON) \
	X(TOKEN, "token", MACHINE)

enum err_code {
#define X(sym, name, class) ERR_##sym,
	ERR_CODES(X)
#undef X
	ERR_CODE_COUNT
};
#endif
