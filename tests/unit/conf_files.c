/* Several files and several times: drop-ins, what lives on when one is bad,
 * own presets, rights, sizes, what a reload changes; and how fast. */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "conf_test.h"
#include "daemon/conf_pack.h"
#include "daemon/conf_read.h"

static int
no_drop_ins(void **state)
{
	struct dirent *e;
	DIR *d = opendir("conf.d");
	char path[300];

	(void)state;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "conf.d/%s", e->d_name);
			unlink(path);
		}
	closedir(d);
	return 0;
}

static void
drop_ins(void **state)
{
	struct conf *c;

	(void)state;
	put_file("conf.d/b.conf", "certificate b.example { policy = p }\n");
	put_file("conf.d/a.conf", "policy p { services = nginx }\n"
	    "email = \"a@b.example\"\n");
	put_file("conf.d/.hidden.conf", "nonsense;");
	put_file("conf.d/b.conf~", "nonsense;");
	put_file("everleaf.conf", "agree-tos = true\n"
	    "certificate a.example { }\n");
	c = read_conf(NULL);
	assert_string_equal(said, "");
	assert_int_equal(c->certs_n, 2);
	assert_string_equal(c->email.v[0], "a@b.example");
	assert_int_equal(c->problems_n, 0);
	conf_free(c);
	/* One key, two files. */
	put_file("conf.d/b.conf", "\nagree-tos = true\n");
	c = read_conf(NULL);
	assert_string_equal(said, "conf.d/b.conf:2: agree-tos is already in "
	    "everleaf.conf:1. Keep one of them.\n");
	assert_int_equal(c->problems_n, 1);
	conf_free(c);
	unlink("conf.d/.hidden.conf");
}

/* A main file elsewhere is named as it was given, whole in `where`. */
static void
named_as_given(void **state)
{
	struct conf_diag diag = { { NULL, 0 } };
	char path[300], want[400];

	(void)state;
	put_file("everleaf.conf", "x = 1\n");
	put_file("conf.d/b.conf", "y = 1\n");
	snprintf(path, sizeof(path), "%s/everleaf.conf", folder());
	assert_null(conf_read(path, NULL, 0, &diag));
	assert_int_equal(diag.lines.n, 2);
	snprintf(want, sizeof(want), "%s:1: no such key \"x\".", path);
	/* Why it is refused comes last. */
	assert_string_equal(diag.lines.v[1], want);
	snprintf(want, sizeof(want), "%s/conf.d/b.conf:1: no such key \"y\".",
	    folder());
	assert_string_equal(diag.lines.v[0], want);
	strv_free(&diag.lines);
}

/* However many files and blocks have other faults. */
static void
the_reason_is_said_last(void **state)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 10000);
	for (i = 0; i < 150; i++)
		buf_printf(&b, "y%d = 1\n", i);
	put_file("conf.d/b.conf", b.data);
	put_file("everleaf.conf", "agree-tos = true\n"
	    "certificate a.example { ca = nope }\n"
	    "certificate b.example { }\n");
	assert_null(conf_read("everleaf.conf", NULL, 0, &diag));
	assert_int_equal(diag.lines.n, 102);
	assert_string_equal(diag.lines.v[100],
	    "... and more. Mend these first.");
	assert_ptr_equal(strstr(diag.lines.v[101], "everleaf.conf:2: "),
	    diag.lines.v[101]);
	strv_free(&diag.lines);
	buf_free(&b);
}

static const char good_main[] = "agree-tos = true\n"
    "certificate a.example { services = nginx }\n";
static const char good_b[] = "log-level = debug\n"
    "policy p { services = gw }\n"
    "service gw { reload = {\"/bin/true\"} }\n"
    "certificate b.example { policy = p }\n"
    "certificate c.example { }\n";

