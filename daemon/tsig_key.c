/* Reading a TSIG key file. A small lexer: words, texts in quotes, { } and ;.
 * Errors tell line and cure, and never quote what might be the secret. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "daemon/tsig_key.h"

enum { WORD_MAX = 1024, SECRET_MIN = 16 };

struct in {
	const char *p, *end;
	int line;
	char word[WORD_MAX];	/* of the last token */
	bool quoted;
	struct err *err;
};

static int
wrong(struct in *in, const char *what)
{
	assert(in->line > 0);
	err_set(in->err, ERR_CONFIG_BAD, "line %d: %s", in->line, what);
	return err_advise(in->err, "It should look as tsig-keygen writes it: "
	    "key \"NAME\" { algorithm hmac-sha256; secret \"...\"; };");
}

/* --- tokens --------------------------------------------------------- */

static bool
starts(const struct in *in, const char *s)
{
	size_t n = strlen(s);

	assert(in->p <= in->end);
	return (size_t)(in->end - in->p) >= n && memcmp(in->p, s, n) == 0;
}

/* Up to and behind the text; to the end if it is not there. */
static void
skip_to(struct in *in, const char *s)
{
	assert(in->p <= in->end && s[0] != '\0');
	while (in->p < in->end && !starts(in, s))
		in->line += *in->p++ == '\n';
	if (in->p < in->end) {
		in->line += *s == '\n';
		in->p += strlen(s);
	}
}

/* As named.conf has them: both kinds of comments of C, and those of a shell. */
static void
skip_space(struct in *in)
{
	assert(in->p <= in->end);
	while (in->p < in->end)
		if (starts(in, "/*")) {
			in->p += 2;
			skip_to(in, "*/");
		} else if (starts(in, "//") || starts(in, "#"))
			skip_to(in, "\n");
		else if (isspace((unsigned char)*in->p))
			in->line += *in->p++ == '\n';
		else
			break;
}

static bool
is_mark(char c)
{
	return c == '{' || c == '}' || c == ';';
}

static bool
ends_word(const struct in *in)
{
	return in->p >= in->end || isspace((unsigned char)*in->p) ||
	    is_mark(*in->p) || *in->p == '"' || starts(in, "/*") ||
	    *in->p == '#';
}

/* The next token into word; empty at the end of the file. */
static int
next(struct in *in)
{
	size_t n = 0;
	bool open;

	skip_space(in);
	in->quoted = in->p < in->end && *in->p == '"';
	in->p += in->quoted;
	open = in->quoted;
	while (open ? in->p < in->end : n == 0 || !ends_word(in)) {
		if (in->p >= in->end)
			break;
		if (open && *in->p == '"') {
			in->p++;
			open = false;
			break;
		}
		if (n + 1 >= sizeof(in->word) || *in->p == '\0' ||
		    (open && *in->p == '\n'))
			return wrong(in, "a text is too long or not closed");
		in->word[n++] = *in->p++;
		if (!in->quoted && is_mark(in->word[0]))
			break;
	}
	in->word[n] = '\0';
	assert(n < sizeof(in->word) && in->p <= in->end);
	return open ? wrong(in, "a quote is left open") : 0;
}

static int
expect(struct in *in, const char *word)
{
	char words[64];

	assert(word[0] != '\0');
	if (next(in) != 0)
		return -1;
	if (!in->quoted && strcasecmp(in->word, word) == 0)
		return 0;
	snprintf(words, sizeof(words), "\"%s\" is missing", word);
	return wrong(in, words);
}

/* --- values --------------------------------------------------------- */

