/* An operator's acts from the command's side: to master first, which only
 * root reaches, then to the API, which does them. And what becomes of accounts
 * at CAs. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/cli_operator.h"
#include "daemon/json.h"

enum { ARM_S = 300, ANSWER_MAX = 200, RUN_MAX = 108,
	PRINT_MAX = 128 * 1024, WRONG_MAX = 512 };

/* --- to master ------------------------------------------------------------ */

/* The directory of the API's socket is that of master's. */
static void
run_dir(char out[RUN_MAX])
{
	const char *end = strrchr(cli.socket, '/');

	assert(cli.socket != NULL);
	snprintf(out, RUN_MAX, "%.*s", end == NULL ? 1 :
	    (int)(end - cli.socket), end == NULL ? "." : cli.socket);
}

/* Says it to the person; what the command exits with. */
static int
refused(const struct err *err)
{
	assert(err->code != ERR_OK);
	cli_complain("%s%s%s", err->text, err->advice[0] != '\0' ? ". " : "",
	    err->advice);
	return err->code == ERR_NO_PERMISSION || err->code == ERR_DAEMON_DOWN ?
	    CLI_NO_DAEMON : CLI_FAILED;
}

/* -1: said to the person, and *r is what the command exits with. */
int
operator_say(const struct operator_request *q, int key, struct w_key *sealed,
    int *r)
{
	char run[RUN_MAX];
	struct err err;

	assert(r != NULL);
	run_dir(run);
	if (operator_ask(run, q, key, sealed, &err) == 0)
		return 0;
	*r = refused(&err);
	return -1;
}

static bool
unhex(uint8_t out[OPERATOR_MORE], const char *hex)
{
	size_t i;

	if (hex == NULL || strlen(hex) != 2 * OPERATOR_MORE)
		return false;
	for (i = 0; i < OPERATOR_MORE; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &out[i]) != 1)
			return false;
	return true;
}

/* For five minutes, and for this one thing: by its digest, where it has one. */
int
operator_arm_revoke(uint64_t cert, uint32_t version, const char *sha256,
    int *r)
{
	struct operator_request q = { .kind = OPERATOR_ARM,
		.what = ARM_REVOKE, .object = cert, .version = version,
		.seconds = ARM_S };

	if (version != 0 && unhex(q.digest, sha256))
		return operator_say(&q, -1, NULL, r);
	cli_complain("the daemon does not say which certificate it is");
	*r = CLI_FAILED;
	return -1;
}

static int
no_title(const char *ca)
{
	return cli_usage("\"%s\": what root does with an account needs a title "
	    "of its ca block of %d letters at most", ca, OPERATOR_MORE);
}

/* The daemon says which account it is, the operator at which CA. */
int
operator_arm_account(enum arm_what what, uint64_t account, const char *ca,
    int *r)
{
	struct operator_request q = { .kind = OPERATOR_ARM, .what = what,
		.object = account, .seconds = ARM_S };

	assert(what < ARM_WHAT_COUNT && what != ARM_REVOKE);
	if (operator_name_ca(&q, ca))
		return operator_say(&q, -1, NULL, r);
	*r = no_title(ca);
	return -1;
}

void
operator_disarm(enum arm_what what, uint64_t object, uint32_t version)
{
	struct operator_request q = { .kind = OPERATOR_DISARM, .what = what,
		.object = object, .version = version };
	int unused;

	assert(what < ARM_WHAT_COUNT);
	operator_say(&q, -1, NULL, &unused);
}

int
operator_open_files(int *r)
{
	char run[RUN_MAX];
	struct err err;
	int fd;

	assert(r != NULL);
	run_dir(run);
	fd = operator_files(run, &err);
	if (fd < 0)
		*r = refused(&err);
	return fd;
}

/* Taking back what nobody has said does nothing, if it is heard. */
int
operator_may(int *r)
{
	struct operator_request q = { .kind = OPERATOR_DISARM,
		.what = ARM_KEY_CHANGE, .object = 1 };

	return operator_say(&q, -1, NULL, r);
}

/* Where nobody sits it is never taken for granted. */
int
operator_confirm(bool yes, const char *word, const char *what)
{
	char line[ANSWER_MAX];

	assert(word[0] != '\0' && what[0] != '\0');
	if (yes)
		return CLI_DONE;
	if (!isatty(STDIN_FILENO))
		return cli_usage("%s: nobody is here to confirm it. Add --yes",
		    what);
	fprintf(stderr, "%s. Type \"%s\" to confirm: ", what, word);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, word) == 0 ? CLI_DONE :
	    cli_usage("that is not \"%s\". Nothing was changed.", word);
}

