/* One deployment round (interface.md section 6): the new files of many
 * certificates are in place; now every service concerned is checked before
 * any is reloaded, what breaks a check is found by halving and put back, and
 * then each service is reloaded once for all that is new. Pure: the caller
 * carries out one wish at a time and brings its outcome. */
#ifndef HOOKS_ROUND_H
#define HOOKS_ROUND_H
#include <stdbool.h>
#include <stddef.h>

enum round_wish_kind {
	ROUND_CHECK,		/* run the check of .service */
	ROUND_RELOAD,		/* run the reload of .service */
	ROUND_FLIP,		/* make the files of .item old or new (.back) */
	ROUND_DONE
};

struct round_wish {
	enum round_wish_kind kind;
	size_t service, item;
	bool back;		/* FLIP: to the old files; CHECK and RELOAD:
				 * EVERLEAF_EVENT is "rollback" */
};

enum round_verdict {
	ROUND_PENDING,
	ROUND_RELOADED,		/* goes on to the proof */
	ROUND_REFUSED,		/* its files break the check: put back */
	ROUND_BROKEN,		/* the check fails with the old files too: new
				 * files stay, nothing reloaded */
	ROUND_PUT_BACK,		/* put back on account of another service */
	ROUND_RELOAD_FAILED,	/* put back (if it could be) after a reload
				 * that failed */
	ROUND_AS_BEFORE,	/* the service had loaded these files already */
	ROUND_LATER		/* its check or reload asks to be tried later:
				 * new files stay, nothing is known of them */
};

/* How a wish ended. A program that asks to be tried later (exit 75) has
 * judged nothing: no files go back on its account. */
enum round_outcome { ROUND_BAD, ROUND_GOOD, ROUND_NOT_YET };

struct round;

struct round *round_new(size_t items, size_t services);
void round_free(struct round *r);
/* The item is used by the service. */
void round_uses(struct round *r, size_t item, size_t service);
/* ... and has loaded its files in an earlier round: it is neither checked nor
 * reloaded on their account, unless they go back. */
void round_loaded(struct round *r, size_t item, size_t service);
/* The item has an old version that may be gone back to: not a placeholder,
 * not expired, not revoked. */
void round_can_go_back(struct round *r, size_t item);
/* A service without a check passes it; without a reload it needs none. */
void round_service(struct round *r, size_t service, bool check, bool reload,
    bool rollback);

/* `how` is the outcome of the wish before (any value for the first). A flip
 * that fails leaves the item where it was; a service whose check is known to
 * fail with what is there then is ROUND_BROKEN: it is not reloaded. */
struct round_wish round_step(struct round *r, enum round_outcome how);
enum round_verdict round_verdict(const struct round *r, size_t item,
    size_t service);
bool round_is_back(const struct round *r, size_t item);
#endif
