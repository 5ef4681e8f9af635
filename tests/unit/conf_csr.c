/* csr-file: what is taken off a file, and what its certificate makes of it.
 * Who looks into CSRs is a stand-in here: the bytes of the "DER" behind its
 * first are the names. */
#include <config.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/text.h"
#include "conf_test.h"
#include "daemon/conf_csr.h"
#include "daemon/conf_pack.h"
#include "daemon/conf_read.h"
#include "hooks/run.h"

static size_t looked;
static bool hung;

/* Where this test runs, folders may be anybody's; the real check has tests of
 * its own. */
static bool loose;
int __wrap_run_check_file(const char *path, uid_t uid, struct err *err);

int
__wrap_run_check_file(const char *path, uid_t uid, struct err *err)
{
	assert_int_equal(uid, geteuid());
	if (!loose)
		return 0;
	err_set(err, ERR_HOOK_INSECURE, "file %s belongs to uid 4711",
	    strrchr(path, '/'));
	return err_advise(err, "Run: chown root FILE");
}

static void
look(void *ctx, struct conf_csr *list, size_t n)
{
	struct strv words;
	char text[400];
	size_t i, k;

	(void)ctx;
	looked += n;
	for (i = 0; i < n; i++) {
		if (hung) {
			err_set(&list[i].err, ERR_VERIFY_FAILED, "nobody "
			    "answers");
			continue;
		}
		snprintf(text, sizeof(text), "%.*s", (int)list[i].der.len - 1,
		    (char *)list[i].der.p + 1);
		for (k = 0, words.v = NULL, words.n = 0; text[k] != '\0'; ) {
			char *one = xstrndup(text + k, strcspn(text + k, " "));

			strv_add(&words, one);
			k += strlen(one);
			k += text[k] == ' ';
			free(one);
		}
		if (strcmp(words.v[0], "bad") == 0)
			err_set(&list[i].err, ERR_CSR_REFUSED, "the CSR is "
			    "not signed with its own key");
		else {
			list[i].names = words;
			continue;
		}
		strv_free(&words);
	}
}

static struct blob
bytes(const char *s)
{
	return (struct blob){ (uint8_t *)(uintptr_t)s, strlen(s) };
}

static void
taken(const char *file, const char *der)
{
	struct blob in = bytes(file), out;
	struct err err;

	assert_int_equal(conf_csr_der(&out, &in, &err), 0);
	assert_int_equal(out.len, strlen(der));
	assert_memory_equal(out.p, der, out.len);
	blob_free(&out);
}