/* A bad drop-in takes nothing away (interface.md section 2). */
static void
kept(void **state)
{
	struct conf *before = read_texts(good_main, good_b), *c, *d;
	char where[300];

	(void)state;
	assert_string_equal(said, "");
	put_file("conf.d/b.conf", "log-level = debug\n\n\n"
	    "certificate b.example {\n");
	put_file("everleaf.conf", "agree-tos = true\n"
	    "certificate a.example { services = postfix }\n"
	    "certificate c.example { keep-versions = 9 }\n");
	c = read_conf(before);
	assert_string_equal(said, "conf.d/b.conf:4: missing \"}\". "
	    "certificate \"b.example\" opens here and is not closed.\n");
	assert_non_null(c);
	assert_int_equal(c->certs_n, 3);
	assert_true(conf_cert(c, "b.example")->kept);
	assert_string_equal(conf_cert(c, "b.example")->wish.policy, "p");
	assert_non_null(conf_policy(c, "p"));
	assert_string_equal(conf_service(c, "gw")->reload.v[0], "/bin/true");
	assert_string_equal(c->log_level, "debug");
	/* What is good changes; what moved to a good file is not kept. */
	assert_string_equal(conf_cert(c, "a.example")->wish.services.v[0],
	    "postfix");
	assert_false(conf_cert(c, "c.example")->kept);
	assert_int_equal(c->problems_n, 1);
	snprintf(where, sizeof(where), "%s/conf.d/b.conf:4", folder());
	assert_string_equal(c->problems[0].where, where);
	assert_string_equal(c->problems[0].text, "missing \"}\"");
	assert_int_equal(c->problems[0].kept, 1);
	assert_true(conf_is_unsaid(c, "", conf_cert(c, "b.example")->where));
	assert_false(conf_is_unsaid(c, "", conf_cert(c, "a.example")->where));
	/* Kept again, and again. */
	d = read_conf(c);
	assert_true(conf_cert(d, "b.example")->kept);
	conf_free(d);
	/* Good and without it: gone. */
	put_file("conf.d/b.conf", "");
	d = read_conf(c);
	assert_null(conf_cert(d, "b.example"));
	assert_int_equal(d->problems_n, 0);
	conf_free(d);
	/* The file is gone: gone. */
	unlink("conf.d/b.conf");
	d = read_conf(c);
	assert_null(conf_cert(d, "b.example"));
	conf_free(d);
	conf_free(c);
	conf_free(before);
}

/* What a kept wish needs lives on, even if a good file lost it. */
static void
kept_with_what_it_needs(void **state)
{
	struct conf *before = read_texts("agree-tos = true\n"
	    "policy p { services = gw ca = own }\n"
	    "ca own { directory = \"https://ca.example/\" }\n"
	    "service gw { timeout = 7m }\n",
	    "certificate b.example { policy = p }\n"), *c;

	(void)state;
	put_file("everleaf.conf", "agree-tos = true\n");
	put_file("conf.d/b.conf", "certificate b.example { policy = p };\n");
	c = read_conf(before);
	assert_non_null(conf_cert(c, "b.example"));
	assert_non_null(conf_policy(c, "p"));
	assert_true(conf_service(c, "gw")->timeout_ms == 7 * CONF_MINUTE);
	assert_string_equal(conf_ca(c, "own")->directory,
	    "https://ca.example/");
	conf_free(c);
	conf_free(before);
}

/* A drop-in that reads well and does not fit is bad, too; the rest goes on. */
static void
kept_when_it_does_not_fit(void **state)
{
	struct conf *before = read_texts(good_main, good_b), *c;

	(void)state;
	put_file("conf.d/b.conf", "certificate b.example {\n"
	    "services = nosuch }\n");
	put_file("conf.d/z.conf", "certificate z.example { }\n");
	c = read_conf(before);
	assert_non_null(c);
	assert_string_equal(said, "conf.d/b.conf:2: service \"nosuch\" is "
	    "neither a block here nor a preset.\n");
	assert_int_equal(c->certs_n, 4);
	assert_true(conf_cert(c, "b.example")->kept);
	assert_int_equal(conf_cert(c, "b.example")->wish.services.n, 0);
	assert_int_equal(c->problems[0].kept, 2);
	assert_false(conf_cert(c, "z.example")->kept);
	conf_free(c);
	conf_free(before);
}

/* security.md K6: a bad main file changes nothing. */
static void
k6_bad_main(void **state)
{
	struct conf *before = read_texts(good_main, good_b);

	(void)state;
	put_file("everleaf.conf", "agree-tos = true\ncertificate a.example {");
	assert_null(read_conf(before));
	assert_string_equal(said, "everleaf.conf:2: missing \"}\". "
	    "certificate \"a.example\" opens here and is not closed.\n");
	unlink("everleaf.conf");
	assert_null(read_conf(before));
	assert_string_equal(said, "everleaf.conf: can't be read: No such file "
	    "or directory. everleaf.conf(5) begins with one of seven "
	    "lines.\n");
	conf_free(before);
}

