/* Retry-After in both its forms, kept within bounds: what a CA asks for can
 * neither hurry us nor put us to sleep for ever. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include "acme/acme.h"
#include "base/text.h"

enum { VALUE_MAX = 64 };

/* Digits only, else false; more than int64 holds stays at its maximum. */
static bool
seconds_of(const char *s, int64_t *ms)
{
	int64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (!isdigit((unsigned char)*s))
			return false;
		v = v > INT64_MAX / 10000 ? INT64_MAX / 1000 :
		    v * 10 + (*s - '0');
	}
	assert(v >= 0);
	*ms = v > INT64_MAX / 1000 ? INT64_MAX : v * 1000;
	return true;
}

int64_t
acme_retry_after(const char *value, int64_t now_ms, int64_t min_ms,
    int64_t max_ms)
{
	char word[VALUE_MAX];
	int64_t wait, at;
	size_t n;

	assert(min_ms >= 0 && min_ms <= max_ms);
	if (value == NULL)
		return 0;
	value += strspn(value, " \t");
	n = strlen(value);
	while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
	if (n >= sizeof(word))
		return 0;
	memcpy(word, value, n);
	word[n] = '\0';
	if (!seconds_of(word, &wait)) {
		if (!text_http_date(&at, word))
			return 0;
		wait = at > now_ms ? at - now_ms : 0;
	}
	wait = wait < min_ms ? min_ms : wait > max_ms ? max_ms : wait;
	assert(wait >= min_ms && wait <= max_ms);
	return text_add_sat(now_ms, wait);
}
