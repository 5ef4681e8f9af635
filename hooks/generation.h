/* One complete set of a certificate's files, and the one switch that makes it
 * live (security.md section 5). Runs in the master; file descriptors and
 * *at() calls only, every name made here. Each step is durable before the
 * next; recovery is the same code run again. */
#ifndef HOOKS_GENERATION_H
#define HOOKS_GENERATION_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/mem.h"

struct generation {
	uint64_t cert;
	uint32_t gen;
	struct blob key, leaf, chain;	/* PEM; chain may be empty */
	struct blob csr;		/* DER, where the key is somebody's own:
					 * then there is none here, and
					 * neither privkey nor combined */
	struct blob meta;		/* meta.json */
	uid_t uid;			/* owner of all files */
	gid_t gid;			/* group of all files */
	mode_t key_mode;		/* 0600 or 0640: privkey, combined */
};

/* `state` is the open state directory (certs/ and live/ are made below it if
 * missing). Steps 1, 2 and 4 without the final fsync of the name: everything
 * staged as gen/.tmp-NNNNNN, or found whole as gen/NNNNNN already (*whole). */
int generation_stage(int state, const struct generation *g, bool *whole,
    struct err *err);
/* Read-only descriptors of the staged (or whole) files for the verifier:
 * privkey, cert, chain, fullchain, combined; without a key csr, cert, chain,
 * fullchain, and fds[4] is -1. */
int generation_open(int state, uint64_t cert, uint32_t gen, bool whole,
    int fds[5], struct err *err);
/* Step 5: the name gen/NNNNNN, never changed again. */
int generation_finish(int state, uint64_t cert, uint32_t gen,
    struct err *err);
/* Steps 6 and 7: live -> gen/NNNNNN, and durable. */
int generation_flip(int state, uint64_t cert, uint32_t gen, struct err *err);
/* Drops what a failed attempt left. */
int generation_abandon(int state, uint64_t cert, uint32_t gen,
    struct err *err);
/* What live points to; 0: nothing, or nothing of ours. */
int generation_live(int state, uint64_t cert, uint32_t *gen, struct err *err);
/* people's path live/TITLE -> ../certs/xx/ID/live, made once. A name that is
 * there and is not this link is an error. */
int generation_alias(int state, uint64_t cert, const char *title,
    struct err *err);
/* The certificate that people's path live/TITLE leads to; 0: none of ours. */
uint64_t generation_aliased(int state, const char *title);
/* Removes one generation that is not live: rename to .del-, unlink. */
int generation_prune(int state, uint64_t cert, uint32_t gen, struct err *err);
/* Removes all of a certificate and its alias. */
int generation_purge(int state, uint64_t cert, const char *title,
    struct err *err);
/* Start: finishes what a crash left (.tmp-*, .del-*, .live.tmp) of one
 * certificate. */
int generation_recover(int state, uint64_t cert, struct err *err);
/* What is there, for an inventory that was lost. Ascending; the caller frees
 * *gens. */
int generation_list(int state, uint64_t cert, uint32_t **gens, size_t *n,
    struct err *err);
/* meta, leaf and chain of one (the caller frees them), and its key, which the
 * caller wipes. Files that are larger than this are none of ours. */
/* What is installed, and so what is read again. */
enum { GENERATION_META_MAX = 64 * 1024, GENERATION_LEAF_MAX = 64 * 1024,
	GENERATION_CHAIN_MAX = 128 * 1024, GENERATION_KEY_MAX = 32 * 1024 };
int generation_read(int state, uint64_t cert, uint32_t gen,
    struct generation *out, struct err *err);
int generation_read_key(int state, uint64_t cert, uint32_t gen,
    struct blob *key, struct err *err);
/* Calls fn with each certificate id below certs/. */
int generation_each(int state, void (*fn)(void *ctx, uint64_t cert),
    void *ctx, struct err *err);
#endif