/* The main file leans on a drop-in that is bad: with a configuration from
 * before nothing is lost; without one nobody can know. */
static void
main_leans_on_bad(void **state)
{
	static const char main[] = "agree-tos = true\n"
	    "certificate a.example { services = gw }\n";
	struct conf *before = read_texts(main, "service gw { }\n"), *c;

	(void)state;
	put_file("conf.d/b.conf", "service gw {\n");
	c = read_conf(before);
	assert_non_null(c);
	assert_non_null(conf_service(c, "gw"));
	conf_free(c);
	assert_null(read_conf(NULL));
	assert_string_equal(said, "conf.d/b.conf:1: missing \"}\". service "
	    "\"gw\" opens here and is not closed.\neverleaf.conf:2: service "
	    "\"gw\" is neither a block here nor a preset.\n");
	conf_free(before);
}

static char *asked_in;

static const struct conf *
find(void *ctx, const char *state_dir)
{
	free(asked_in);
	asked_in = xstrdup(state_dir);
	return ctx;
}

/* At a start the configuration from before comes from where the files say that
 * the state is: a file that turns out bad later has said it all the same. */
static void
before_a_start(void **state)
{
	static const char main[] = "agree-tos = true\n"
	    "certificate a.example { services = gw }\n";
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *was = read_texts(main, "service gw { timeout = 7m }\n"
	    "certificate b.example { }\n"), *c;
	struct blob kept = conf_pack_kept(was);
	struct err err;

	(void)state;
	conf_free(was);
	was = conf_unpack_kept(kept.p, kept.len, &err);
	put_file("conf.d/b.conf", "service gw {\n");
	c = conf_read_first("everleaf.conf", find, was, 5, &diag);
	assert_non_null(c);
	assert_true(conf_service(c, "gw")->timeout_ms == 7 * CONF_MINUTE);
	assert_true(conf_cert(c, "b.example")->kept);
	assert_int_equal(c->problems[0].kept, 1);
	assert_string_equal(asked_in, EVERLEAF_STATE);
	conf_free(c);
	put_file("conf.d/a.conf", "state-dir = /srv/a\n");
	c = conf_read_first("everleaf.conf", find, NULL, 5, &diag);
	assert_null(c);
	assert_string_equal(asked_in, "/srv/a");
	put_file("everleaf.conf", "state-dir = /srv/main\ncertificate "
	    "a.example { ca = nosuch }\n");
	c = conf_read_first("everleaf.conf", find, was, 5, &diag);
	assert_null(c);
	assert_string_equal(asked_in, "/srv/main");
	unlink("conf.d/a.conf");
	strv_free(&diag.lines);
	free(asked_in);
	asked_in = NULL;
	blob_free(&kept);
	conf_free(was);
}

static void
own_presets(void **state)
{
	char shipped[4096];
	struct conf *c;
	ssize_t n = readlink("presets", shipped, sizeof(shipped) - 1);

	(void)state;
	assert_true(n > 0);
	shipped[n] = '\0';
	assert_int_equal(unlink("presets"), 0);
	assert_int_equal(mkdir("presets", 0755), 0);
	put_file("presets/gw.conf", "reload = {\"/opt/gw\", \"-r\"}\n"
	    "timeout = 9m\nendpoints = {:9443}\n");
	put_file("presets/broken.conf", "reload = \"a b\"\n");
	put_file("presets/sly.conf", "certificate x { }\n");
	put_file("presets/wry.conf", "preset = gw\n");
	c = read_texts("agree-tos = true\n"
	    "certificate a.example { services = {gw, two} }\n"
	    "service two { preset = gw  timeout = 1m }\n", NULL);
	assert_string_equal(said, "presets/broken.conf:1: reload: \"a b\": no "
	    "shell reads this. Write each word for itself: {\"a\", "
	    "\"b\"...}\n"
	    "presets/sly.conf:1: no such block \"certificate\". A preset has "
	    "the keys of a service, and no block.\n"
	    "presets/wry.conf:1: a preset stands for itself: it has no key "
	    "\"preset\".\n");
	assert_non_null(c);
	assert_true(conf_service(c, "gw")->timeout_ms == 9 * CONF_MINUTE);
	assert_true(conf_service(c, "gw")->endpoints[0].from_preset);
	assert_true(conf_service(c, "two")->timeout_ms == CONF_MINUTE);
	assert_string_equal(conf_service(c, "two")->reload.v[1], "-r");
	assert_null(conf_service(c, "broken"));
	conf_free(c);
	unlink("presets/gw.conf");
	unlink("presets/broken.conf");
	unlink("presets/sly.conf");
	unlink("presets/wry.conf");
	assert_int_equal(rmdir("presets"), 0);
	assert_int_equal(symlink(shipped, "presets"), 0);
}

