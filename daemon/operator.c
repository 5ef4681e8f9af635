/* Requests of an operator and their answers, as bytes. A request has one form
 * only: what is not used in it is zero, so that it means nothing some day. */
#include <config.h>
#include <assert.h>
#include <string.h>
#include "base/name.h"
#include "daemon/operator.h"

enum { AT_VERSION = 4, AT_KIND, AT_WHAT, AT_ZERO, AT_OBJECT, AT_EDITION = 16,
	AT_SECONDS = 20, AT_ZEROS = 24, ZEROS = 8, AT_MORE = 32,
	ANSWER_CODE = 8, ANSWER_TEXT = 48, ANSWER_ADVICE = 304 };

static const char magic[4] = { 'E', 'V', 'O', 'P' };
static const uint8_t nothing[OPERATOR_MORE];

static void
put(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	assert(n <= 8);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	assert(n <= 8);
	while (n > 0)
		v = v << 8 | p[--n];
	return v;
}

/* A title, and zeros up to the end. */
static bool
read_title(char out[OPERATOR_MORE + 1], const uint8_t *p)
{
	size_t n;

	memcpy(out, p, OPERATOR_MORE);
	out[OPERATOR_MORE] = '\0';
	n = strlen(out);
	return name_is_word(out) &&
	    memcmp(p + n, nothing, OPERATOR_MORE - n) == 0;
}

/* What the last bytes of it are. */
static bool
has_title(const struct operator_request *r)
{
	return r->kind == OPERATOR_IMPORT || r->what != ARM_REVOKE;
}

static bool
fits(const struct operator_request *r)
{
	bool revoke = r->what == ARM_REVOKE;
	bool more = memcmp(r->digest, nothing, OPERATOR_MORE) != 0;

	if (r->kind == OPERATOR_FILES)
		return r->what == 0 && r->object == 0 && r->version == 0 &&
		    r->seconds == 0 && !more && r->ca[0] == '\0';
	if (r->kind == OPERATOR_IMPORT)
		return r->what == 0 && r->seconds == 0 && !more &&
		    (r->ca[0] != '\0') == (r->version == 0);
	if (r->what < ARM_REVOKE || r->what >= ARM_WHAT_COUNT ||
	    revoke != (r->version != 0))
		return false;
	if (r->kind == OPERATOR_DISARM)
		return r->seconds == 0 && !more && r->ca[0] == '\0';
	return r->kind == OPERATOR_ARM && r->seconds >= 1 &&
	    r->seconds <= OPERATOR_SECONDS_MAX && (revoke || !more) &&
	    revoke == (r->ca[0] == '\0');
}

bool
operator_name_ca(struct operator_request *r, const char *title)
{
	size_t n = strlen(title);

	assert(title != NULL && r->ca[0] == '\0');
	if (n > OPERATOR_MORE || !name_is_word(title))
		return false;
	memcpy(r->ca, title, n + 1);
	return true;
}

bool
operator_read(struct operator_request *r, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	memset(r, 0, sizeof(*r));
	if (n != OPERATOR_REQUEST || memcmp(p, magic, sizeof(magic)) != 0 ||
	    p[AT_VERSION] != 1 || p[AT_ZERO] != 0 ||
	    memcmp(p + AT_ZEROS, nothing, ZEROS) != 0)
		return false;
	r->kind = (enum operator_kind)p[AT_KIND];
	r->what = (enum arm_what)p[AT_WHAT];
	r->object = get(p + AT_OBJECT, 8);
	r->version = (uint32_t)get(p + AT_EDITION, 4);
	r->seconds = (uint32_t)get(p + AT_SECONDS, 4);
	if (!has_title(r))
		memcpy(r->digest, p + AT_MORE, OPERATOR_MORE);
	else if (memcmp(p + AT_MORE, nothing, OPERATOR_MORE) != 0 &&
	    !read_title(r->ca, p + AT_MORE))
		return false;
	return fits(r);
}

void
operator_write(uint8_t p[OPERATOR_REQUEST], const struct operator_request *r)
{
	assert(fits(r) && strlen(r->ca) <= OPERATOR_MORE);
	memset(p, 0, OPERATOR_REQUEST);
	memcpy(p, magic, sizeof(magic));
	p[AT_VERSION] = 1;
	p[AT_KIND] = (uint8_t)r->kind;
	p[AT_WHAT] = (uint8_t)r->what;
	put(p + AT_OBJECT, r->object, 8);
	put(p + AT_EDITION, r->version, 4);
	put(p + AT_SECONDS, r->seconds, 4);
	memcpy(p + AT_MORE, r->digest, OPERATOR_MORE);
	if (has_title(r))
		memcpy(p + AT_MORE, r->ca, strlen(r->ca));
}

/* As much of it as fits, and zeros. */
static void
put_text(uint8_t *p, const char *s, size_t room)
{
	size_t n = strlen(s);

	assert(room > 1);
	memcpy(p, s, n < room ? n : room - 1);
}

/* No text where all is well: an answer has one form, too. */
void
operator_answer_write(uint8_t p[OPERATOR_ANSWER], const struct err *err)
{
	assert(err->code == ERR_OK || err->text[0] != '\0');
	memset(p, 0, OPERATOR_ANSWER);
	memcpy(p, magic, sizeof(magic));
	p[AT_VERSION] = 1;
	if (err->code == ERR_OK)
		return;
	put_text(p + ANSWER_CODE, err_code_name(err->code),
	    ANSWER_TEXT - ANSWER_CODE);
	put_text(p + ANSWER_TEXT, err->text, ANSWER_ADVICE - ANSWER_TEXT);
	put_text(p + ANSWER_ADVICE, err->advice,
	    OPERATOR_ANSWER - ANSWER_ADVICE);
}

bool
operator_answer_read(struct err *err, const void *bytes, size_t n)
{
	char p[OPERATOR_ANSWER];

	err_clear(err);
	if (n != OPERATOR_ANSWER)
		return false;
	memcpy(p, bytes, sizeof(p));
	if (memcmp(p, magic, sizeof(magic)) != 0 || p[AT_VERSION] != 1 ||
	    p[ANSWER_TEXT - 1] != '\0' || p[ANSWER_ADVICE - 1] != '\0' ||
	    p[OPERATOR_ANSWER - 1] != '\0')
		return false;
	if (p[ANSWER_CODE] == '\0')
		return true;
	if (err_code_find(p + ANSWER_CODE) == ERR_OK)
		return false;
	err_set(err, err_code_find(p + ANSWER_CODE), "%s", p + ANSWER_TEXT);
	err_advise(err, "%s", p + ANSWER_ADVICE);
	return true;
}
