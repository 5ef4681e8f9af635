/* Inside of acme_act: one row a kind of act. */
#ifndef ACME_ACT_H
#define ACME_ACT_H
#include "acme/account.h"
#include "acme/session.h"

enum act_verdict { ACT_DONE, ACT_AGAIN, ACT_FAILED };

struct acme_act {
	const struct act_kind *kind;
	struct post post;
	struct strv contacts;
	char *url;	/* NULL: the kind knows */
	struct blob cert;
	uint8_t reason;
	bool by_cert;
	bool either;	/* the certificate's key is the next */
	int lost;
};

struct act_kind {
	const char *doing;	/* "the revocation", for words */
	enum jws_what what;
	bool save;		/* it can't be undone */
	/* NULL: the CA has no such address, or it is the account's */
	const char *(*url)(const struct acme_session *s);
	/* What a 2xx says; NULL: it is enough. */
	enum act_verdict (*heard)(struct acme_act *a,
	    const struct acme_reply *reply, struct err *err);
	/* What a refusal says; NULL: no. On FAILED err is set. */
	enum act_verdict (*refused)(struct acme_act *a,
	    const struct problem *p, struct err *err);
};

struct acme_act *account_act_new(const struct act_kind *kind);
/* Whether the problem's type is one of RFC 8555's, without its prefix. */
bool account_act_is(const struct problem *p, const char *type);
#endif