/* security.md L1. */
static void
l1_writable(void **state)
{
	struct conf *c;

	(void)state;
	put_file("everleaf.conf", good_main);
	chmod("everleaf.conf", 0666);
	c = read_conf(NULL);
	chmod("everleaf.conf", 0644);
	assert_non_null(c);
	assert_string_equal(said, "everleaf.conf: writable by others (mode "
	    "0666). chmod o-w it.\n");
	conf_free(c);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown("everleaf.conf", 4711, (gid_t)-1), 0);
	c = read_conf(NULL);
	assert_int_equal(chown("everleaf.conf", 0, (gid_t)-1), 0);
	assert_string_equal(said, "everleaf.conf: it belongs to user id 4711, "
	    "who can have programs run as root. chown root it.\n");
	conf_free(c);
}

/* security.md L7: 1 GB of file, a pipe, a folder. */
static void
l7_strange_files(void **state)
{
	int fd;

	(void)state;
	fd = open("everleaf.conf", O_RDWR | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);
	assert_null(read_conf(NULL));
	assert_non_null(strstr(said, "everleaf.conf: it is larger than 64 "
	    "MiB."));
	unlink("everleaf.conf");
	assert_int_equal(mkfifo("everleaf.conf", 0644), 0);
	assert_null(read_conf(NULL));
	assert_non_null(strstr(said, "everleaf.conf: it is no regular file."));
	unlink("everleaf.conf");
	assert_int_equal(mkdir("everleaf.conf", 0755), 0);
	assert_null(read_conf(NULL));
	assert_non_null(strstr(said, "everleaf.conf: it is no regular file."));
	rmdir("everleaf.conf");
}

static void
trust_files(void **state)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n";
	char text[500];
	struct conf *c;

	(void)state;
	put_file("root.pem", pem);
	snprintf(text, sizeof(text), "agree-tos = true\nca own {\n"
	    "directory = \"https://localhost:14000/dir\"\n"
	    "trust-file = \"%s/root.pem\" }\n", folder());
	c = read_texts(text, NULL);
	assert_non_null(c);
	assert_int_equal(conf_ca(c, "own")->trust.len, sizeof(pem) - 1);
	conf_free(c);
	put_file("root.pem", "no certificate\n");
	assert_null(read_conf(NULL));
	assert_non_null(strstr(said, "everleaf.conf:4: trust-file = \""));
	assert_non_null(strstr(said, "it holds no PEM certificate."));
}

/* --- the difference ------------------------------------------------------- */

