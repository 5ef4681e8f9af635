/* The one screen: status (interface.md section 4.2), and services. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/json.h"
#include "daemon/view.h"

enum { ATTENTION_MAX = 20 };

/* A word that nobody has is none: counts come only for what there is. */
static int64_t
count_of(const struct tally *t, size_t n, const char *word)
{
	size_t i;

	assert(n == 0 || t != NULL);
	for (i = 0; i < n; i++)
		if (t[i].text != NULL && strcmp(t[i].text, word) == 0)
			return t[i].count;
	return 0;
}

static int64_t
sum_of(const struct tally *t, size_t n)
{
	int64_t sum = 0;
	size_t i;

	assert(n == 0 || t != NULL);
	for (i = 0; i < n; i++)
		sum += t[i].count;
	return sum;
}

static json_t *
states(const struct view_status *s)
{
	json_t *j = json_object();
	int i;

	for (i = 0; i < VIEW_STATES; i++)
		json_object_set_new(j, view_states[i], json_integer(
		    count_of(s->states, s->states_n, view_states[i])));
	return j;
}

static json_t *
attention(const struct view_status *s)
{
	const struct row_cert *c;
	json_t *list = json_array();
	size_t i;

	assert(s->attention != NULL);
	for (i = 0; i < s->attention->n && i < ATTENTION_MAX; i++) {
		c = ROWS_AT(s->attention, row_cert, i);
		json_array_append_new(list, json_pack(
		    "{s:o, s:o, s:o, s:o, s:o, s:b}", "name",
		    json_text(c->name),
		    "state", json_text(c->state),
		    "summary", json_text(c->summary),
		    "since", json_time(c->state_since_ms),
		    "days_left", c->not_after_ms == 0 ? json_null() :
		    json_integer(view_days(c->not_after_ms, s->now_ms)),
		    "served", c->served > 0));
	}
	return list;
}

static void
count_cause(int64_t counts[ERR_CODE_COUNT], const char *column)
{
	struct err e;

	if (view_error_parse(&e, NULL, column))
		counts[e.code]++;
}

/* What troubles them, the most frequent first. */
static json_t *
causes(const struct view_status *s)
{
	int64_t counts[ERR_CODE_COUNT] = { 0 };
	json_t *list = json_array();
	size_t i;
	int best, k;

	for (i = 0; i < s->failing->n; i++)
		count_cause(counts,
		    ROWS_AT(s->failing, row_cert, i)->iss_error);
	for (i = 0; i < s->stuck->n; i++)
		count_cause(counts,
		    ROWS_AT(s->stuck, row_deployment, i)->error);
	for (;;) {
		for (best = 0, k = 1; k < ERR_CODE_COUNT; k++)
			if (counts[k] > counts[best])
				best = k;
		if (counts[best] == 0)
			return list;
		assert(best > 0 && best < ERR_CODE_COUNT);
		json_array_append_new(list, json_pack("{s:s, s:I}", "code",
		    err_code_name((enum err_code)best), "count",
		    (json_int_t)counts[best]));
		counts[best] = 0;
	}
}

/* When a certificate's issuance is looked at next, and what for; 0 for one that
 * waits for a person. */
static int64_t
next_of(const struct row_cert *c, const char **what)
{
	bool again = c->iss_failures > 0 && c->iss_next_try_ms != 0;

	assert(what != NULL);
	*what = again ? "retry" : "renew";
	if (!again && c->iss_state != NULL &&
	    strcmp(c->iss_state, "blocked") == 0)
		return 0;
	return again ? c->iss_next_try_ms : c->renew_at_ms;
}

/* The earliest of the candidates; with `quiet` among those that have not
 * failed, so that a retry in ten minutes does not hide the plan. */
static json_t *
next_act(const struct view_status *s, bool quiet)
{
	const struct row_cert *c, *best = NULL;
	const char *what, *best_what = NULL;
	int64_t at, best_at = INT64_MAX;
	size_t i;

	for (i = 0; i < s->due->n; i++) {
		c = ROWS_AT(s->due, row_cert, i);
		at = next_of(c, &what);
		if (at == 0 || at >= best_at || c->retired_ms != 0 ||
		    c->paused_ms != 0 ||
		    (quiet && strcmp(what, "retry") == 0))
			continue;
		best = c;
		best_at = at;
		best_what = what;
	}
	assert(best == NULL || (best_what != NULL && best_at != 0));
	return best == NULL ? json_null() : json_pack("{s:s, s:s, s:o}",
	    "name", best->name, "what", best_what, "at", json_time(best_at));
}

static json_t *
least(const struct view_status *s)
{
	const struct row_version *v = s->least_version;
	const struct row_cert *c = s->least;
	json_t *share = json_null();

	if (c == NULL)
		return json_null();
	if (v != NULL && v->not_after_ms > v->not_before_ms)
		share = json_integer((v->not_after_ms - s->now_ms) * 100 /
		    (v->not_after_ms - v->not_before_ms));
	return json_pack("{s:s, s:o, s:I, s:o}", "name", c->name,
	    "not_after", json_time(c->not_after_ms), "days_left",
	    (json_int_t)view_days(c->not_after_ms, s->now_ms),
	    "percent_left", share);
}

