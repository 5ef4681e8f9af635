/* The steps of one update. The keeper's answers cannot be called back, so a
 * sending that is cancelled while it waits for one lives on until it comes. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/chance.h"
#include "daemon/loop.h"
#include "daemon/peers.h"
#include "daemon/update_send.h"

struct update_sending {
	char *dns, *key, *alg;		/* key NULL: unsigned */
	char server[DNS_SERVER_SIZE];
	char *zone, *record, *value;
	struct update update;		/* points to these */
	uint16_t id;
	struct blob message;		/* unsigned */
	struct tsig request, reply;	/* signatures */
	struct dns_exchange *exchange;
	struct loop_timer *fails;	/* err is told in the next turn */
	struct err err;
	void (*done)(void *ctx, const struct err *err);	/* NULL: cancelled */
	void *ctx;
};

static void
free_sending(struct update_sending *s)
{
	dns_exchange_cancel(s->exchange);
	loop_timer_free(s->fails);
	blob_free(&s->message);
	tsig_free(&s->request);
	tsig_free(&s->reply);
	free(s->dns);
	free(s->key);
	free(s->alg);
	free(s->zone);
	free(s->record);
	free(s->value);
	free(s);
}

/* Nobody listens any more when it was cancelled; then it only ends. */
static void
finish(struct update_sending *s, const struct err *err)
{
	assert(s->exchange == NULL);
	if (s->done != NULL)
		s->done(s->ctx, err);
	free_sending(s);
}

static uint64_t
now_s(void)
{
	return (uint64_t)(loop_now() / 1000);
}

/* --- the reply ------------------------------------------------------ */

static void
checked(void *ctx, void *answer, const struct err *err)
{
	struct update_sending *s = ctx;
	const struct w_mac *w = answer;
	struct err wrong;

	assert(s->key != NULL && (err != NULL || w != NULL));
	if (err == NULL && (w->mac.len != s->reply.mac.len ||
	    memcmp(w->mac.p, s->reply.mac.p, w->mac.len) != 0)) {
		err_set(&wrong, ERR_DNS_UPDATE, "%s: the signature of its "
		    "reply is wrong", s->server);
		err_advise(&wrong, "Something on the way changes or answers "
		    "DNS messages by TCP.");
		err = &wrong;
	}
	finish(s, err);
}

static void
check_mac(struct update_sending *s, const struct blob *reply)
{
	struct w_tsig ask = { s->dns, tsig_digest(&s->reply, reply,
	    &s->request.mac) };

	assert(s->key != NULL);
	peer_ask(WIRE_TSIG, &ask, checked, s);
	blob_free(&ask.message);
}

static void
replied(void *ctx, const struct blob *raw, const struct err *err)
{
	struct update_sending *s = ctx;
	struct update_asked asked = { &s->update, s->server, s->key, s->alg,
		s->id, now_s() };
	struct blob reply = blob_copy(raw->p, raw->len);
	struct err wrong;
	bool is_signed;

	assert(s->exchange != NULL && s->done != NULL);
	s->exchange = NULL;
	if (err == NULL) {
		is_signed = tsig_detach(&s->reply, &reply);
		if (update_judge(&asked, &reply, is_signed ? &s->reply : NULL,
		    &wrong) != 0)
			err = &wrong;
	}
	if (err == NULL && s->key != NULL)
		check_mac(s, &reply);
	else
		finish(s, err);
	blob_free(&reply);
}

/* --- the request ---------------------------------------------------- */

static void
send_signed(void *ctx, void *answer, const struct err *err)
{
	struct update_sending *s = ctx;
	struct w_mac *w = answer;
	struct blob wire;

	assert(s->key != NULL && s->exchange == NULL);
	if (err != NULL || s->done == NULL) {
		finish(s, err);
		return;
	}
	s->request.mac = w->mac;
	memset(&w->mac, 0, sizeof(w->mac));
	wire = tsig_attach(&s->request, &s->message);
	s->exchange = dns_exchange(s->server, &wire, replied, s);
	blob_free(&wire);
}

static void
sign(struct update_sending *s)
{
	struct w_tsig ask = { s->dns, { NULL, 0 } };

	assert(s->key != NULL && s->alg != NULL && s->server[0] != '\0');
	snprintf(s->request.key, sizeof(s->request.key), "%s", s->key);
	snprintf(s->request.alg, sizeof(s->request.alg), "%s", s->alg);
	s->request.time_s = now_s();
	s->request.fudge = TSIG_FUDGE_S;
	s->request.original_id = s->id;
	ask.message = tsig_digest(&s->request, &s->message, NULL);
	peer_ask(WIRE_TSIG, &ask, send_signed, s);
	blob_free(&ask.message);
}

static void
on_fails(void *ctx)
{
	struct update_sending *s = ctx;

	assert(s->fails != NULL && s->err.code != ERR_OK);
	finish(s, &s->err);
}

/* What keeps it from being sent at all. */
static bool
is_fit(struct update_sending *s, const struct conf_dns *dns)
{
	struct dns_server at;

	assert(s->server[0] == '\0' && dns->server != NULL);
	if (s->message.p == NULL || !dns_server_parse(&at, dns->server)) {
		err_set(&s->err, ERR_DNS_UPDATE, "%s in %s: no names that "
		    "could be written", s->record, s->zone);
		return false;
	}
	dns_server_text(s->server, &at);
	if (dns->key_file != NULL && *dns->key_file != '\0' &&
	    s->key == NULL) {
		err_set(&s->err, ERR_CONFIG_BAD, "dns \"%s\": there is no key "
		    "in %s", s->dns, dns->key_file);
		err_advise(&s->err, "See what is wrong with it: everleaf "
		    "config check. Then: everleaf reload");
		return false;
	}
	return true;
}

static void
fail_later(struct update_sending *s)
{
	assert(s->fails == NULL && s->exchange == NULL &&
	    s->err.code != ERR_OK);
	s->fails = loop_timer_new(on_fails, s);
	loop_timer_after(s->fails, 0);
}

struct update_sending *
update_send(const struct conf_dns *dns, const struct update *u,
    void (*done)(void *ctx, const struct err *err), void *ctx)
{
	struct update_sending *s = xcalloc(1, sizeof(*s));

	assert(done != NULL && u->zone != NULL && u->record != NULL &&
	    u->value != NULL);
	s->done = done;
	s->ctx = ctx;
	s->dns = xstrdup(dns->title);
	if (dns->key_name != NULL && *dns->key_name != '\0') {
		s->key = xstrdup(dns->key_name);
		s->alg = xstrdup(dns->key_alg);
	}
	s->update = *u;
	s->update.zone = s->zone = xstrdup(u->zone);
	s->update.record = s->record = xstrdup(u->record);
	s->update.value = s->value = xstrdup(u->value);
	s->id = (uint16_t)chance_luck();
	s->message = update_message(&s->update, s->id);
	if (!is_fit(s, dns))
		fail_later(s);
	else if (s->key != NULL)
		sign(s);
	else
		s->exchange = dns_exchange(s->server, &s->message, replied, s);
	return s;
}

void
update_cancel(struct update_sending *s)
{
	if (s == NULL)
		return;
	assert(s->done != NULL);
	s->done = NULL;
	/* Else the keeper is at work for it. */
	if (s->exchange != NULL || s->fails != NULL)
		free_sending(s);
}