static void
refused(const char *file, const char *why)
{
	struct blob in = bytes(file), out;
	struct err err;

	assert_int_equal(conf_csr_der(&out, &in, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG_BAD);
	assert_string_equal(err.text, why);
	assert_null(out.p);
}

#define BEGIN "-----BEGIN CERTIFICATE REQUEST-----\n"
#define END "-----END CERTIFICATE REQUEST-----\n"

static void
files(void **state)
{
	(void)state;
	taken("0abc", "0abc");
	taken(BEGIN "MGFi\nYw==\n" END, "0abc");
	taken(BEGIN "MGFi\r\nYw==\r\n" END, "0abc");
	taken("Certificate Request:\n    Data:\n" BEGIN "MGFiYw==\n" END "bye",
	    "0abc");
	taken("-----BEGIN NEW CERTIFICATE REQUEST-----\nMGFiYw==\n"
	    "-----END NEW CERTIFICATE REQUEST-----\n", "0abc");
	refused("", "it holds no CSR");
	refused("hello", "it holds no CSR");
	refused("-----BEGIN CERTIFICATE-----\nMGFiYw==\n", "it holds no CSR");
	refused("-----BEGIN EC PRIVATE KEY-----\nMGFiYw==\n",
	    "it holds a private key and no CSR");
	refused(BEGIN "MGFiYw==\n" END BEGIN "MGFiYw==\n" END,
	    "it holds more than one CSR");
	refused(BEGIN, "its PEM is damaged, or too long");
	refused(BEGIN "MGFiYw==", "its PEM is damaged, or too long");
	refused(BEGIN END, "its PEM is damaged, or too long");
	refused(BEGIN "MG?iYw==\n" END, "its PEM is damaged, or too long");
	refused(BEGIN "MGFiYw==\n-----BEGIN X-----", "its PEM is damaged, or "
	    "too long");
}

static void
too_long(void **state)
{
	char *p = xcalloc(4 * CONF_CSR_MAX, 1);

	(void)state;
	memset(p, '0', CONF_CSR_MAX + 1);
	refused(p, "it is larger than any CSR");
	memset(p, 'A', 3 * CONF_CSR_MAX);
	memcpy(p, BEGIN, strlen(BEGIN));
	memcpy(p + 3 * CONF_CSR_MAX, END, sizeof(END));
	refused(p, "its PEM is damaged, or too long");
	free(p);
}

/* A certificate with these lines, and a CSR for these names. */
static struct conf *
with(const char *title, const char *lines, const char *csr)
{
	char text[1000];
	struct conf *c;

	if (csr != NULL) {
		put_file("own.csr", csr);
		chmod("own.csr", 0644);
	}
	snprintf(text, sizeof(text), "agree-tos = true\ncertificate %s {\n"
	    "csr-file = \"%s/own.csr\"\n%s }\n", title, folder(), lines);
	conf_csr_by(look, NULL);
	c = read_texts(text, NULL);
	conf_csr_by(NULL, NULL);
	return c;
}

static void
bad(const char *lines, const char *csr, int line, const char *why)
{
	char where[40];

	assert_null(with("shop.example", lines, csr));
	snprintf(where, sizeof(where), "everleaf.conf:%d: ", line);
	assert_non_null(strstr(said, where));
	if (strstr(said, why) == NULL)
		fail_msg("%s", said);
}

static void
names(void **state)
{
	struct conf *c = with("shop.example", "", "0www.shop.example "
	    "shop.example");

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->certs[0].wish.names.n, 2);
	assert_string_equal(c->certs[0].wish.names.v[0], "www.shop.example");
	assert_int_equal(c->certs[0].csr.len, 30);
	conf_free(c);
	/* Then the title need not be a name. */
	c = with("my_shop", "", "0shop.example");
	assert_non_null(c);
	assert_string_equal(c->certs[0].wish.names.v[0], "shop.example");
	conf_free(c);
	c = with("x", "names = {a.example, B.example}", "0b.example a.example");
	assert_non_null(c);
	assert_string_equal(c->certs[0].wish.names.v[0], "a.example");
	conf_free(c);
	bad("names = {a.example, b.example}", "0a.example c.example", 3,
	    "the CSR asks for c.example, and not for b.example. Make the CSR "
	    "anew for the names that are listed, or write names = "
	    "{\"a.example\", \"c.example\"}");
	bad("names = a.example", "0a.example c.example", 3,
	    "the CSR asks for c.example, which names does not list. ");
	bad("names = {a.example, c.example}", "0a.example", 3,
	    "the CSR asks not for c.example, which names lists. ");
}

static void
errors(void **state)
{
	(void)state;
	bad("", "0bad", 3, "the CSR is not signed with its own key");
	bad("key-type = rsa-2048", "0shop.example", 4, "certificate "
	    "\"shop.example\": key-type does not go with csr-file: key and CSR "
	    "of this certificate are yours. Remove one of the two.");
	bad("must-staple = yes", "0shop.example", 4, "must-staple does not");
	bad("key-policy = reuse", "0shop.example", 4, "key-policy does not");
	bad("", "nothing", 3, "it holds no CSR");
	put_file("own.csr", "0shop.example");
	chmod("own.csr", 0666);
	bad("", NULL, 3, "writable by others (mode 0666). chmod o-w it.");
	unlink("own.csr");
	bad("", NULL, 3, "can't be read: No such file");
	assert_null(read_texts("agree-tos = true\ncertificate a.example { "
	    "csr-file = own.csr }\n", NULL));
	assert_non_null(strstr(said, "say the whole path, from /"));
	assert_null(read_texts("agree-tos = true\npolicy p { csr-file = /x }\n",
	    NULL));
	assert_non_null(strstr(said, "no such key \"csr-file\""));
}

