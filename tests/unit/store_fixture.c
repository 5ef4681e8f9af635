/* What the tests of the store share. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "store_fixture.h"
#include "tests/unit/box.h"

struct committed {
	int times;
	bool failed;
	struct err *err;
};

static void
committed(void *ctx, const struct err *err)
{
	struct committed *c = ctx;

	c->times++;
	c->failed = err != NULL;
	if (err != NULL)
		*c->err = *err;
}

int
commit(struct store *s, struct batch *b, struct err *err)
{
	struct committed c = { 0, false, err };

	err_clear(err);
	store_commit(s, b, committed, &c);
	assert_int_equal(c.times, 1);
	return c.failed ? -1 : 0;
}

void
commit_well(struct store *s, struct batch *b)
{
	struct err err;

	if (commit(s, b, &err) != 0)
		fail_msg("commit: %s", err.text);
}

static void
answered(void *ctx, struct rows *answers, int n, const struct err *err)
{
	if (err != NULL)
		fail_msg("read: %s", err->text);
	assert_int_equal(n, 1);
	*(struct rows *)ctx = answers[0];
	answers[0].v = NULL;
	answers[0].n = 0;
}

struct rows
ask(struct store *s, const struct query *q)
{
	struct rows r;

	store_read(s, q, 1, answered, &r);
	return r;
}

struct query
query_of(enum table t, const char *order)
{
	struct query q;

	memset(&q, 0, sizeof(q));
	q.table = t;
	q.order = order;
	return q;
}

void
where_num(struct query *q, const char *col, enum cmp cmp, int64_t n)
{
	struct where *w = &q->where[q->wheres++];

	w->col = col;
	w->cmp = cmp;
	w->num = n;
}

void
where_text(struct query *q, const char *col, enum cmp cmp, const char *s)
{
	struct where *w = &q->where[q->wheres++];

	w->col = col;
	w->cmp = cmp;
	w->text = s;
}

char *
make_dir(void)
{
	const char *top = getenv("TMPDIR");
	char *dir = path_in(top != NULL ? top : "/tmp",
	    "everleaf-store-XXXXXX");

	if (mkdtemp(dir) == NULL)
		fail_msg("no directory %s", dir);
	return dir;
}

void
remove_dir(char *dir)
{
	box_remove(dir);
	free(dir);
}

char *
path_in(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = xcalloc(1, n);

	snprintf(path, n, "%s/%s", dir, name);
	return path;
}

/* The texts are lent: nobody changes or frees these rows. */
static char *
lent(const char *s)
{
	return (char *)(uintptr_t)s;
}

struct row_policy
policy_row(const char *name, const char *hash)
{
	struct row_policy p = { lent(name), lent("{}"), lent(hash) };

	return p;
}

struct row_cert
cert_row(int64_t id, const char *name, const char *state)
{
	struct row_cert c;

	memset(&c, 0, sizeof(c));
	c.id = id;
	c.name = lent(name);
	c.state = lent(state);
	return c;
}
