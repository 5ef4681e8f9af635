/* The parts of the deployment round (job DEPLOY) among themselves: when it is
 * due and who is in it (job_deploy.c), carrying it out (job_deploy_run.c),
 * what is written down (job_deploy_rows.c), going back (job_back.c). */
#ifndef DAEMON_JOB_DEPLOY_H
#define DAEMON_JOB_DEPLOY_H
#include "daemon/deploy.h"
#include "daemon/engine.h"
#include "hooks/round.h"

/* --- going back: interface.md section 6, rules 3 and 6 ------------------- */
struct back {			/* files to go back to; gen 0: there are none */
	uint32_t gen;
	int64_t version;
};
/* The newest generation before what is installed that is neither of a
 * placeholder nor expired nor revoked. What is installed because it was put
 * back does not go back further. */
struct back back_find(const struct bundle *b);
/* It may still be gone back to. */
bool back_allowed(const struct bundle *b, const struct back *to);
/* The files in place were put back: they are older than what there is. */
bool back_is(const struct bundle *b);
/* Rows and event of a certificate whose files are `to` again. */
void back_record(const struct bundle *b, const struct back *to);

/* --- a round ------------------------------------------------------------- */
struct member {			/* a certificate in the round */
	struct deploy *round;
	struct bundle *b;
	uint32_t new_gen;
	struct back old;
	bool rollback;		/* new_gen itself was put back */
};

struct concern {		/* a service in the round */
	const struct conf_service *conf;
	struct deploy_end end;	/* of its last check or reload that failed */
	struct deploy_end later;	/* ... that asks to be tried later */
	bool failed, reloaded;
	bool old_fail_too;	/* its check fails with the old files */
};

struct deploy {
	struct member *members;
	size_t members_n, loading;
	struct concern *services;	/* room for all that there are */
	size_t services_n;
	struct round *round;
	struct round_wish wish;
	struct rows due;	/* deployments that owe a reload */
	struct rows rows;	/* T_SERVICE */
	struct rows runs;	/* T_RUN: asked for and not yet answered */
	int64_t run;		/* id of the hook run under way */
	int64_t next_ms;	/* when those that must wait may go; 0: none */
};

/* The members are there, the round is set up: goes to its end, then
 * deploy_record(). */
void deploy_run(struct deploy *d);
/* Writes down what came of it, then deploy_over(). */
void deploy_record(struct deploy *d);
/* Frees the round; the next one is scheduled. */
void deploy_over(struct deploy *d);
/* Row of this service, or NULL. */
const struct row_service *deploy_service_row(const struct deploy *d,
    const char *title);
/* The round should be looked at again then. */
void deploy_look_again(struct deploy *d, int64_t at_ms);
#endif
