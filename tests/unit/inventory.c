/* The comparison of the configuration with the inventory at a start, with more
 * wishes than one turn takes. EVERLEAF_WISHES=200000 measures it instead. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/buf.h"
#include "daemon/engine.h"
#include "daemon/sched.h"
#include "tests/sim/sim.h"

enum { MANY = 5000 };

void __real_turn_end(void *unused);
void __wrap_turn_end(void *unused);

static double longest, last;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Between the ends of two turns the engine hears and says nothing. */
void
__wrap_turn_end(void *unused)
{
	double now;

	__real_turn_end(unused);
	now = seconds();
	if (last != 0 && now - last > longest)
		longest = now - last;
	last = now;
}

static char *
conf_of(int n, const char *more)
{
	struct buf b;
	int i;

	buf_init(&b, 64 << 20);
	buf_puts(&b, "agree-tos = true\nca \"sim\" {\n"
	    " directory = \"https://ca.sim/dir\"\n}\n"
	    "policy \"default\" {\n ca = \"sim\"\n}\n");
	buf_puts(&b, more);
	for (i = 0; i < n; i++)
		buf_printf(&b, "certificate \"n%d.example\" {\n}\n", i);
	return buf_take(&b);
}

/* No job starts: what is looked at is the comparison alone. */
static void
begin(int n)
{
	char *text = conf_of(n, "");
	struct sim_setup setup = { text, getenv("EVERLEAF_SQLITE") != NULL,
		1 };

	longest = 0;
	last = seconds();
	sim_begin(&setup);
	sched_stop();
	free(text);
}

static void
measure(int n)
{
	double from = seconds();

	begin(n);
	while (sim_rows("cert") < n)
		sim_run(0);
	printf("# %d wishes: %.1f s in all, longest turn %.2f s\n", n,
	    seconds() - from, longest);
	sim_end();
}

int
main(void)
{
	if (getenv("EVERLEAF_WISHES") != NULL) {
		measure((int)strtol(getenv("EVERLEAF_WISHES"), NULL, 10));
		return 0;
	}
	return 0;
}
