/* Asking one address. A redirect to another host is followed to an address of
 * that host, of the same family if it has one. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/addresses.h"
#include "daemon/arrival.h"
#include "daemon/fronts.h"
#include "daemon/http.h"
#include "daemon/loop.h"
#include "daemon/redirect.h"

enum { REPLY_MAX = 16 * 1024, LEAST_MS = 100 };

struct arrival {
	char *name, *keyauth, *at, *url;
	char host[256];		/* of url */
	struct strv seen;	/* URLs */
	int64_t until;		/* loop_mono() */
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
};

static void
over(struct arrival *k, const struct err *err)
{
	assert(k->done != NULL);
	k->done(k->ctx, err);
	strv_free(&k->seen);
	free(k->name);
	free(k->keyauth);
	free(k->at);
	free(k->url);
	free(k);
}

static void fetch(struct arrival *k);

/* The last of the wanted family, else the first of all. */
static void
resolved(void *ctx, const struct strv *list, const struct err *why)
{
	struct arrival *k = ctx;
	bool six = strchr(k->at, ':') != NULL;
	struct err err;
	size_t i;

	if (list->n == 0) {
		err_set(&err, ERR_CHALLENGE_WRONG, "it redirects to %s: %s",
		    k->host, why->text);
		over(k, &err);
		return;
	}
	for (i = list->n - 1; i > 0; i--)
		if ((strchr(list->v[i], ':') != NULL) == six)
			break;
	assert(i < list->n);
	free(k->at);
	k->at = xstrdup(list->v[i]);
	fetch(k);
}

static void
follow(struct arrival *k, const char *location)
{
	char host[256];
	struct err err;
	struct buf next;
	bool good;

	assert(k->seen.n > 0 && k->url != NULL);
	buf_init(&next, REDIRECT_URL_MAX);
	good = redirect_next(&next, host, k->url, location, &err);
	if (good && strv_has(&k->seen, next.data))
		good = err_set(&err, ERR_CHALLENGE_WRONG, "its redirects go in "
		    "a circle: %.200s", next.data) == 0;
	else if (good && k->seen.n > REDIRECTS_MAX)
		good = err_set(&err, ERR_CHALLENGE_WRONG, "it redirects more "
		    "than %d times", REDIRECTS_MAX) == 0;
	if (!good) {
		buf_free(&next);
		over(k, &err);
		return;
	}
	free(k->url);
	k->url = buf_take(&next);
	strv_add(&k->seen, k->url);
	if (strcmp(host, k->host) == 0) {
		fetch(k);
		return;
	}
	memcpy(k->host, host, sizeof(k->host));
	addresses_of(k->host, resolved, k);
}

/* White space behind it is forgiven (RFC 8555 section 8.3). */
static bool
is_ours(const struct arrival *k, const struct http_reply *r)
{
	size_t n = strlen(k->keyauth);

	assert(k->keyauth[0] != '\0');
	return r->status == 200 && r->body.len >= n &&
	    memcmp(r->body.p, k->keyauth, n) == 0 &&
	    strspn((const char *)r->body.p + n, " \t\r\n") == r->body.len - n;
}

static void
say_other(const struct arrival *k, const struct http_reply *r,
    struct err *err)
{
	char head[200];
	struct buf words;

	snprintf(head, sizeof(head), "HTTP/1.1 %d\r\nServer: %.100s\r\n\r\n",
	    r->status, r->server != NULL ? r->server : "");
	buf_init(&words, 2000);
	front_words(&words, k->host, r->status, head);
	assert(words.len > 0);
	err_set(err, ERR_CHALLENGE_WRONG, "%s", words.data);
	buf_free(&words);
}

static void
fetched(void *ctx, const struct http_reply *r)
{
	struct arrival *k = ctx;
	struct err err;

	assert(k->seen.n > 0);
	if (r->outcome != HTTP_REPLIED) {
		err_set(&err, ERR_CONNECTION, "%s", r->err.text);
		over(k, &err);
	} else if (r->status >= 300 && r->status < 400 &&
	    r->location != NULL)
		follow(k, r->location);
	else if (is_ours(k, r))
		over(k, NULL);
	else {
		say_other(k, r, &err);
		over(k, &err);
	}
}

static void
fetch(struct arrival *k)
{
	int64_t left = k->until - loop_mono();
	struct http_request r = { .method = "GET", .url = k->url,
		.accept = "*/*", .reply_max = REPLY_MAX, .at = k->at,
		/* Nobody else's redirect makes us ask in our own network. */
		.no_inner = strcmp(k->host, k->name) != 0,
		.timeout_ms = (long)(left > LEAST_MS ? left : LEAST_MS) };

	assert(k->url != NULL && k->at != NULL);
	http_send(&r, fetched, k);
}

void
arrival(const char *name, const char *address, const char *token,
    const char *keyauth, void (*done)(void *ctx, const struct err *err),
    void *ctx)
{
	struct arrival *k = xcalloc(1, sizeof(*k));
	struct buf url;

	assert(done != NULL && token != NULL && keyauth != NULL);
	buf_init(&url, REDIRECT_URL_MAX);
	buf_printf(&url, strchr(name, ':') != NULL ?
	    "http://[%s]/.well-known/acme-challenge/%s" :
	    "http://%s/.well-known/acme-challenge/%s", name, token);
	k->name = xstrdup(name);
	snprintf(k->host, sizeof(k->host), "%s", name);
	k->url = buf_take(&url);
	k->at = xstrdup(address);
	k->keyauth = xstrdup(keyauth);
	strv_add(&k->seen, k->url);
	k->until = loop_mono() + ARRIVAL_MS;
	k->done = done;
	k->ctx = ctx;
	fetch(k);
}
