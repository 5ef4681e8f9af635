/* What the store knows, as the JSON of interface.md sections 4 and 5. Pure:
 * rows, configuration and the time go in, a value that the caller owns comes
 * out. Nothing secret is in it. */
#ifndef DAEMON_VIEW_H
#define DAEMON_VIEW_H
#include <jansson.h>
#include "daemon/budget.h"
#include "daemon/bundle.h"
#include "daemon/conf.h"

/* The words of interface.md section 1, in the order that people read. */
enum { VIEW_STATES = 10 };
extern const char *const view_states[VIEW_STATES];

/* One certificate, section 4.1; without `full` the form of a list. b->cert is
 * there. c may be NULL (no paths then). */
json_t *view_cert(const struct bundle *b, const struct conf *c, int64_t now_ms,
    bool full);
/* Days to then, rounded to the nearest; negative once it is over. */
int64_t view_days(int64_t then_ms, int64_t now_ms);
/* What the certificate should be: its recorded settings, else its wish.
 * conf_wish_free() frees it. */
struct conf_wish view_wanted(const struct bundle *b);
/* Names that are wanted and not on this version; strv_free() frees it. */
struct strv view_missing(const struct bundle *b, const struct row_version *v);

json_t *view_event(const struct row_event *e);

/* Section 4.2, put together by the API. Rows are borrowed. */
struct view_status {
	const char *host, *version, *mode;
	int64_t started_ms, now_ms;
	const struct conf *conf;
	const struct tally *states, *issuances;
	const struct tally *orders;	/* by CA */
	const struct tally *revocations;	/* by state */
	size_t states_n, issuances_n, orders_n, revocations_n;
	int64_t attention_total;
	const struct rows *attention;	/* T_CERT, oldest first */
	const struct rows *failing;	/* T_CERT with iss_error */
	const struct rows *stuck;	/* T_DEPLOYMENT with error */
	const struct rows *cas;		/* T_CA */
	const struct rows *due;		/* T_CERT: candidates for `next` */
	const struct row_cert *least;	/* fewest days left; NULL: none */
	const struct row_version *least_version;
	int64_t renewals_day;		/* renewals in the next 24 h */
	const char *security;		/* lines; NULL: nobody asked */
	const struct err *trouble;	/* nothing is done because of it */
	int64_t trouble_ms;		/* since then */
	const struct err *busy;		/* what changes must wait for */
	int64_t busy_ms;		/* since then */
	const struct err *notice;	/* to be seen once; NULL: none */
};
json_t *view_status(const struct view_status *s);

/* One CA. row, account and thumbprint may be absent: never asked. */
struct view_ca {
	const struct conf_ca *conf;
	const struct row_ca *row;
	const struct row_account *account;
	const char *thumbprint;		/* of the account's key */
	int64_t orders;			/* under way */
	struct budget_state limits;
	int64_t now_ms;
};
json_t *view_ca(const struct view_ca *v);

/* row may be NULL: never reloaded. detail: with its commands. */
json_t *view_service(const struct conf_service *s,
    const struct row_service *row, int64_t certificates, bool detail);

/* Errors as the columns iss_error, error ... hold them: the members of
 * section 4. The caller frees the text. evidence (may be NULL) holds lines
 * for `why`, "LABEL\tTEXT", in a further member. */
char *view_error_json(const struct err *e, const struct strv *evidence);
/* Back. false: s is empty, or nothing that we wrote. evidence may be NULL. */
bool view_error_parse(struct err *e, struct strv *evidence, const char *s);
/* The member "error" of an answer: an object, or null for ERR_OK. */
json_t *view_error(const struct err *e);
/* The same from a column. */
json_t *view_error_column(const char *s);
#endif
