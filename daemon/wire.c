/* The tables of wire.h, and sending by kind. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "base/buf.h"
#include "base/name.h"
#include "daemon/wire.h"

enum { SHORT = 256, URL = 2048, NONCE = 1024, KEY = 16384, CERT = 65536,
	CHAIN = WIRE_CHAIN_MAX, NAMES = 100, TEXT = 1024 };

/* token "." thumbprint (RFC 8555 section 8.1) */
static bool
is_keyauth(const char *s)
{
	const char *dot = strchr(s, '.');
	char token[NAME_TOKEN_MAX + 1];
	size_t n = dot != NULL ? (size_t)(dot - s) : 0;

	if (n == 0 || n > NAME_TOKEN_MAX)
		return false;
	memcpy(token, s, n);
	token[n] = '\0';
	return name_is_token(token) && name_is_token(dot + 1);
}

static const struct msg_field empty_fields[] = {
	MSG_F(w_empty, U8, unused, 0), MSG_END
};
static const struct msg_field drain_fields[] = {
	MSG_F(w_drain, U8, ends, 0), MSG_END
};
static const struct msg_field bad_conf_fields[] = {
	MSG_FC(w_bad_conf, TEXT, line, TEXT, msg_any_text), MSG_END
};
static const struct msg_field failed_fields[] = {
	MSG_FC(w_failed, TEXT, code, 64, name_is_word),
	MSG_FC(w_failed, TEXT, text, TEXT, msg_any_text),
	MSG_FC(w_failed, TEXT, advice, TEXT, msg_any_text), MSG_END
};
static const struct msg_field confined_fields[] = {
	MSG_FC(w_confined, LIST, lines, 128, msg_any_text), MSG_END
};
static const struct msg_field peer_fields[] = {
	MSG_F(w_peer, U8, peer, 0), MSG_END
};
static const struct msg_field kek_fields[] = {
	MSG_F(w_kek, SECRET, kek, 32), MSG_F(w_kek, U32, kek_id, 0), MSG_END
};
static const struct msg_field open_fields[] = {
	MSG_F(w_open, U64, cert, 0), MSG_F(w_open, U32, version, 0),
	MSG_F(w_open, BLOB, sealed, KEY), MSG_END
};
static const struct msg_field opened_fields[] = {
	MSG_F(w_opened, U64, cert, 0), MSG_F(w_opened, U32, version, 0),
	MSG_F(w_opened, SECRET, key, KEY), MSG_END
};
static const struct msg_field account_key_fields[] = {
	MSG_F(w_account_key, U64, account, 0),
	MSG_F(w_account_key, TEXT, origin, SHORT),
	MSG_FC(w_account_key, TEXT, alg, 32, name_is_word), MSG_END
};
static const struct msg_field key_fields[] = {
	MSG_F(w_key, BLOB, sealed, KEY), MSG_F(w_key, BLOB, spki, KEY), MSG_END
};
static const struct msg_field csr_fields[] = {
	MSG_F(w_csr, U64, cert, 0), MSG_F(w_csr, U32, version, 0),
	MSG_FC(w_csr, TEXT, alg, 32, name_is_word),
	MSG_F(w_csr, BLOB, sealed, KEY), MSG_F(w_csr, U32, from, 0),
	MSG_F(w_csr, LIST, names, NAMES), MSG_F(w_csr, U8, must_staple, 0),
	MSG_END
};
static const struct msg_field csr_done_fields[] = {
	MSG_F(w_csr_done, BLOB, sealed, KEY),
	MSG_F(w_csr_done, BLOB, spki, KEY),
	MSG_F(w_csr_done, BLOB, csr, CERT), MSG_END
};
static const struct msg_field placeholder_fields[] = {
	MSG_F(w_placeholder, U64, cert, 0),
	MSG_FC(w_placeholder, TEXT, alg, 32, name_is_word),
	MSG_F(w_placeholder, LIST, names, NAMES),
	MSG_F(w_placeholder, I64, now_ms, 0), MSG_END
};
static const struct msg_field placed_fields[] = {
	MSG_F(w_placed, BLOB, sealed, KEY), MSG_F(w_placed, BLOB, spki, KEY),
	MSG_F(w_placed, BLOB, leaf, CERT), MSG_END
};
static const struct msg_field jws_fields[] = {
	MSG_F(w_jws, U64, account, 0), MSG_F(w_jws, BLOB, sealed, KEY),
	MSG_F(w_jws, U8, what, 0), MSG_F(w_jws, TEXT, url, URL),
	MSG_F(w_jws, TEXT, nonce, NONCE), MSG_F(w_jws, TEXT, kid, URL),
	MSG_F(w_jws, LIST, contacts, 16), MSG_F(w_jws, U8, agreed, 0),
	MSG_F(w_jws, LIST, names, NAMES), MSG_F(w_jws, TEXT, profile, SHORT),
	MSG_F(w_jws, TEXT, replaces, SHORT),
	MSG_F(w_jws, TEXT, not_before, 40), MSG_F(w_jws, TEXT, not_after, 40),
	MSG_F(w_jws, BLOB, csr, CERT), MSG_F(w_jws, U8, existing, 0),
	MSG_F(w_jws, TEXT, eab, 64), MSG_F(w_jws, TEXT, eab_kid, SHORT),
	MSG_F(w_jws, BLOB, next, KEY), MSG_F(w_jws, BLOB, leaf, CERT),
	MSG_F(w_jws, U8, reason, 0), MSG_F(w_jws, U8, by_cert, 0),
	MSG_F(w_jws, U64, cert, 0), MSG_F(w_jws, U32, version, 0),
	MSG_F(w_jws, BLOB, cert_sealed, KEY), MSG_END
};
static const struct msg_field jws_done_fields[] = {
	MSG_F(w_jws_done, BLOB, jws, CHAIN), MSG_END
};
static const struct msg_field secret_fields[] = {
	MSG_F(w_secret, U8, kind, 0),
	MSG_FC(w_secret, TEXT, name, 64, name_is_word),
	MSG_FC(w_secret, TEXT, alg, 32, name_is_word),
	MSG_F(w_secret, SECRET, secret, WIRE_SECRET_MAX), MSG_END
};
static const struct msg_field arm_fields[] = {
	MSG_F(w_arm, U8, what, 0), MSG_F(w_arm, U64, object, 0),
	MSG_F(w_arm, U32, version, 0), MSG_F(w_arm, U32, seconds, 0),
	MSG_F(w_arm, BLOB, digest, 32), MSG_F(w_arm, TEXT, origin, SHORT),
	MSG_F(w_arm, TEXT, ca, 64), MSG_END
};
static const struct msg_field import_fields[] = {
	MSG_F(w_import, U64, object, 0), MSG_F(w_import, U32, version, 0),
	MSG_F(w_import, TEXT, origin, SHORT),
	MSG_F(w_import, SECRET, key, CERT), MSG_END
};
static const struct msg_field export_fields[] = {
	MSG_F(w_export, U64, account, 0), MSG_F(w_export, BLOB, sealed, KEY),
	MSG_END
};
static const struct msg_field exported_fields[] = {
	MSG_F(w_exported, SECRET, key, CERT), MSG_END
};
static const struct msg_field tsig_fields[] = {
	MSG_FC(w_tsig, TEXT, dns, 64, name_is_word),
	MSG_F(w_tsig, BLOB, message, CERT), MSG_END
};
static const struct msg_field mac_fields[] = {
	MSG_F(w_mac, BLOB, mac, 64), MSG_END
};
static const struct msg_field token_fields[] = {
	MSG_FC(w_token, TEXT, ca, 64, name_is_word),
	MSG_F(w_token, TEXT, origin, SHORT),
	MSG_F(w_token, TEXT, shown, TEXT),
	MSG_F(w_token, SECRET, uri, TEXT), MSG_END
};
static const struct msg_field token_key_fields[] = {
	MSG_FC(w_token_key, TEXT, ca, 64, name_is_word), MSG_END
};
static const struct msg_field publish_fields[] = {
	MSG_FC(w_publish, TEXT, token, NAME_TOKEN_MAX, name_is_token),
	MSG_F(w_publish, TEXT, host, SHORT),
	MSG_F(w_publish, TEXT, keyauth, 512),
	MSG_FC(w_publish, TEXT, type, 32, name_is_word), MSG_END
};
static const struct msg_field withdraw_fields[] = {
	MSG_FC(w_withdraw, TEXT, token, NAME_TOKEN_MAX, name_is_token),
	MSG_F(w_withdraw, TEXT, host, SHORT),
	MSG_FC(w_withdraw, TEXT, type, 32, name_is_word), MSG_END
};
static const struct msg_field install_fields[] = {
	MSG_F(w_install, U64, cert, 0),
	MSG_FC(w_install, TEXT, name, NAME_TITLE_MAX, name_is_title),
	MSG_F(w_install, U32, gen, 0), MSG_F(w_install, U32, version, 0),
	MSG_F(w_install, U8, placeholder, 0),
	MSG_F(w_install, U8, from_file, 0),
	MSG_FC(w_install, TEXT, policy, 64, name_is_word),
	MSG_F(w_install, BLOB, sealed, KEY), MSG_F(w_install, BLOB, leaf, CERT),
	MSG_F(w_install, BLOB, chain, CHAIN),
	MSG_F(w_install, LIST, names, NAMES),
	MSG_F(w_install, BLOB, meta, CERT), MSG_END
};
static const struct msg_field generation_fields[] = {
	MSG_F(w_generation, U64, cert, 0), MSG_F(w_generation, U32, gen, 0),
	MSG_END
};
static const struct msg_field is_live_fields[] = {
	MSG_F(w_is_live, U32, gen, 0), MSG_END
};
static const struct msg_field surveyed_fields[] = {
	MSG_F(w_surveyed, U64, cert, 0), MSG_F(w_surveyed, U32, gen, 0),
	MSG_F(w_surveyed, U8, live, 0),
	MSG_FC(w_surveyed, TEXT, why, TEXT, msg_any_text),
	MSG_F(w_surveyed, BLOB, meta, CERT),
	MSG_F(w_surveyed, BLOB, leaf, CERT),
	MSG_F(w_surveyed, BLOB, chain, CHAIN), MSG_END
};
static const struct msg_field reseal_fields[] = {
	MSG_F(w_reseal, U64, cert, 0), MSG_F(w_reseal, U32, gen, 0),
	MSG_F(w_reseal, U32, version, 0), MSG_END
};
static const struct msg_field purge_fields[] = {
	MSG_F(w_purge, U64, cert, 0),
	MSG_FC(w_purge, TEXT, name, NAME_TITLE_MAX, name_is_title), MSG_END
};
static const struct msg_field run_fields[] = {
	MSG_F(w_run, U64, run, 0),
	MSG_FC(w_run, TEXT, service, 64, name_is_word),
	MSG_F(w_run, U8, what, 0), MSG_F(w_run, U8, event, 0),
	MSG_F(w_run, U32, count, 0), MSG_F(w_run, U64, cert, 0),
	MSG_FC(w_run, TEXT, name, NAME_TITLE_MAX, name_is_title),
	MSG_F(w_run, LIST, names, NAMES), MSG_F(w_run, BLOB, input,
	    RUN_INPUT_MAX),
	MSG_END
};
static const struct msg_field run_dns_fields[] = {
	MSG_F(w_run_dns, U64, run, 0),
	MSG_FC(w_run_dns, TEXT, dns, 64, name_is_word),
	MSG_F(w_run_dns, U8, what, 0), MSG_F(w_run_dns, U8, test, 0),
	MSG_FC(w_run_dns, TEXT, name, NAME_TITLE_MAX, name_is_title),
	MSG_FC(w_run_dns, TEXT, ident, NAME_DNS_MAX, name_is_record),
	MSG_FC(w_run_dns, TEXT, record, NAME_DNS_MAX, name_is_record),
	MSG_FC(w_run_dns, TEXT, value, NAME_TOKEN_MAX, name_is_token),
	MSG_FC(w_run_dns, TEXT, token, NAME_TOKEN_MAX, name_is_token),
	MSG_FC(w_run_dns, TEXT, keyauth, 512, is_keyauth), MSG_END
};
static const struct msg_field ran_fields[] = {
	MSG_F(w_ran, U64, run, 0), MSG_F(w_ran, U8, how, 0),
	MSG_F(w_ran, U32, code, 0), MSG_F(w_ran, U32, left_behind, 0),
	MSG_F(w_ran, I64, took_ms, 0),
	MSG_FC(w_ran, TEXT, why, TEXT, msg_any_text),
	MSG_FC(w_ran, TEXT, code_name, 64, name_is_word),
	MSG_F(w_ran, BLOB, output, CERT), MSG_END
};
static const struct msg_field reload_fields[] = {
	MSG_F(w_reload, U8, dry, 0), MSG_F(w_reload, U8, yes, 0), MSG_END
};
static const struct msg_field reloaded_fields[] = {
	MSG_F(w_reloaded, U8, good, 0),
	MSG_FC(w_reloaded, LIST, lines, 100, msg_any_text), MSG_END
};
static const struct msg_field webroot_fields[] = {
	MSG_F(w_webroot, U8, remove, 0),
	MSG_FC(w_webroot, TEXT, path, TEXT, msg_any_text),
	MSG_FC(w_webroot, TEXT, token, NAME_TOKEN_MAX, name_is_token),
	MSG_F(w_webroot, TEXT, keyauth, 512), MSG_END
};
static const struct msg_field verify_fields[] = {
	MSG_F(w_verify, LIST, names, NAMES),
	MSG_F(w_verify, U8, any_names, 0), MSG_F(w_verify, I64, now_ms, 0),
	MSG_F(w_verify, U8, placeholder, 0),
	MSG_F(w_verify, U8, allow_test_ca, 0),
	MSG_F(w_verify, U8, own_key, 0), MSG_END
};
static const struct msg_field read_csr_fields[] = {
	MSG_F(w_read_csr, BLOB, csr, CERT), MSG_END
};
static const struct msg_field csr_names_fields[] = {
	MSG_F(w_csr_names, LIST, names, NAMES),
	MSG_FC(w_csr_names, TEXT, why, TEXT, msg_any_text),
	MSG_FC(w_csr_names, TEXT, advice, TEXT, msg_any_text), MSG_END
};
static const struct msg_field verdict_fields[] = {
	MSG_F(w_verdict, U32, verdict, 0), MSG_END
};

