/* When to look again at what a CA takes its time for, and what the answers
 * teach: orders after the first ones look when this CA is about ready, rather
 * than after a time that suits none. */
#ifndef ACME_PACE_H
#define ACME_PACE_H
#include <stdint.h>

enum { PACE_FIRST_MS = 250, PACE_MIN_MS = 20, PACE_MAX_MS = 2000 };

struct pace {
	int64_t first_ms;	/* before the first look */
};

/* The looks at one thing so far; all zero before the first. */
struct looks {
	int n;
	int64_t first_ms;	/* of the pace then; 0: the CA chose */
};

void pace_init(struct pace *p);
/* What the CA said, within bounds, else the first wait, the same again, twice
 * that, and so on up to 15 s; after a while every minute. */
int64_t pace_next(const struct pace *p, const char *retry_after,
    int64_t now_ms, struct looks *l);
/* When it was looked the CA was not ready. Only first looks count. One that
 * is too early costs a request, so about one in eight is. Many that were under
 * way together learn the same: all of them lead no further than a half up or a
 * quarter down from where they began. */
void pace_early(struct pace *p, const struct looks *l);
/* It was. */
void pace_ready(struct pace *p, const struct looks *l);
#endif
