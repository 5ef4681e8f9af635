/* everleaf.conf(5) and the table of keys say the same; what the manual shows
 * can be typed. */
#include <config.h>
#include <dirent.h>
#include <sys/stat.h>
#include "conf_test.h"

static char *
manual(const char *name)
{
	const char *src = getenv("TOP_SRCDIR");
	char path[4096], part[4096];
	struct buf b;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", src != NULL ? src : ".", name);
	f = fopen(path, "r");
	assert_non_null(f);
	buf_init(&b, 1 << 20);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	return buf_take(&b);
}

static const char *const sections[CONF_KINDS] = {
	"TOP LEVEL", "CERTIFICATE", "POLICY", "SERVICE", "CA", "DNS"
};
static const char *const types[] = {
	"text", "list", "yesno", "number", "time", "path", "argv", "choice",
	"list", "text", "yesno"
};

/* "(default: X)" against the table; \(dq is a quote in mdoc. */
static void
same_default(const struct conf_key *k, const char *said_default)
{
	char want[300];

	if (k->def == NULL || *k->def == '\0' || k->type == CONF_PATH ||
	    strncmp(said_default, "of the preset", 13) == 0)
		return;
	snprintf(want, sizeof(want), strcmp(k->word, "policy") == 0 ?
	    "\\(dq%s\\(dq)" : "%s)", k->def);
	assert_string_equal(said_default, want);
}

static void
one_item(enum conf_kind kind, const char *line, uint64_t *seen)
{
	char word[40], type[20], def[200];
	const struct conf_key *k;

	if (sscanf(line, ".It Cm %39s Ns = Ns Ar %19s No (default: %199[^\n]",
	    word, type, def) != 3)
		fail_msg("no item of the form that all have: %s", line);
	k = conf_key_find(kind, word);
	if (k == NULL)
		fail_msg("the manual has %s in %s, the table has not", word,
		    sections[kind]);
	assert_string_equal(type, types[k->type]);
	same_default(k, def);
	assert_false(*seen >> conf_key_index(k) & 1);
	*seen |= (uint64_t)1 << conf_key_index(k);
}

static void
every_key(void **state)
{
	char *text = manual("doc/everleaf.conf.5"), *line, *save;
	enum conf_kind kind = CONF_KINDS;
	const struct conf_key *k;
	uint64_t seen = 0;

	(void)state;
	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, ".Sh ", 4) == 0)
			for (kind = CONF_TOP; kind < CONF_KINDS &&
			    strcmp(sections[kind], line + 4) != 0; kind++)
				continue;
		if (strncmp(line, ".It Cm ", 7) == 0) {
			assert_true(kind < CONF_KINDS);
			one_item(kind, line, &seen);
		}
	}
	for (k = conf_keys; k->word != NULL; k++) {
		if ((seen >> conf_key_index(k) & 1) == 0)
			fail_msg("the manual lacks %s", k->word);
		assert_true(strlen(k->help) > 5);
	}
	free(text);
}

static void
every_preset(void **state)
{
	char *text = manual("doc/everleaf.conf.5"), want[100];
	const struct conf_known_ca *ca;
	struct dirent *e;
	DIR *d = opendir("presets");
	size_t n;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (n < 6 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		snprintf(want, sizeof(want), "\n.Ql %.*s", (int)n - 5,
		    e->d_name);
		if (strstr(text, want) == NULL)
			fail_msg("the manual lacks preset %s", e->d_name);
	}
	closedir(d);
	for (ca = conf_known_cas; ca->title != NULL; ca++) {
		snprintf(want, sizeof(want), "\n.Ql %s", ca->title);
		assert_true(ca->directory != NULL || ca->note != NULL);
		if (strstr(text, want) == NULL)
			fail_msg("the manual lacks ca %s", ca->title);
	}
	free(text);
}

/* Files that an example names lie in our folder here; the one who reads the
 * secret ones is who made them. */
static char *
with_files(const char *example)
{
	static const struct { const char *there, *here, *text; } files[] = {
		{ "/etc/ssl/house/root.pem", "root.pem",
		    "-----BEGIN CERTIFICATE-----\n" },
		{ "/etc/everleaf/secrets/bind.key", "bind.key",
		    "key \"acme\" { algorithm hmac-sha256; secret \""
		    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"; };\n" }
	};
	char path[4096];
	const char *at;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		at = strstr(example, files[i].there);
		if (at == NULL)
			continue;
		put_file(files[i].here, files[i].text);
		snprintf(path, sizeof(path), "%s/%s", folder(), files[i].here);
		assert_int_equal(chmod(path, 0600), 0);
		buf_add(&b, example, (size_t)(at - example));
		buf_puts(&b, path);
		example = at + strlen(files[i].there);
	}
	buf_puts(&b, example);
	return buf_take(&b);
}

static void
every_example(void **state)
{
	static const char open[] = "\n.Bd -literal\n", close[] = "\n.Ed\n";
	char *text = manual("doc/everleaf.conf.5"), *p = text, *end, *example;
	struct conf *c;
	int n = 0;

	(void)state;
	while ((p = strstr(p, open)) != NULL) {
		p += sizeof(open) - 1;
		end = strstr(p, close);
		assert_non_null(end);
		end[1] = '\0';
		example = with_files(p);
		c = read_texts(example, NULL);
		if (c == NULL || *said != '\0')
			fail_msg("%s\n%s", said, example);
		free(example);
		conf_free(c);
		p = end + 2;
		n++;
	}
	assert_int_equal(n, 7);
	free(text);
}

const struct CMUnitTest manual_tests[] = {
	cmocka_unit_test(every_key), cmocka_unit_test(every_preset),
	cmocka_unit_test(every_example)
};
const size_t manual_tests_n = sizeof(manual_tests) / sizeof(manual_tests[0]);
