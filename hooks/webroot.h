/* The files of http-01 in a directory that another server shows (RFC 8555
 * section 8.3): DIR/.well-known/acme-challenge/TOKEN. The directory is often a
 * customer's, who may put anything there at any time: no link is followed,
 * nothing is overwritten, nothing foreign is removed. Runs in a one-shot child
 * of the master, which has become the directory's owner after
 * webroot_enter(). */
#ifndef HOOKS_WEBROOT_H
#define HOOKS_WEBROOT_H
#include "base/err.h"

/* Directories that were made, for webroot_take() to remove. */
enum { WEBROOT_MADE_ABOVE = 1, WEBROOT_MADE_FOLDER = 2 };

struct webroot_token {
	const char *path;	/* absolute; for words */
	const char *token, *keyauth;
};

/* Opens the directory, each part of its path without following links. A
 * descriptor (O_PATH), or -1: *gone says that nothing of ours can be there. */
int webroot_enter(const char *path, bool *gone, struct err *err);
/* Makes the file, 0644; one with the right content that is there is fine.
 * *made gets bits. */
int webroot_put(int dir, const struct webroot_token *t, unsigned *made,
    struct err *err);
/* Removes the file if its content is ours, then what of `made` is empty; *left
 * are the bits that are still to be removed. Nothing there is fine. */
int webroot_take(int dir, const struct webroot_token *t, unsigned made,
    unsigned *left, struct err *err);
#endif