/* security.md L1: whose file it is decides what it may decide. */
static void
l1_of_another(void **state)
{
	struct conf *c;

	(void)state;
	loose = true;
	bad("", "0neighbour.example", 3, "csr-file: file /own.csr belongs to "
	    "uid 4711: whoever can write there chooses the names of this "
	    "certificate. Write names = {...}. Or run: chown root FILE.");
	c = with("x", "names = shop.example", "0shop.example");
	assert_non_null(c);
	assert_non_null(strstr(said, "everleaf.conf:3: csr-file: file /own.csr "
	    "belongs to uid 4711: whoever can write there chooses the key of "
	    "this certificate. Run: chown root FILE.\n"));
	conf_free(c);
	bad("names = shop.example", "0neighbour.example", 3,
	    "the CSR asks for neighbour.example, and not for shop.example");
	loose = false;
	c = with("shop.example", "", "0shop.example");
	assert_non_null(c);
	assert_string_equal(said, "");
	conf_free(c);
}

/* What was good goes on, and is told of; another certificate of the same file
 * is as it stands there. */
static void
goes_on(const struct conf *b, const char *why)
{
	const struct conf_cert *c;
	struct blob packed;
	struct conf *back;
	struct err err;

	if (b == NULL)
		fail_msg("%s", said);
	c = conf_cert(b, "shop.example");
	assert_non_null(conf_cert(b, "other.example"));
	assert_non_null(c);
	assert_int_equal(c->csr.len, 13);
	assert_memory_equal(c->csr.p, "0shop.example", 13);
	assert_int_equal(c->wish.names.n, 1);
	assert_string_equal(c->wish.names.v[0], "shop.example");
	assert_true(c->csr_known);
	assert_false(c->kept);
	assert_non_null(strstr(said, "certificate \"shop.example\" goes on "
	    "with its last good CSR: csr-file = \""));
	assert_non_null(strstr(said, why));
	packed = conf_pack(b);
	back = conf_unpack(packed.p, packed.len, &err);
	assert_non_null(back);
	assert_int_equal(back->problems_n, 1);
	assert_string_equal(back->problems[0].title, "shop.example");
	assert_int_equal(back->problems[0].kept, 1);
	assert_non_null(strstr(back->problems[0].text, why));
	assert_true(conf_is_unsaid(back, "shop.example", "/x:1"));
	assert_false(conf_is_unsaid(back, "gone.example", c->where));
	assert_false(conf_has_bad_file(back));
	conf_free(back);
	blob_free(&packed);
}

static const struct conf *
last_was(void *before, const char *state_dir)
{
	(void)state_dir;
	return before;
}

static struct conf *
start(const struct conf *last)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c;
	size_t i;

	conf_csr_by(look, NULL);
	c = conf_read_first("everleaf.conf", last_was, (void *)(uintptr_t)last,
	    1000, &diag);
	conf_csr_by(NULL, NULL);
	free(said);
	said = xcalloc(10000, 1);
	for (i = 0; i < diag.lines.n; i++) {
		assert_true(strlen(said) + strlen(diag.lines.v[i]) < 9000);
		strncat(said, diag.lines.v[i], 9000);
		strncat(said, "\n", 2);
	}
	strv_free(&diag.lines);
	return c;
}

static struct conf *
again(const struct conf *before)
{
	struct conf *c;

	conf_csr_by(look, NULL);
	c = read_conf(before);
	conf_csr_by(NULL, NULL);
	return c;
}

/* At a reload, and at a start that knows what was. */
static void
both_go_on(const struct conf *was, const char *why)
{
	struct conf *b = again(was);

	goes_on(b, why);
	conf_free(b);
	b = start(was);
	goes_on(b, why);
	conf_free(b);
	/* Without what was, it is an error of the file. */
	assert_null(again(NULL));
	assert_non_null(strstr(said, why));
}

static void
main_file_with(const char *lines, const char *more)
{
	char text[1000];

	snprintf(text, sizeof(text), "agree-tos = true\n"
	    "certificate shop.example {\ncsr-file = \"%s/own.csr\"\n%s }\n"
	    "certificate other.example { }\n%s", folder(), lines, more);
	put_file("everleaf.conf", text);
}

/* security.md L1: whoever owns the file of one certificate keeps no other one
 * from anything. */