#define SPEC(kind, name) { #name, kind, sizeof(struct w_##name), name##_fields }
const struct msg_spec wire_specs[] = {
	{ "ok", WIRE_OK, sizeof(struct w_empty), empty_fields },
	{ "security", WIRE_SECURITY, sizeof(struct w_empty), empty_fields },
	{ "beat", WIRE_BEAT, sizeof(struct w_empty), empty_fields },
	{ "flip", WIRE_FLIP, sizeof(struct w_generation), generation_fields },
	{ "live", WIRE_LIVE, sizeof(struct w_generation), generation_fields },
	{ "prune", WIRE_PRUNE, sizeof(struct w_generation), generation_fields },
	{ "survey", WIRE_SURVEY, sizeof(struct w_generation),
	    generation_fields },
	{ "forget", WIRE_FORGET, sizeof(struct w_empty), empty_fields },
	SPEC(WIRE_FAILED, failed),
	SPEC(WIRE_CONFINED, confined),
	SPEC(WIRE_DRAIN, drain), SPEC(WIRE_BAD_CONF, bad_conf),
	SPEC(WIRE_PEER, peer),
	SPEC(WIRE_KEK, kek),
	SPEC(WIRE_OPEN, open),
	SPEC(WIRE_OPENED, opened),
	SPEC(WIRE_SURVEYED, surveyed),
	SPEC(WIRE_RESEAL, reseal),
	SPEC(WIRE_ACCOUNT_KEY, account_key),
	SPEC(WIRE_KEY, key),
	SPEC(WIRE_CSR, csr),
	SPEC(WIRE_CSR_DONE, csr_done),
	SPEC(WIRE_PLACEHOLDER, placeholder),
	SPEC(WIRE_PLACED, placed),
	SPEC(WIRE_JWS, jws),
	SPEC(WIRE_JWS_DONE, jws_done),
	SPEC(WIRE_TOKEN, token),
	SPEC(WIRE_TOKEN_KEY, token_key),
	{ "token_jws", WIRE_TOKEN_JWS, sizeof(struct w_jws), jws_fields },
	SPEC(WIRE_SECRET, secret),
	SPEC(WIRE_ARM, arm),
	SPEC(WIRE_IMPORT, import),
	SPEC(WIRE_EXPORT, export),
	SPEC(WIRE_EXPORTED, exported),
	SPEC(WIRE_TSIG, tsig),
	SPEC(WIRE_MAC, mac),
	SPEC(WIRE_PUBLISH, publish),
	SPEC(WIRE_WITHDRAW, withdraw),
	SPEC(WIRE_INSTALL, install),
	SPEC(WIRE_IS_LIVE, is_live),
	SPEC(WIRE_PURGE, purge),
	SPEC(WIRE_RUN, run),
	SPEC(WIRE_RUN_DNS, run_dns),
	SPEC(WIRE_RAN, ran),
	SPEC(WIRE_RELOAD, reload),
	SPEC(WIRE_RELOADED, reloaded),
	SPEC(WIRE_WEBROOT, webroot),
	SPEC(WIRE_VERIFY, verify),
	SPEC(WIRE_VERDICT, verdict),
	SPEC(WIRE_READ_CSR, read_csr),
	SPEC(WIRE_CSR_NAMES, csr_names),
	{ NULL, 0, 0, NULL }
};

