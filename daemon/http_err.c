/* libcurl's error numbers, told as what went wrong between us and the CA. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include <openssl/x509.h>
#include "daemon/http_err.h"
#include "daemon/http_limits.h"

static const char check_trust[] =
    "Check the clock of this machine and, if this CA is your own, trust-file";

static const struct story {
	CURLcode curl;
	enum err_code code;
	const char *words, *advice;
} stories[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_CA_DOWN,
	    "its name cannot be looked up",
	    "Check that name servers answer on this machine" },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_CA_DOWN,
	    "the name of the proxy cannot be looked up", "See proxy in "
	    "everleaf.conf" },
	{ CURLE_COULDNT_CONNECT, ERR_CA_DOWN, "there is no connection to it",
	    "" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_CA_TLS,
	    "its TLS certificate is not trusted", check_trust },
	{ CURLE_SSL_CACERT_BADFILE, ERR_CA_TLS,
	    "the roots that should vouch for it cannot be read",
	    "Check trust-file, or install the package ca-certificates" },
	{ CURLE_SSL_CONNECT_ERROR, ERR_CA_TLS,
	    "it does not complete a TLS handshake with us",
	    "Check that the URL is that of a CA and that nothing between "
	    "here and there intercepts TLS" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_CA_PROTOCOL,
	    "its answer is no HTTP", "" },
	{ CURLE_WEIRD_SERVER_REPLY, ERR_CA_PROTOCOL,
	    "its answer is no valid HTTP", "" },
	{ CURLE_PARTIAL_FILE, ERR_CA_PROTOCOL, "its answer was cut off", "" },
	{ CURLE_OUT_OF_MEMORY, ERR_CA_PROTOCOL,
	    "a line of its answer is too long", "" },
	{ CURLE_HTTP2, ERR_CA_DOWN, "the connection broke", "" },
	{ CURLE_HTTP2_STREAM, ERR_CA_DOWN, "it broke off its answer", "" },
	{ CURLE_GOT_NOTHING, ERR_CA_DOWN,
	    "it closed the connection without an answer", "" },
	{ CURLE_SEND_ERROR, ERR_CA_DOWN, "the connection broke", "" },
	{ CURLE_RECV_ERROR, ERR_CA_DOWN, "the connection broke", "" },
	{ CURLE_SEND_FAIL_REWIND, ERR_CA_DOWN, "the connection broke", "" },
	{ CURLE_OK, ERR_CA_DOWN, "the exchange with it failed", "" }
};

static const struct story *
find_story(CURLcode code)
{
	const struct story *s = stories;

	while (s->curl != code && s->curl != CURLE_OK)
		s++;
	assert(s >= stories &&
	    s < stories + sizeof(stories) / sizeof(stories[0]));
	return s;
}

/* What the system or the certificate check says beside; empty if nothing. */
static const char *
detail(const struct http_failure *f)
{
	long n = 0;

	assert(f->code != CURLE_OK);
	if (f->code == CURLE_COULDNT_CONNECT) {
		curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &n);
		return n != 0 ? strerror((int)n) : "";
	}
	if (f->code == CURLE_PEER_FAILED_VERIFICATION) {
		/* The names are looked at before the rest's result is set. */
		curl_easy_getinfo(f->easy, CURLINFO_SSL_VERIFYRESULT, &n);
		return n == X509_V_OK || n == X509_V_ERR_UNSPECIFIED ?
		    "it is for other names" : X509_verify_cert_error_string(n);
	}
	return "";
}

/* A connection that breaks during the handshake says nothing about TLS: load
 * balancers do that while they restart. curl has one number for both; a fault
 * of TLS itself comes with OpenSSL's words. */
static bool
broke_in_handshake(const struct http_failure *f)
{
	assert(f->words != NULL);
	return f->code == CURLE_SSL_CONNECT_ERROR &&
	    (strstr(f->words, "SSL routines") == NULL ||
	    strstr(f->words, "unexpected eof") != NULL);
}

/* The proxy's own answer to CONNECT; 0: it let us through, or there is none. */
static long
proxy_refused(const struct http_failure *f)
{
	long status = 0;

	curl_easy_getinfo(f->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status >= 300 ? status : 0;
}

static void
explain_time(const struct http_failure *f, struct err *err)
{
	curl_off_t us = 0;

	assert(f->code == CURLE_OPERATION_TIMEDOUT);
	curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &us);
	if (!f->sent)
		err_set(err, ERR_CA_DOWN, "%s: no connection to it within "
		    "%ld seconds", f->host, http_limits.connect_ms / 1000);
	else if (us / 1000 < http_limits.timeout_ms)
		err_set(err, ERR_CA_DOWN, "%s: it answers too slowly (under "
		    "%ld bytes a second)", f->host, http_limits.slow_bytes);
	else
		err_set(err, ERR_CA_DOWN, "%s: no whole answer within %ld "
		    "seconds", f->host, http_limits.timeout_ms / 1000);
}

static void
explain_fault(const struct http_failure *f, struct err *err)
{
	static const char *const words[] = {
		[HTTP_HEAD_BAD] = "the head of its answer is too long or "
		    "malformed",
		[HTTP_BODY_LONG] = "its answer is longer than any such answer "
		    "may be",
		[HTTP_FLOOD] = "it floods the connection instead of answering",
		[HTTP_INNER] = "its name leads to a loopback or private "
		    "address",
		[HTTP_NOT_2] = "it answers by HTTP/1.1, and http-version = 2 "
		    "takes no other than HTTP/2"
	};

	assert((size_t)f->fault < sizeof(words) / sizeof(words[0]));
	assert(words[f->fault] != NULL);
	err_set(err, f->fault == HTTP_INNER ? ERR_CA_DOWN : ERR_CA_PROTOCOL,
	    "%s: %s", f->host, words[f->fault]);
	if (f->fault == HTTP_INNER)
		err_advise(err, "Check the name servers of this machine; for "
		    "a CA of your own set trust-file");
	if (f->fault == HTTP_NOT_2)
		err_advise(err, "Leave out http-version in the block of this "
		    "CA");
}

/* Our own reason for stopping it first, then the proxy's, then curl's
 * number. */
void
http_explain(const struct http_failure *f, struct err *err)
{
	const struct story *s = find_story(f->code);
	const char *more = detail(f);

	assert(f->host != NULL && f->words != NULL);
	if (f->fault != HTTP_FINE)
		explain_fault(f, err);
	else if (proxy_refused(f) != 0) {
		err_set(err, ERR_CA_DOWN, "%s: the proxy refuses a tunnel "
		    "there (HTTP status %ld)", f->host, proxy_refused(f));
		err_advise(err, "Whoever runs the proxy must allow CONNECT to "
		    "%s", f->host);
	} else if (f->code == CURLE_OPERATION_TIMEDOUT)
		explain_time(f, err);
	else if (broke_in_handshake(f))
		err_set(err, ERR_CA_DOWN, "%s: the connection broke during "
		    "the TLS handshake", f->host);
	else {
		err_set(err, s->code, "%s: %s%s%s%s", f->host, s->words,
		    *more != '\0' ? " (" : "", more, *more != '\0' ? ")" : "");
		err_advise(err, "%s", s->advice);
	}
}