static int
take_name(struct in *in, struct tsig_key *out)
{
	size_t i, n, label = 0;

	if (next(in) != 0)
		return -1;
	n = strlen(in->word);
	if (n > 0 && in->word[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return wrong(in, "the key has no name, or a very long one");
	for (i = 0; i < n; i++) {
		label = in->word[i] == '.' ? 0 : label + 1;
		if ((label == 0 && (i == 0 || in->word[i - 1] == '.')) ||
		    label > 63 || (!isalnum((unsigned char)in->word[i]) &&
		    strchr("-_.", in->word[i]) == NULL))
			return wrong(in, "the name of the key is no DNS name");
		out->name[i] = (char)tolower((unsigned char)in->word[i]);
	}
	out->name[n] = '\0';
	assert(n > 0 && n < sizeof(out->name));
	return 0;
}

static int
take_alg(struct in *in, struct tsig_key *out)
{
	static const char *const known[] = { "hmac-sha256", "hmac-sha384",
		"hmac-sha512" };
	size_t i, n;

	if (out->alg[0] != '\0')
		return wrong(in, "a second algorithm");
	if (next(in) != 0)
		return -1;
	n = strlen(in->word);
	if (n > 0 && in->word[n - 1] == '.')
		in->word[n - 1] = '\0';
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(in->word, known[i]) == 0) {
			snprintf(out->alg, sizeof(out->alg), "%s", known[i]);
			return 0;
		}
	return wrong(in, "the algorithm is none of hmac-sha256, hmac-sha384, "
	    "hmac-sha512");
}

/* base64 with padding, by the decoder of its sister alphabet. */
static int
take_secret(struct in *in, struct tsig_key *out)
{
	size_t i, n;

	if (out->secret.p != NULL)
		return wrong(in, "a second secret");
	if (next(in) != 0)
		return -1;
	n = strlen(in->word);
	for (i = 0; i < n; i++) {
		if (strchr("-_", in->word[i]) != NULL)
			return wrong(in, "the secret is no base64");
		if (in->word[i] == '+')
			in->word[i] = '-';
		else if (in->word[i] == '/')
			in->word[i] = '_';
	}
	if (n % 4 != 0)
		return wrong(in, "the secret is no base64");
	for (i = 0; i < 2 && n > 0 && in->word[n - 1] == '='; i++)
		n--;
	if (!text_unb64u(&out->secret, in->word, n))
		return wrong(in, "the secret is no base64");
	if (out->secret.len < SECRET_MIN)
		return wrong(in, "the secret has less than 128 bits");
	if (out->secret.len > TSIG_SECRET_MAX)
		return wrong(in, "the secret is too long");
	return 0;
}

/* One key { } block and nothing behind it: which of two were meant nobody
 * could tell. */
static int
parse(struct in *in, struct tsig_key *out)
{
	assert(out->name[0] == '\0' && out->secret.p == NULL);
	if (expect(in, "key") != 0 || take_name(in, out) != 0 ||
	    expect(in, "{") != 0)
		return -1;
	for (;;) {
		if (next(in) != 0)
			return -1;
		if (strcasecmp(in->word, "algorithm") == 0) {
			if (take_alg(in, out) != 0)
				return -1;
		} else if (strcasecmp(in->word, "secret") == 0) {
			if (take_secret(in, out) != 0)
				return -1;
		} else if (strcmp(in->word, "}") == 0)
			break;
		else
			return wrong(in, "neither algorithm nor secret");
		if (expect(in, ";") != 0)
			return -1;
	}
	if (expect(in, ";") != 0)
		return -1;
	if (out->alg[0] == '\0' || out->secret.p == NULL)
		return wrong(in, "the key has no algorithm or no secret");
	if (next(in) != 0)
		return -1;
	return in->word[0] == '\0' && !in->quoted ? 0 :
	    wrong(in, "more follows the key. One file, one key");
}

int
tsig_key_parse(struct tsig_key *out, const char *text, size_t n,
    struct err *err)
{
	struct in in = { text, text + n, 1, "", false, err };
	int rc;

	assert(text != NULL || n == 0);
	memset(out, 0, sizeof(*out));
	rc = n <= TSIG_FILE_MAX ? parse(&in, out) :
	    wrong(&in, "the file is too large for a key");
	mem_wipe(in.word, sizeof(in.word));
	if (rc != 0)
		tsig_key_wipe(out);
	return rc;
}

void
tsig_key_wipe(struct tsig_key *k)
{
	assert(k->secret.p != NULL || k->secret.len == 0);
	blob_wipe(&k->secret);
	memset(k, 0, sizeof(*k));
}