const char *
verdict_text(uint32_t v)
{
	static const char *const texts[] = {
#define X(sym, text) text,
		VERDICTS(X)
#undef X
	};

	return texts[v < VERDICT_COUNT ? v : VERDICT_BROKEN];
}

char *
wire_token_ref(const char *ca, const char *shown)
{
	struct buf b;

	buf_init(&b, SHORT + TEXT);
	buf_printf(&b, "%s %s", ca, shown);
	assert(!b.full);
	return buf_take(&b);
}

int
wire_send(int fd, enum wire_kind kind, uint32_t id, const void *st)
{
	const struct msg_spec *spec = msg_find(wire_specs, (uint16_t)kind);

	assert(spec != NULL);
	assert(fd >= 0);
	return msg_send(fd, spec, id, st, NULL, 0);
}

struct w_failed
wire_failed(const struct err *err)
{
	struct w_failed f = {
		.code = (char *)(uintptr_t)err_code_name(err->code),
		.text = (char *)(uintptr_t)err->text,
		.advice = (char *)(uintptr_t)err->advice
	};

	assert(err->code != ERR_OK);
	return f;
}

int
wire_fail(int fd, uint32_t id, const struct err *err)
{
	struct w_failed f = wire_failed(err);

	return wire_send(fd, WIRE_FAILED, id, &f);
}

void
wire_failed_err(const struct w_failed *f, struct err *err)
{
	enum err_code code = err_code_find(f->code);

	err_set(err, code == ERR_OK ? ERR_INTERNAL : code, "%s", f->text);
	err_advise(err, "%s", f->advice);
}