static void
l1_one_csr_harms_no_other(void **state)
{
	struct conf *was, *b;

	(void)state;
	put_file("conf.d/b.conf", "");
	put_file("own.csr", "0shop.example");
	chmod("own.csr", 0644);
	main_file_with("names = shop.example", "");
	was = again(NULL);
	assert_non_null(was);
	put_file("own.csr", "");
	both_go_on(was, "it holds no CSR");
	put_file("own.csr", "0bad");
	both_go_on(was, "is not signed with its own key");
	put_file("own.csr", "0neighbour.example");
	both_go_on(was, "the CSR asks for neighbour.example, and not for");
	unlink("own.csr");
	both_go_on(was, "can't be read: No such file");
	put_file("own.csr", "0shop.example");
	chmod("own.csr", 0666);
	both_go_on(was, "writable by others (mode 0666)");
	chmod("own.csr", 0644);
	main_file_with("", "");
	loose = true;
	b = start(was);
	assert_non_null(b);
	assert_int_equal(b->problems_n, 1);
	assert_non_null(strstr(said, "chooses the names"));
	conf_free(b);
	loose = false;
	conf_free(was);
}

/* Of what nothing is known: a start goes on without it, and so do the reloads
 * after it. A block that is new to a reload is for who writes it to mend. */
#define OWN "certificate shop.example { names = shop.example " \
	"csr-file = \"/nowhere/own.csr\" }\n"

static void
left_out(void **state)
{
	struct conf *a, *b;

	(void)state;
	put_file("own.csr", "nothing");
	chmod("own.csr", 0644);
	main_file_with("names = shop.example", "");
	a = start(NULL);
	assert_non_null(a);
	assert_null(conf_cert(a, "shop.example"));
	assert_non_null(conf_cert(a, "other.example"));
	assert_non_null(strstr(said, "everleaf.conf:3: certificate "
	    "\"shop.example\" is left out: csr-file = \""));
	assert_int_equal(a->problems_n, 1);
	assert_int_equal(a->problems[0].kept, 0);
	assert_true(conf_is_unsaid(a, "shop.example", "/elsewhere:3"));
	assert_false(conf_is_unsaid(a, "gone.example", a->problems[0].where));
	b = again(a);
	assert_non_null(b);
	assert_int_equal(b->problems_n, 1);
	conf_free(b);
	put_file("own.csr", "0shop.example");
	b = again(a);
	assert_non_null(b);
	assert_non_null(conf_cert(b, "shop.example"));
	assert_int_equal(b->problems_n, 0);
	conf_free(b);
	conf_free(a);
	/* In a drop-in, which has another fault for a while. */
	put_file("own.csr", "nothing");
	put_file("everleaf.conf", "agree-tos = true\n");
	put_file("conf.d/c.conf", OWN "certificate other.example { }\n");
	a = start(NULL);
	assert_non_null(a);
	put_file("conf.d/c.conf", OWN "certificate other.example { x = 1 }\n");
	b = again(a);
	assert_non_null(b);
	assert_true(conf_is_unsaid(b, "shop.example", "/elsewhere:3"));
	assert_non_null(conf_cert(b, "other.example"));
	conf_free(a);
	put_file("conf.d/c.conf", OWN "certificate new.example { }\n");
	a = again(b);
	assert_non_null(a);
	assert_true(conf_is_unsaid(a, "shop.example", "/elsewhere:3"));
	assert_non_null(conf_cert(a, "new.example"));
	assert_null(conf_cert(a, "shop.example"));
	unlink("conf.d/c.conf");
	conf_free(a);
	conf_free(b);
	put_file("everleaf.conf", "agree-tos = true\n"
	    "certificate other.example { }\n");
	a = again(NULL);
	put_file("own.csr", "nothing");
	main_file_with("names = shop.example", "");
	assert_null(again(a));
	assert_non_null(strstr(said, "everleaf.conf:3: csr-file = \""));
	conf_free(a);
}

