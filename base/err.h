/* An error is a value: a class that decides what happens next, a stable code,
 * the time of the next try if the other side named one, and words for people.
 * acme/, store/ and hooks/ return it and never log; each caller puts its own
 * context in front; daemon/ logs it once. */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err_codes.h"

enum err_class {
	ERR_NONE,
	ERR_LATER,		/* passes by itself */
	ERR_REFUSED,		/* the CA says no */
	ERR_PERSON,		/* somebody must act */
	ERR_MACHINE,		/* ours: disk, hook, service */
	ERR_USAGE		/* what was typed or sent is wrong */
};

enum { ERR_TEXT_MAX = 512, ERR_ADVICE_MAX = 320 };

struct err {
	enum err_class class;
	enum err_code code;
	int64_t retry_at_ms;		/* 0: nobody said */
	char text[ERR_TEXT_MAX];	/* what failed, and why */
	char advice[ERR_ADVICE_MAX];	/* what to do next; may be empty */
};

void err_clear(struct err *e);
/* Sets code, its class from the table, and the text; returns -1, so that
 * `return err_set(...)` reads well. Control characters are escaped. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_advise(struct err *e, const char *fmt, ...)	/* returns -1 */
    __attribute__((format(printf, 2, 3)));
/* Puts "words: " in front of the text; returns -1. */
int err_context(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* err_set with ": strerror(errno)" at the end. */
int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What failed and, in a line of its own behind it, what to do. */
struct strv;
void err_lines(struct strv *out, const struct err *e);

const char *err_class_name(enum err_class c);	/* "later", "refused" ... */
const char *err_code_name(enum err_code c);	/* "dns-elsewhere" */
enum err_code err_code_find(const char *name);	/* ERR_OK if unknown */
enum err_class err_code_class(enum err_code c);
#endif
