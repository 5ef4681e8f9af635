/* The record of built-in settings: a JSON list of {"from", "wish"}, oldest
 * first, in one row of meta. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_table.h"
#include "daemon/defaults.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/turn.h"
#include "daemon/wish_json.h"

struct epoch {
	int64_t from_ms;
	struct conf_wish wish;
};

static struct {
	struct epoch *v;
	size_t n;
} defaults;

/* What decides what is ordered; services and files go by today's. */
static struct conf_wish
today(void)
{
	const struct conf_key *k;
	struct conf_wish w;

	conf_wish_blank(&w);
	for (k = conf_keys; k->word != NULL; k++)
		if ((k->in & 1u << CONF_POLICY) != 0 &&
		    k->touch == CONF_AT_RENEWAL)
			conf_key_default(k, &w);
	assert(w.ca != NULL && w.key_type != NULL);
	return w;
}

/* Takes the wish. */
static void
add(int64_t from_ms, struct conf_wish *wish)
{
	assert(defaults.n == 0 || defaults.v[defaults.n - 1].from_ms <=
	    from_ms);
	defaults.v = xrealloc(defaults.v, (defaults.n + 1) *
	    sizeof(*defaults.v));
	defaults.v[defaults.n].from_ms = from_ms;
	defaults.v[defaults.n++].wish = *wish;
	conf_wish_blank(wish);
}

static int
read_row(const char *text, struct err *err)
{
	json_t *list = json_read(text, strlen(text), "the record of defaults",
	    err), *item;
	struct conf_wish w;
	int rc = list != NULL ? 0 : -1;
	size_t i;

	json_array_foreach(list, i, item) {
		conf_wish_blank(&w);
		rc = wish_apply(&w, NULL, json_object_get(item, "wish"), err);
		if (rc != 0) {
			conf_wish_free(&w);
			break;
		}
		add(json_get_int(item, "from"), &w);
	}
	json_decref(list);
	return rc;
}

static void
put_row(void)
{
	struct row_meta row = { row_const(DEFAULTS_KEY), NULL };
	json_t *list = json_array();
	size_t i;

	assert(defaults.n > 0);
	for (i = 0; i < defaults.n; i++)
		json_array_append_new(list, json_pack("{s:I, s:o}", "from",
		    (json_int_t)defaults.v[i].from_ms, "wish",
		    wish_json(&defaults.v[i].wish, NULL)));
	row.value = json_write(list);
	batch_put(turn_batch(), T_META, &row);
	free(row.value);
	json_decref(list);
}

/* A clock that was set back makes no older record than there is. */
void
defaults_take(const struct row_meta *row)
{
	struct conf_wish now = today();
	char *is = wish_text(&now), *was = NULL;
	int64_t from = 0;
	struct err err;

	assert(defaults.n == 0);
	if (row != NULL && read_row(row->value, &err) != 0)
		log_err(&err, "what was built in before is not known");
	if (defaults.n > 0) {
		was = wish_text(&defaults.v[defaults.n - 1].wish);
		from = defaults.v[defaults.n - 1].from_ms;
		from = loop_now() > from ? loop_now() : from;
	}
	if (was == NULL || strcmp(is, was) != 0) {
		add(from, &now);
		put_row();
	}
	free(was);
	free(is);
	conf_wish_free(&now);
}

const struct conf_wish *
defaults_at(int64_t created_ms)
{
	size_t i = defaults.n;

	assert(created_ms > 0);
	while (i > 1 && defaults.v[i - 1].from_ms > created_ms)
		i--;
	return i > 0 ? &defaults.v[i - 1].wish : NULL;
}

void
defaults_fini(void)
{
	size_t i;

	for (i = 0; i < defaults.n; i++)
		conf_wish_free(&defaults.v[i].wish);
	free(defaults.v);
	memset(&defaults, 0, sizeof(defaults));
}
