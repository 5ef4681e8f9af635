/* One signed request, from the nonce to the answer: what every POST of the
 * protocol has in common, badNonce included (RFC 8555 sections 6.2, 6.5). */
#ifndef ACME_POST_H
#define ACME_POST_H
#include "acme/acme.h"
#include "acme/problem.h"

struct acme_session;

enum post_state { POST_IDLE, POST_START, POST_NONCE, POST_SIGN, POST_SENT };

struct post {
	enum post_state state;
	const char *doing;		/* "the new order", for words */
	struct jws_request r;	/* url, nonce, kid owned; the rest is lent */
	const char *accept;
	size_t reply_max;
	bool save;			/* before it is sent */
	struct blob jws;
	char *nonce_url;		/* the directory may be read anew */
	int nonces_refused;
	int resent;			/* this JWS, after a connection's end */
	struct err cut;			/* why */
	struct problem problem;		/* of POST_REFUSED */
};

enum post_outcome {
	POST_WISHED,	/* carry out *w, then step again */
	POST_REPLIED,	/* event->reply has status 2xx */
	POST_REFUSED,	/* ->problem says what; err is not set */
	POST_UNSENT,	/* it never left, err says why: repeating is safe */
	POST_LOST,	/* it was sent, nobody knows more; err says why */
	POST_BROKEN	/* err says what; repeating helps nobody */
};

/* doing and what r lends live until the outcome. */
void post_begin(struct post *p, const char *doing,
    const struct jws_request *r, const char *accept, size_t reply_max,
    bool save);
/* event NULL for the first step. */
enum post_outcome post_step(struct post *p, struct acme_session *s,
    int64_t now_ms, const struct acme_event *event, struct acme_wish *w,
    struct err *err);
bool post_is_busy(const struct post *p);
void post_end(struct post *p);		/* idle, holds nothing */
#endif