/* The old names may be another certificate's by now. */
static void
kept_and_in_the_way(void **state)
{
	struct conf *was, *b;

	(void)state;
	put_file("own.csr", "0shop.example");
	chmod("own.csr", 0644);
	main_file_with("names = shop.example", "");
	was = again(NULL);
	assert_non_null(was);
	main_file_with("names = new.example", "certificate a {\n"
	    "names = shop.example }\n");
	assert_null(again(was));
	b = start(was);
	assert_non_null(b);
	assert_null(conf_cert(b, "shop.example"));
	assert_non_null(conf_cert(b, "a"));
	assert_non_null(conf_cert(b, "other.example"));
	assert_non_null(strstr(said, "\"shop.example\" is left out: the same "
	    "names as certificate"));
	assert_int_equal(b->problems_n, 1);
	assert_true(conf_is_unsaid(b, "shop.example", "/x:1"));
	conf_free(b);
	conf_free(was);
	/* What it refers to may not go with the old names. */
	put_file("own.csr", "0*.shop.example");
	main_file_with("challenge = dns-01\n", "dns d { program = "
	    "/bin/true }\n");
	was = again(NULL);
	assert_non_null(was);
	put_file("own.csr", "nothing");
	main_file_with("challenge = http-01\n", "");
	b = start(was);
	assert_non_null(b);
	assert_null(conf_cert(b, "shop.example"));
	assert_non_null(conf_cert(b, "other.example"));
	assert_int_equal(b->problems_n, 1);
	conf_free(b);
	conf_free(was);
}

/* In a drop-in it is the one certificate, too; the rest of it is as it is. */
static void
kept_in_a_drop_in(void **state)
{
	char text[500];
	struct conf *a, *b;

	(void)state;
	put_file("own.csr", "0shop.example");
	chmod("own.csr", 0644);
	snprintf(text, sizeof(text), "certificate shop.example { csr-file = "
	    "\"%s/own.csr\" }\n", folder());
	conf_csr_by(look, NULL);
	a = read_texts("agree-tos = true\ncertificate other.example { }\n",
	    text);
	assert_non_null(a);
	put_file("own.csr", "0bad");
	b = again(a);
	goes_on(b, "is not signed with its own key");
	conf_free(b);
	put_file("conf.d/b.conf", "");
	conf_free(a);
}

/* A reader that hangs says nothing about a CSR: whose names are written needs
 * him for a warning only, and whose bytes are known not at all. */
static void
nobody_reads(void **state)
{
	char text[500];
	struct conf *a, *b;
	struct blob kept;
	struct err err;

	(void)state;
	hung = true;
	bad("", "0shop.example", 3, "nobody answers");
	a = with("x", "names = shop.example", "0shop.example");
	assert_non_null(a);
	assert_non_null(strstr(said, "everleaf.conf:3: csr-file = \""));
	assert_non_null(strstr(said, "own.csr\": nobody answers"));
	hung = false;
	/* That was no look into it. */
	conf_csr_by(look, NULL);
	looked = 0;
	b = read_conf(a);
	assert_int_equal(looked, 1);
	conf_free(a);
	conf_free(b);
	b = with("shop.example", "", "0www.shop.example");
	assert_non_null(b);
	kept = conf_pack_kept(b);
	conf_free(b);
	a = conf_unpack_kept(kept.p, kept.len, &err);
	assert_non_null(a);
	hung = true;
	looked = 0;
	conf_csr_by(look, NULL);
	b = read_conf(a);
	assert_non_null(b);
	assert_int_equal(looked, 0);
	assert_string_equal(said, "");
	assert_string_equal(b->certs[0].wish.names.v[0], "www.shop.example");
	assert_true(b->certs[0].csr_known);
	conf_free(b);
	/* Names that are written now are still compared. */
	snprintf(text, sizeof(text), "agree-tos = true\ncertificate "
	    "shop.example { names = api.shop.example\ncsr-file = "
	    "\"%s/own.csr\" }\n", folder());
	put_file("everleaf.conf", text);
	assert_non_null(b = read_conf(a));
	assert_string_equal(b->certs[0].wish.names.v[0], "www.shop.example");
	assert_non_null(strstr(said, "the CSR asks for www.shop.example, and "
	    "not for api.shop.example"));
	conf_free(b);
	/* Other bytes are another CSR. */
	put_file("own.csr", "0api.shop.example");
	assert_non_null(b = read_conf(a));
	assert_int_equal(looked, 1);
	assert_false(b->certs[0].csr_known);
	conf_csr_by(NULL, NULL);
	hung = false;
	conf_free(a);
	conf_free(b);
	blob_free(&kept);
}

