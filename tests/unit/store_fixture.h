/* What the tests of the store share: questions that wait for their answer, and
 * a directory of one's own. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H
#include "store/store.h"

/* Commits and frees; 0, or -1 and *err. The completion came exactly once. */
int commit(struct store *s, struct batch *b, struct err *err);
/* Commits what must go well. */
void commit_well(struct store *s, struct batch *b);
/* The answer to one query; the caller frees it with rows_free. */
struct rows ask(struct store *s, const struct query *q);
/* A query for rows of a table, with an order (or NULL). */
struct query query_of(enum table t, const char *order);
void where_num(struct query *q, const char *col, enum cmp cmp, int64_t n);
void where_text(struct query *q, const char *col, enum cmp cmp,
    const char *s);

/* An empty directory under TMPDIR or /tmp, and what removes it. */
char *make_dir(void);
void remove_dir(char *dir);
char *path_in(const char *dir, const char *name);	/* caller frees */

/* A row of policies, certificates, jobs, events; for batch_put at once. */
struct row_policy policy_row(const char *name, const char *hash);
struct row_cert cert_row(int64_t id, const char *name, const char *state);
#endif
