/* Stops connections that cost too much. Two places are left to us: curl tells
 * its progress after each look at a transfer, and OpenSSL each record that it
 * has read, also while curl does not come back. */
#include <config.h>
#include <assert.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>
#include "daemon/http_flood.h"
#include "daemon/http_limits.h"

static int64_t mark_us;		/* what is before is accounted */
static const SSL *reading;	/* what the CPU works for, since ... */
static int64_t reading_us;
static bool cut;

/* The CPU's own time: a machine that is busy with others is no flood. */
static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
limit_us(void)
{
	assert(http_limits.cpu_ms > 0);
	return http_limits.cpu_ms * 1000;
}

void
flood_enter(void)
{
	mark_us = cpu_us();
	reading = NULL;
	cut = false;
}

/* Counted from the last look: what one transfer costs is not held against
 * the next. */
bool
flood_over(int64_t *spent_us)
{
	int64_t now = cpu_us();

	assert(*spent_us >= 0);
	*spent_us += now - mark_us;
	mark_us = now;
	return *spent_us > limit_us();
}

bool
flood_was_cut(void)
{
	return cut;
}

/* One call into curl may serve many connections: each answers for what it
 * costs itself. To curl a cut looks as if the other side had hung up. */
static void
on_record(int written, int version, int type, const void *p, size_t n,
    SSL *ssl, void *ctx)
{
	int64_t now = cpu_us();

	(void)version;
	(void)p;
	(void)n;
	(void)ctx;
	if (written != 0 || type != SSL3_RT_HEADER)
		return;
	if (ssl != reading) {
		reading = ssl;
		reading_us = now;
	}
	if (now - reading_us <= limit_us())
		return;
	SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN | SSL_SENT_SHUTDOWN);
	cut = true;
	/* None of it was spent on whom curl turns to next. */
	mark_us = now;
}

static CURLcode
on_context(CURL *easy, void *context, void *ctx)
{
	(void)easy;
	(void)ctx;
	SSL_CTX_set_msg_callback(context, on_record);
	return CURLE_OK;
}

/* Another TLS library would hand its own context to the callback. */
bool
flood_can_be_stopped(void)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	return v->ssl_version != NULL &&
	    strncmp(v->ssl_version, "OpenSSL/", 8) == 0;
}

void
flood_watch(CURL *easy)
{
	assert(easy != NULL);
	if (flood_can_be_stopped())
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
}
