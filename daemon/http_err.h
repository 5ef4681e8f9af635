/* Why an exchange failed, in words for people. */
#ifndef DAEMON_HTTP_ERR_H
#define DAEMON_HTTP_ERR_H
#include <curl/curl.h>
#include "base/err.h"

/* What our own callbacks stopped. */
enum http_fault { HTTP_FINE, HTTP_HEAD_BAD, HTTP_BODY_LONG, HTTP_FLOOD,
	HTTP_INNER, HTTP_NOT_2 };

struct http_failure {
	CURL *easy;		/* for what curl remembers of it */
	CURLcode code;
	enum http_fault fault;
	const char *host;	/* with the port, unless it is 443 */
	const char *words;	/* curl's own; never shown to people */
	bool sent;
};
void http_explain(const struct http_failure *f, struct err *err);
#endif