/* A child that waits at the other end of a pipe; it ends once somebody opens
 * that. */
static pid_t
writer(const char *path)
{
	char stat[64], state = 'R';
	pid_t pid = fork();
	FILE *f;
	int i;

	if (pid == 0)
		_exit(open(path, O_WRONLY | O_CLOEXEC) < 0);
	assert_true(pid > 0);
	snprintf(stat, sizeof(stat), "/proc/%d/stat", (int)pid);
	for (i = 0; state != 'S' && i < 500; i++) {
		usleep(10 * 1000);
		f = fopen(stat, "re");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%*d %*s %c", &state), 1);
		fclose(f);
	}
	assert_int_equal(state, 'S');
	return pid;
}

/* security.md L1: somebody's link can lead to what acts when it is opened. */
static void
l1_no_file_is_not_opened(void **state)
{
	int status, waits;
	pid_t pid;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0644), 0);
	unlink("own.csr");
	assert_int_equal(symlink("pipe", "own.csr"), 0);
	pid = writer("pipe");
	bad("", NULL, 3, "own.csr\": it is no regular file");
	unlink("own.csr");
	unlink("pipe");
	usleep(200 * 1000);
	waits = waitpid(pid, &status, WNOHANG) == 0;
	if (waits && kill(pid, SIGKILL) == 0)
		waitpid(pid, &status, 0);
	assert_true(waits);
}

static void
is_line(struct conf *a, struct conf *b, const char *want)
{
	struct strv lines = { NULL, 0 };

	assert_int_equal(conf_diff(a, b, &lines), 0);
	assert_int_equal(lines.n, want != NULL);
	if (want != NULL && strstr(lines.v[0], want) == NULL)
		fail_msg("%s", lines.v[0]);
	strv_free(&lines);
	conf_free(b);
}

static void
what_a_reload_does(void **state)
{
	struct conf *a = with("shop.example", "", "0shop.example");

	(void)state;
	is_line(a, with("shop.example", "", "0shop.example"), NULL);
	is_line(a, with("shop.example", "", "0shop.example "),
	    "csr-file has another content; a new version is ordered now");
	is_line(a, read_texts("agree-tos = true\ncertificate shop.example { "
	    "}\n", NULL), "-> \"\"; a new version is ordered now");
	conf_free(a);
}

static void
over_the_api(void **state)
{
	struct conf *c = with("shop.example", "", "0shop.example");
	struct conf_wish w;
	struct err err;

	(void)state;
	conf_wish_blank(&w);
	strv_add(&w.names, "a.example");
	w.csr_file = xstrdup("/etc/passwd");
	assert_int_equal(conf_wish_check(c, &w, "certificate \"a\"", &err),
	    -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "only a configuration file"));
	conf_wish_free(&w);
	conf_free(c);
}

static void
shown_and_packed(void **state)
{
	struct conf *c = with("shop.example", "", "0shop.example"), *back;
	struct blob packed = conf_pack(c);
	char *text = show(c);
	struct err err;

	(void)state;
	back = conf_unpack(packed.p, packed.len, &err);
	assert_non_null(back);
	assert_int_equal(back->certs[0].csr.len, 13);
	assert_memory_equal(back->certs[0].csr.p, "0shop.example", 13);
	conf_free(back);
	assert_non_null(strstr(text, "csr-file        = \"/"));
	assert_null(strstr(text, "key-type"));
	back = read_texts(text, NULL);
	assert_non_null(back);
	conf_free(back);
	conf_free(c);
	blob_free(&packed);
	free(text);
}

#define T(f) cmocka_unit_test(f)
const struct CMUnitTest csr_tests[] = {
	T(files), T(too_long), T(names), T(errors), T(l1_of_another),
	T(l1_no_file_is_not_opened),
	T(nobody_reads),
	T(l1_one_csr_harms_no_other), T(left_out), T(kept_and_in_the_way),
	T(kept_in_a_drop_in),
	T(what_a_reload_does), T(over_the_api), T(shown_and_packed)
};
const size_t csr_tests_n = sizeof(csr_tests) / sizeof(csr_tests[0]);