static void
difference(void **state)
{
	static const char *const want[] = {
		"+ new.example: new; ordered now from google, for nginx "
		    "postfix",
		"- old.example: retired; its files stay until 30 days after "
		    "its end",
		"~ pol.example: ca \"letsencrypt\" -> \"google\"; from the "
		    "next renewal on",
		"~ real.example: ca \"letsencrypt-staging\" -> "
		    "\"letsencrypt\"; a new version is ordered now if the "
		    "newest is of a test CA, else from the next renewal on",
		"~ shop.example: names + api.shop.example - "
		    "www.shop.example, services + postfix; a new version is "
		    "ordered now; paths stay",
		"~ log-level info -> debug, run-dir \"/run/a\" -> \"/run/b\"; "
		    "needs a restart of everleafd",
		"~ service nginx: timeout 2m -> 5m"
	};
	struct conf *a = read_texts("agree-tos = true\nrun-dir = /run/a\n"
	    "certificate shop.example { services = nginx\n"
	    "  names = {shop.example, www.shop.example} }\n"
	    "certificate old.example { }\ncertificate same.example { }\n"
	    "certificate real.example { ca = letsencrypt-staging }\n"
	    "policy p { }\ncertificate pol.example { policy = p }\n", NULL);
	struct conf *b = read_texts("agree-tos = true\nrun-dir = /run/b\n"
	    "certificate shop.example { services = {nginx, postfix}\n"
	    "  names = {shop.example, api.shop.example} }\n"
	    "certificate same.example { keep-versions = 3 }\n"
	    "certificate real.example { }\n"
	    "policy p { ca = google }\nlog-level = debug\n"
	    "certificate pol.example { policy = p }\n"
	    "certificate new.example { ca = google services = "
	    "{nginx, postfix} }\nservice nginx { timeout = 5m }\n", NULL);
	struct strv lines = { NULL, 0 };
	size_t i;

	(void)state;
	assert_int_equal(conf_diff(a, b, &lines), 1);
	assert_int_equal(lines.n, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < lines.n; i++)
		assert_string_equal(lines.v[i], want[i]);
	strv_free(&lines);
	assert_int_equal(conf_diff(a, a, &lines), 0);
	assert_int_equal(lines.n, 0);
	assert_int_equal(conf_diff(NULL, a, &lines), 0);
	assert_int_equal(lines.n, 5);
	strv_free(&lines);
	conf_free(a);
	conf_free(b);
}

/* --- many ----------------------------------------------------------------- */

static char *
many(size_t n)
{
	struct buf b;
	size_t i;

	buf_init(&b, 64 << 20);
	buf_puts(&b, "agree-tos = true\n");
	for (i = 0; i < n; i++)
		buf_printf(&b, "certificate \"c%zu.shop.example\" {\n"
		    "    names    = {\"c%zu.shop.example\", "
		    "\"www.c%zu.shop.example\"}\n"
		    "    services = \"nginx\"\n}\n", i * 7919 % n, i, i);
	return buf_take(&b);
}

/* 20 000 certificates in one file: 0.1 s here (0.4 s with sanitizers). */
static void
twenty_thousand(void **state)
{
	char *text = many(20000);
	struct strv lines = { NULL, 0 };
	struct timespec from, to;
	struct conf *c, *nothing;
	double took;

	(void)state;
	put_file("everleaf.conf", text);
	clock_gettime(CLOCK_MONOTONIC, &from);
	c = read_conf(NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_string_equal(said, "");
	assert_int_equal(c->certs_n, 20000);
	took = (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("# 20000 certificates in %.2f s\n", took);
	assert_true(took < 5);
	nothing = read_texts("agree-tos = true\n", NULL);
	assert_int_equal(conf_diff(c, nothing, &lines), 20000);
	assert_int_equal(lines.n, 201);
	assert_string_equal(lines.v[200], "... and 19800 more");
	strv_free(&lines);
	conf_free(nothing);
	conf_free(c);
	free(text);
}

/* security.md L7: more than fits is refused, and errors stay few. */
static void
l7_too_many(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 64 << 20);
	for (i = 0; i <= CONF_CERTS_MAX; i++)
		buf_printf(&b, "policy p%zu { }\n", i);
	assert_null(read_texts(b.data, NULL));
	assert_string_equal(said, "everleaf.conf: more than 200000 blocks in "
	    "all. Give so many wishes over the API.\n");
	buf_reset(&b);
	for (i = 0; i < 5000; i++)
		buf_puts(&b, "x = \"\\\\\\\\\\\\\"\n");
	assert_null(read_texts(b.data, NULL));
	assert_non_null(strstr(said, "\n... and more. Mend these first.\n"));
	assert_true(strlen(said) < 10000);
	buf_free(&b);
}

#define ALONE(f) cmocka_unit_test_setup(f, no_drop_ins)
const struct CMUnitTest files_tests[] = {
	ALONE(drop_ins), ALONE(named_as_given),
	ALONE(the_reason_is_said_last), ALONE(kept),
	ALONE(kept_with_what_it_needs), ALONE(kept_when_it_does_not_fit),
	ALONE(k6_bad_main), ALONE(main_leans_on_bad),
	ALONE(before_a_start), ALONE(own_presets),
	ALONE(l1_writable), ALONE(l7_strange_files), ALONE(trust_files),
	ALONE(difference), ALONE(twenty_thousand), ALONE(l7_too_many)
};
const size_t files_tests_n = sizeof(files_tests) / sizeof(files_tests[0]);
