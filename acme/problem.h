/* What a CA says when it says no (RFC 9457, RFC 8555 section 6.7): one table
 * tells for every type what it means to us. */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H
#include <jansson.h>
#include "acme/acme.h"

enum problem_next {
	NEXT_FAIL,
	NEXT_NONCE,		/* sign again with another nonce */
	NEXT_LOOK,		/* read the order, then decide */
	NEXT_UNREPLACE		/* once more, without "replaces" */
};

struct problem_kind {
	const char *type;	/* after "urn:ietf:params:acme:error:" */
	enum err_code request;	/* as the answer to a request */
	enum err_code validation;	/* inside an order or a challenge */
	enum problem_next next;
};

struct subproblem {
	const struct problem_kind *kind;	/* NULL: unknown type */
	char ident[256];	/* canonical; "" if it names none */
	char *detail;
};

struct problem {
	const struct problem_kind *kind;	/* NULL: unknown type or none */
	int status;		/* of HTTP; 0 inside an object */
	char *detail;		/* fit for a terminal, capped; may be NULL */
	char *instance;		/* https address for people, or NULL */
	int64_t retry_at_ms;	/* 0: nobody said */
	bool retry_said;	/* a Retry-After came, readable or not */
	struct subproblem *subs;
	size_t nsubs;
};

/* Never fails: what can't be read is a problem of unknown type. Both fill *p
 * whole; problem_free() it. */
void problem_of_reply(struct problem *p, const struct acme_reply *reply,
    int64_t now_ms);
void problem_of_json(struct problem *p, const json_t *o);
void problem_free(struct problem *p);

/* The code of a refused request; `what` settles what "unauthorized" means. */
enum err_code problem_request_code(const struct problem *p,
    enum jws_what what);
/* Fills err; `doing` is the subject: "the new order". Returns -1. */
int problem_request_err(const struct problem *p, enum jws_what what,
    const char *doing, struct err *err);
int problem_validation_err(const struct problem *p, const char *doing,
    struct err *err);
/* The next step for err->code, if it always is the same. */
void problem_advise(struct err *err);
/* Adds the names of the list that it names to *out, each once. */
void problem_idents(struct strv *out, const struct problem *p,
    const struct strv *names);
#endif