/* --- accounts ------------------------------------------------------------- */

struct account {
	const char *title;
	struct cli_answer ca;		/* as it is before */
	const json_t *json;		/* its account; NULL: none */
	uint64_t id;
	bool dead;
};

static int
read_account(struct account *a, const struct cli_args *args)
{
	char *coded = cli_encode(args->words.v[0]);
	const char *status;
	int r = cli_ask_quietly(&a->ca, "GET", NULL, "/v1/cas/%s", coded);

	assert(args->words.n > 0);
	free(coded);
	a->title = args->words.v[0];
	a->json = json_object_get(a->ca.body, "account");
	if (r != CLI_DONE && a->ca.body != NULL)
		cli_complain_error(json_object_get(a->ca.body, "error"));
	if (r != CLI_DONE || !json_is_object(a->json)) {
		a->json = NULL;
		return r;
	}
	status = json_get(a->json, "status");
	a->dead = status != NULL && strcmp(status, "dead") == 0;
	if (json_get(a->json, "id") == NULL ||
	    !text_unid(&a->id, json_get(a->json, "id"))) {
		cli_complain("the daemon does not say which account it is");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static int
account_do(const struct account *a, const char *deed, json_t *body,
    const char *words)
{
	char *coded = cli_encode(a->title);
	int64_t orders = json_get_int(a->ca.body, "orders");
	struct cli_answer answer;
	const char *url;
	int r;

	assert(a->title != NULL && deed[0] != '\0');
	if (orders > 0 && !cli.json)
		cli_say("%s: waits for %lld order%s under way there, for a "
		    "minute at most\n", a->title, (long long)orders,
		    cli_plural(orders));
	fflush(stdout);
	r = cli_ask(&answer, "POST", body, "/v1/cas/%s/%s", coded, deed);

	free(coded);
	url = json_get(json_object_get(answer.body, "account"), "url");
	if (r == CLI_DONE && !cli.json)
		cli_say("%s: %s%s%s\n", a->title, words, url != NULL ? ": " :
		    "", url != NULL ? url : "");
	cli_answer_free(&answer);
	return r;
}

static int
no_account(const struct account *a)
{
	assert(a->json == NULL);
	cli_complain("%s: there is no account yet. The daemon makes one with "
	    "the first order.", a->title);
	return CLI_FAILED;
}

static int
dry(const struct account *a, const char *what)
{
	cli_say("%s: %s\nNothing was changed.\n", a->title, what);
	return CLI_DONE;
}

/* What was armed and then not done is taken back. */
static int
armed_do(const struct account *a, enum arm_what what, const char *deed,
    const char *words)
{
	int r;

	assert(a->json != NULL && !a->dead);
	if (operator_arm_account(what, a->id, a->title, &r) != 0)
		return r;
	r = account_do(a, deed, NULL, words);
	if (r != CLI_DONE)
		operator_disarm(what, a->id, 0);
	return r;
}

/* A closed account can't be changed, only followed by another one: that
 * takes no leave of the keeper, but of a person. */
static int
roll(const struct account *a, const struct cli_args *args)
{
	int r;

	assert(a->title != NULL);
	if (a->json == NULL)
		return no_account(a);
	if (cli_has(args, "--dry-run"))
		return dry(a, a->dead ? "the account is closed; a new one "
		    "would be made" : "the account would get another key");
	if (!a->dead)
		return armed_do(a, ARM_KEY_CHANGE, "rollover",
		    "the account has another key");
	if (operator_may(&r) != 0)
		return r;
	return account_do(a, "rollover", NULL, "a new account");
}

int
cli_ca_rollover(const struct cli_args *args)
{
	struct account a = { .id = 0 };
	int r = read_account(&a, args);

	if (r == CLI_DONE)
		r = roll(&a, args);
	cli_answer_free(&a.ca);
	return r;
}

static int
give_up(const struct account *a, const struct cli_args *args)
{
	char what[300];
	int r;

	assert(a->title != NULL);
	if (a->json == NULL)
		return no_account(a);
	if (a->dead) {
		cli_say("%s: the account is closed already\n", a->title);
		return CLI_DONE;
	}
	snprintf(what, sizeof(what), "%s: the account would be given up for "
	    "ever; nothing is renewed there after that", a->title);
	if (cli_has(args, "--dry-run"))
		return dry(a, what + strlen(a->title) + 2);
	if (operator_may(&r) != 0)
		return r;
	r = operator_confirm(cli_has(args, "--yes"), a->title, what);
	return r != CLI_DONE ? r : armed_do(a, ARM_DEACTIVATE, "deactivate",
	    "the account is given up");
}

int
cli_ca_deactivate(const struct cli_args *args)
{
	struct account a = { .id = 0 };
	int r = read_account(&a, args);

	if (r == CLI_DONE)
		r = give_up(&a, args);
	cli_answer_free(&a.ca);
	return r;
}

static json_t *
sealed_body(uint64_t id, const struct w_key *k)
{
	struct buf sealed, public;
	char hex[17];
	json_t *j;

	buf_init(&sealed, 1 << 20);
	buf_init(&public, 1 << 20);
	text_id(hex, id);
	text_b64u(&sealed, k->sealed.p, k->sealed.len);
	text_b64u(&public, k->spki.p, k->spki.len);
	assert(!sealed.full && !public.full);
	j = json_pack("{s:s, s:s, s:s}", "id", hex, "sealed", sealed.data,
	    "public", public.data);
	buf_free(&sealed);
	buf_free(&public);
	return j;
}

/* What would let others know the key, or choose it (security.md D10); empty:
 * nothing does. */
static void
wrong_with(char out[WRONG_MAX], const struct stat *st, const char *file)
{
	assert(st != NULL && file != NULL);
	out[0] = '\0';
	if (!S_ISREG(st->st_mode))
		snprintf(out, WRONG_MAX, "it is no file");
	else if (st->st_uid != 0 && st->st_uid != geteuid())
		snprintf(out, WRONG_MAX, "it belongs to user %u. If nobody "
		    "else has the key: chown root %s", (unsigned)st->st_uid,
		    file);
	else if ((st->st_mode & 077) != 0)
		snprintf(out, WRONG_MAX, "others may use it (mode %04o). If "
		    "nobody else has the key: chmod 600 %s",
		    (unsigned)st->st_mode & 07777, file);
}

/* -1: complained about. */
static int
open_key(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char wrong[WRONG_MAX];
	struct stat st;

	assert(file != NULL);
	if (fd >= 0 && fstat(fd, &st) == 0)
		wrong_with(wrong, &st, file);
	else
		snprintf(wrong, sizeof(wrong), "%s", errno == ELOOP ?
		    "it is a link. Name the file itself" : strerror(errno));
	if (wrong[0] == '\0')
		return fd;
	cli_complain("%s: %s", file, wrong);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The key goes from its file to master as a descriptor, and comes back
 * sealed; neither this command nor the API sees it. */
static int
import(const struct account *a, int fd)
{
	struct operator_request q = { .kind = OPERATOR_IMPORT };
	struct w_key key;
	int r;

	assert(fd >= 0);
	if (!operator_name_ca(&q, a->title) ||
	    getrandom(&q.object, sizeof(q.object), 0) != sizeof(q.object))
		return no_title(a->title);
	q.object = (q.object & INT64_MAX) | 1;
	if (operator_say(&q, fd, &key, &r) == 0) {
		r = account_do(a, "import", sealed_body(q.object, &key),
		    "the account is that of the key");
		blob_free(&key.sealed);
		blob_free(&key.spki);
	}
	return r;
}

int
cli_ca_import(const struct cli_args *args)
{
	struct account a = { .id = 0 };
	int r = read_account(&a, args), fd = -1;

	if (r == CLI_DONE) {
		fd = open_key(args->words.v[1]);
		r = fd < 0 ? CLI_USAGE : CLI_DONE;
	}
	if (r == CLI_DONE && cli_has(args, "--dry-run"))
		r = dry(&a, a.json == NULL ? "the account of this key would "
		    "be used" : "the account of this key would be used instead "
		    "of the one there is");
	else if (r == CLI_DONE)
		r = import(&a, fd);
	if (fd >= 0)
		close(fd);
	cli_answer_free(&a.ca);
	return r;
}

/* --- the key of an account, printed --------------------------------------- */

/* Asks the API, of which nothing goes to standard output. */
static int
ask_export(const struct account *a)
{
	char *coded = cli_encode(a->title);
	struct cli_answer answer;
	int r = cli_ask_quietly(&answer, "POST", NULL, "/v1/cas/%s/export",
	    coded);

	assert(a->title != NULL);
	free(coded);
	if (r != CLI_DONE && answer.body != NULL)
		cli_complain_error(json_object_get(answer.body, "error"));
	cli_answer_free(&answer);
	return r;
}

/* Stays on the line while the API is asked: there the key comes, and to
 * nobody else. */
static int
take_key(const struct account *a, struct blob *pem)
{
	char run[RUN_MAX];
	struct err err;
	int fd, r;

	run_dir(run);
	fd = operator_arm_export(run, a->title, a->id, ARM_S, &err);
	if (fd < 0)
		return refused(&err);
	r = ask_export(a);
	if (r == CLI_DONE && operator_take_key(fd, pem, &err) != 0)
		r = refused(&err);
	else if (r != CLI_DONE)
		operator_disarm(ARM_EXPORT, a->id, 0);
	close(fd);
	return r;
}

static void
add_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s\"%s\": \"", b->len == 0 ? "{" : ", ", key);
	buf_json(b, value != NULL ? value : "");
	buf_putc(b, '"');
}

/* By hand: no library is to have the key in its memory. */
static void
compose(struct buf *b, const struct account *a, const struct blob *pem)
{
	char *text = xstrndup((const char *)pem->p, pem->len);

	assert(pem->len > 0);
	if (cli.json) {
		add_member(b, "ca", a->title);
		add_member(b, "directory", json_get(a->ca.body, "directory"));
		add_member(b, "account", json_get(a->json, "url"));
		add_member(b, "key", text);
		buf_puts(b, "}\n");
	} else
		buf_puts(b, text);
	mem_wipe(text, strlen(text));
	free(text);
}

/* Past stdio, whose buffer nobody wipes. */
static int
print_key(const struct account *a, const struct blob *pem)
{
	struct buf b;
	size_t at = 0;
	ssize_t n = 1;

	buf_init(&b, PRINT_MAX);
	compose(&b, a, pem);
	assert(!b.full);
	while (at < b.len && (n = write(STDOUT_FILENO, b.data + at,
	    b.len - at)) > 0)
		at += (size_t)n;
	buf_wipe(&b);
	if (n > 0)
		return CLI_DONE;
	cli_complain("the key can't be written: %s", strerror(errno));
	return CLI_FAILED;
}

static int
export(const struct account *a)
{
	struct blob pem = { NULL, 0 };
	const char *url = json_get(a->json, "url");
	const char *directory = json_get(a->ca.body, "directory");
	int r = take_key(a, &pem);

	if (r == CLI_DONE && !cli.json && !cli.quiet)
		fprintf(stderr, "%s: the key of account %s at %s\n", a->title,
		    url != NULL ? url : "", directory != NULL ? directory :
		    "");
	if (r == CLI_DONE)
		r = print_key(a, &pem);
	blob_wipe(&pem);
	return r;
}

/* Those that there is no use in arming. */
static int
none_to_export(const struct account *a)
{
	if (a->json == NULL)
		return no_account(a);
	if (json_get(a->ca.body, "account_key") != NULL)
		cli_complain("%s: its account's key is in the token that "
		    "account-key names, and does not come out of it. "
		    "Elsewhere, use the same token.", a->title);
	else if (a->dead)
		cli_complain("%s: the account is closed; its key is of no use "
		    "any more", a->title);
	else
		return CLI_DONE;
	return CLI_FAILED;
}

static int
may_export(const struct account *a, const struct cli_args *args)
{
	char what[300];
	int r = none_to_export(a);

	assert(a->title != NULL);
	if (r != CLI_DONE)
		return r;
	snprintf(what, sizeof(what), "%s: the private key of the account would "
	    "be printed; who has it acts in its name", a->title);
	if (cli_has(args, "--dry-run"))
		return dry(a, what + strlen(a->title) + 2);
	if (operator_may(&r) != 0)
		return r;
	r = operator_confirm(cli_has(args, "--yes"), a->title, what);
	return r != CLI_DONE ? r : export(a);
}

int
cli_ca_export(const struct cli_args *args)
{
	struct account a = { .id = 0 };
	int r = read_account(&a, args);

	if (r == CLI_DONE)
		r = may_export(&a, args);
	cli_answer_free(&a.ca);
	return r;
}
