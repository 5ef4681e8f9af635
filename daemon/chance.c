/* Randomness from the kernel. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include "daemon/chance.h"

static void
fill(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

uint32_t
chance_luck(void)
{
	uint32_t v;

	fill(&v, sizeof(v));
	return v;
}

/* Never 0, which stands for none, and never negative: it is printed. */
int64_t
chance_id(void)
{
	int64_t v = 0;

	while (v == 0) {
		fill(&v, sizeof(v));
		v &= INT64_MAX;
	}
	assert(v > 0);
	return v;
}
