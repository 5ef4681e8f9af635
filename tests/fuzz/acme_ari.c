/* Renewal windows: whatever came, a time that is picked lies within the life
 * of the certificate, and the next question between a minute and a day. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "acme/ari.h"

#define NOW_MS ((int64_t)1795219200000)
#define DAY_MS ((int64_t)24 * 3600 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int days[] = { 1, 6, 90, 398 };
	struct acme_reply reply = { .status = 200 };
	struct acme_life life;
	struct acme_ari got;
	struct err err;
	int64_t at;

	if (len < 1)
		return 0;
	life.from_ms = NOW_MS - DAY_MS / 4;
	life.to_ms = life.from_ms + days[data[0] % 4] * DAY_MS;
	reply.body = (const char *)data + 1;
	reply.body_len = len - 1;
	if (acme_ari_read(&got, &reply, &life, NOW_MS, &err) == 0) {
		assert(got.start_ms < got.end_ms);
		at = acme_ari_pick(&got, &life, data[0] * 0x9e3779b97f4a7c15u);
		assert(at > life.from_ms && at < life.to_ms);
		assert(got.explanation[0] == '\0' ||
		    strncasecmp(got.explanation, "https://", 8) == 0);
	} else
		assert(err.code != ERR_OK && err.retry_at_ms == got.ask_ms);
	assert(got.ask_ms >= NOW_MS + ARI_ASK_MIN_MS &&
	    got.ask_ms <= NOW_MS + ARI_ASK_MAX_MS);
	return 0;
}