static json_t *
cas(const struct view_status *s)
{
	const struct row_ca *row;
	json_t *list = json_array();
	size_t i, k;

	assert(s->conf != NULL && s->cas != NULL);
	for (i = 0; i < s->conf->cas_n; i++) {
		const char *title = s->conf->cas[i].title;

		for (row = NULL, k = 0; k < s->cas->n; k++)
			if (strcmp(ROWS_AT(s->cas, row_ca, k)->name,
			    title) == 0)
				row = ROWS_AT(s->cas, row_ca, k);
		/* A preset that nothing has asked for is no news. */
		if (row == NULL && s->conf->cas[i].where[0] == '\0')
			continue;
		json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:o, s:I, s:n, s:o}", "ca", title,
		    "state", row == NULL || row->state == NULL ||
		    *row->state == '\0' ? "unknown" : row->state,
		    "since", json_time(row == NULL ? 0 : row->since_ms),
		    "orders",
		    (json_int_t)count_of(s->orders, s->orders_n, title),
		    "fallback_ready",
		    "error", view_error_column(row == NULL ? NULL :
		    row->error)));
	}
	return list;
}

/* Revocations that somebody has asked for; null when all are done. */
static json_t *
replacing(const struct view_status *s)
{
	static const char *const words[] = { "replacing", "ready", "revoking",
		"failed", "done" };
	json_t *j = json_object();
	int64_t open = 0, n;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = count_of(s->revocations, s->revocations_n, words[i]);
		open += strcmp(words[i], "done") == 0 ? 0 : n;
		json_object_set_new(j, words[i], json_integer(n));
	}
	if (open > 0)
		return j;
	json_decref(j);
	return json_null();
}

static json_t *
config(const struct conf *c)
{
	json_t *list = json_array();
	size_t i;

	assert(c->problems_n == 0 || c->problems != NULL);
	for (i = 0; i < c->problems_n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:I}",
		    "certificate", json_text(c->problems[i].title),
		    "where", json_text(c->problems[i].where),
		    "text", json_text(c->problems[i].text),
		    "kept", (json_int_t)c->problems[i].kept));
	return json_pack("{s:o, s:o}", "loaded_at", json_time(c->loaded_ms),
	    "problems", list);
}

static json_t *
error_or_null(const struct err *err)
{
	return err == NULL ? json_null() : view_error(err);
}

/* Nothing is asked here: what is shown was read in one go, so that the parts
 * of the screen fit one another. */
json_t *
view_status(const struct view_status *s)
{
	json_t *j = json_object();

	assert(s->conf != NULL && s->due != NULL && s->failing != NULL &&
	    s->stuck != NULL);
	json_object_set_new(j, "everleaf", json_text(s->version));
	json_object_set_new(j, "host", json_text(s->host));
	json_object_set_new(j, "started_at", json_time(s->started_ms));
	json_object_set_new(j, "now", json_time(s->now_ms));
	json_object_set_new(j, "mode", json_text(s->mode));
	json_object_set_new(j, "total",
	    json_integer(sum_of(s->states, s->states_n)));
	json_object_set_new(j, "states", states(s));
	json_object_set_new(j, "attention", attention(s));
	json_object_set_new(j, "attention_total",
	    json_integer(s->attention_total));
	json_object_set_new(j, "causes", causes(s));
	json_object_set_new(j, "replacing", replacing(s));
	json_object_set_new(j, "next", next_act(s, false));
	json_object_set_new(j, "next_renewal", next_act(s, true));
	json_object_set_new(j, "renewals_in_a_day",
	    json_integer(s->renewals_day));
	json_object_set_new(j, "least", least(s));
	json_object_set_new(j, "busy", error_or_null(s->busy));
	json_object_set_new(j, "busy_since",
	    json_time(s->busy == NULL ? 0 : s->busy_ms));
	json_object_set_new(j, "queue", json_pack("{s:I, s:I, s:n}",
	    "orders", (json_int_t)sum_of(s->orders, s->orders_n),
	    "waiting_for_limits", (json_int_t)count_of(s->issuances,
	    s->issuances_n, "waiting"), "done_at"));
	json_object_set_new(j, "cas", cas(s));
	json_object_set_new(j, "config", config(s->conf));
	json_object_set_new(j, "trouble", error_or_null(s->trouble));
	json_object_set_new(j, "trouble_since",
	    json_time(s->trouble == NULL ? 0 : s->trouble_ms));
	json_object_set_new(j, "notice", error_or_null(s->notice));
	json_object_set_new(j, "security", s->security == NULL ? json_null() :
	    json_lines(s->security));
	return j;
}

json_t *
view_service(const struct conf_service *s, const struct row_service *row,
    int64_t certificates, bool detail)
{
	json_t *list = json_array(), *j;
	size_t i;

	assert(s->title != NULL && s->where != NULL);
	for (i = 0; i < s->endpoints_n; i++)
		json_array_append_new(list, json_text(s->endpoints[i].text));
	j = json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:I, s:o, s:o}",
	    "service", s->title, "where", json_text(s->where),
	    "preset", json_text(s->preset),
	    "certificates", (json_int_t)certificates, "endpoints", list,
	    "last_reload_at", json_time(row == NULL ? 0 : row->last_reload_ms),
	    "failures", (json_int_t)(row == NULL ? 0 : row->failures),
	    "next_try_at", json_time(row == NULL ? 0 : row->next_try_ms),
	    "error", view_error_column(row == NULL ? NULL : row->error));
	if (!detail)
		return j;
	json_object_set_new(j, "check", json_list(&s->check));
	json_object_set_new(j, "reload", json_list(&s->reload));
	json_object_set_new(j, "user", json_text(s->user));
	json_object_set_new(j, "timeout_seconds",
	    json_integer(s->timeout_ms / 1000));
	json_object_set_new(j, "reload_delay_seconds",
	    json_integer(s->reload_delay_ms / 1000));
	json_object_set_new(j, "reload_interval_seconds",
	    json_integer(s->reload_interval_ms / 1000));
	json_object_set_new(j, "probe_timeout_seconds",
	    json_integer(s->probe_timeout_ms / 1000));
	json_object_set_new(j, "rollback", json_boolean(s->rollback));
	json_object_set_new(j, "allow_test_ca",
	    json_boolean(s->allow_test_ca));
	return j;
}
