/* Memory runs out at the n-th allocation: what the daemon does about that is to
 * end (base/mem.h), so the engine dies there. It is not torn from its stack:
 * from then on nothing that it does gets out of its process, as when it dies at
 * a commit, and what it had only staged is lost. */
#include <config.h>
#include "tests/sim/sim.h"

static int64_t left;		/* allocations until it dies; 0: never */
static bool looking;		/* those of who only looks do not count */

void *__real_xcalloc(size_t n, size_t size);
void *__wrap_xcalloc(size_t n, size_t size);
void *__real_xrealloc(void *p, size_t size);
void *__wrap_xrealloc(void *p, size_t size);
char *__real_xstrndup(const char *s, size_t n);
char *__wrap_xstrndup(const char *s, size_t n);
char *__real_xstrdup(const char *s);
char *__wrap_xstrdup(const char *s);
void *__real_xmemdup(const void *p, size_t n);
void *__wrap_xmemdup(const void *p, size_t n);

void
sim_die_at_allocation(int64_t n)
{
	left = n;
}

bool
sim_died_at_allocation(void)
{
	return left == 0;
}

void
sim_looks(bool yes)
{
	looking = yes;
}

static void
one_more(void)
{
	if (left > 0 && !looking && !sim_is_dead() && --left == 0)
		sim_die();
}

void *
__wrap_xcalloc(size_t n, size_t size)
{
	one_more();
	return __real_xcalloc(n, size);
}

void *
__wrap_xrealloc(void *p, size_t size)
{
	one_more();
	return __real_xrealloc(p, size);
}

char *
__wrap_xstrndup(const char *s, size_t n)
{
	one_more();
	return __real_xstrndup(s, n);
}

char *
__wrap_xstrdup(const char *s)
{
	one_more();
	return __real_xstrdup(s);
}

void *
__wrap_xmemdup(const void *p, size_t n)
{
	one_more();
	return __real_xmemdup(p, n);
}
