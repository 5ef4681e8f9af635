/* The program of a dns block: with its own words, or through an adapter that
 * calls it as another client would (contrib/dns). */
#include <config.h>
#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/env_file.h"
#include "daemon/master.h"
#include "hooks/run.h"

static const char *
word_of(uint8_t what)
{
	return what == RUN_DNS_REMOVE ? "remove" : "add";
}

/* The adapter has passed the check of programs; what it will call has not. */
static int
check_program(const struct conf_dns *d, struct err *err)
{
	const struct passwd *pw = getpwnam(d->user);
	uid_t uid = geteuid() == 0 && pw != NULL ? pw->pw_uid : geteuid();
	char path[4096];
	size_t i, programs = strcmp(d->adapter, "certbot") == 0 ? 2 : 1;

	assert(d->program.n > 0 && strcmp(d->adapter, "everleaf") != 0);
	for (i = 0; i < programs && i < d->program.n; i++) {
		if (strcmp(d->adapter, "acme.sh") == 0 &&
		    d->program.v[i][0] == '/') {
			if (run_check_script(d->program.v[i], uid, err) != 0)
				return -1;
		} else if (run_check(d->program.v[i], uid, path, err) != 0)
			return -1;
	}
	return 0;
}

/* Its own program gets the act behind its own words; an adapter gets it
 * first, and the program's words behind it. */
static int
compose_argv(const struct conf_dns *d, const struct w_run_dns *w,
    struct strv *argv, struct err *err)
{
	bool own = strcmp(d->adapter, "everleaf") == 0;
	char path[4096];
	size_t i;

	assert(argv->n == 0);
	if (!own && check_program(d, err) != 0)
		return -1;
	if (own) {
		*argv = strv_copy(&d->program);
	} else {
		snprintf(path, sizeof(path), "%s/%s", EVERLEAF_DNS,
		    d->adapter);
		strv_add(argv, path);
	}
	strv_add(argv, word_of(w->what));
	strv_add(argv, w->record);
	strv_add(argv, w->value);
	for (i = 0; i < d->program.n && !own; i++)
		strv_add(argv, d->program.v[i]);
	return 0;
}

/* Why it is called; what it shall do are its arguments. */
static const char *
event_of(const struct w_run_dns *w)
{
	return w->test ? "test" : word_of(w->what);
}

static void
compose_env(const struct w_run_dns *w, struct strv *env)
{
	program_env(env, "EVENT", event_of(w));
	program_env(env, "DNS", w->dns);
	if (*w->name != '\0')
		program_env(env, "NAME", w->name);
	program_env(env, "IDENTIFIER", w->ident);
	program_env(env, "RECORD", w->record);
	program_env(env, "VALUE", w->value);
	program_env(env, "TOKEN", w->token);
	program_env(env, "KEYAUTH", w->keyauth);
}

/* All of them have passed checks that leave nothing to escape. */
static char *
compose_input(const struct w_run_dns *w)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b, "{\"event\": \"%s\", \"act\": \"%s\", "
	    "\"dns\": \"%s\", \"name\": \"%s\", \"identifier\": \"%s\", "
	    "\"record\": \"%s\", \"value\": \"%s\"}\n", event_of(w),
	    word_of(w->what), w->dns, w->name, w->ident, w->record, w->value);
	return buf_take(&b);
}

/* Program, user and patience are our configuration's; only the words about
 * the record are the engine's. */
int
run_dns_program(const struct master *m, const struct w_run_dns *w,
    struct program *out, struct err *err)
{
	const struct conf_dns *d = conf_dns(m->conf, w->dns);

	assert(out->argv.n == 0 && out->env.n == 0);
	if (d == NULL || d->program.n == 0)
		return err_set(err, ERR_NO_SUCH, "dns \"%s\" has no program "
		    "in the configuration", w->dns);
	compose_env(w, &out->env);
	if (*d->env_file != '\0' &&
	    (run_check_file(d->env_file, geteuid(), err) != 0 ||
	    env_file_read(&out->env, d->env_file, err) != 0))
		return -1;
	if (compose_argv(d, w, &out->argv, err) != 0)
		return -1;
	out->input_text = compose_input(w);
	out->input.p = (uint8_t *)out->input_text;
	out->input.len = strlen(out->input_text);
	out->user = d->user;
	out->timeout_ms = d->timeout_ms;
	return 0;
}
