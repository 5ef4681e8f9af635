/* A server's reply to an update: taking its signature off, judging it, and
 * what is left is a message again. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "daemon/update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct update u = { "a.example", "r.a.example", "v", 60,
		false };
	struct update_asked q = { &u, "192.0.2.53:53", "k", "hmac-sha256", 7,
		1800000000 };
	struct blob m, digest, again;
	struct tsig t, back;
	struct err err;
	bool is;

	if (len > DNS_MESSAGE_MAX)
		return 0;
	m = blob_copy(data, len);
	is = tsig_detach(&t, &m);
	if (update_judge(&q, &m, is ? &t : NULL, &err) == 0)
		assert(is && strcmp(t.key, "k") == 0);
	if (is) {
		digest = tsig_digest(&t, &m, &t.mac);
		assert(digest.len > m.len);
		again = tsig_attach(&t, &m);
		assert(tsig_detach(&back, &again));
		assert(back.time_s == t.time_s && back.mac.len == t.mac.len);
		tsig_free(&back);
		blob_free(&digest);
		blob_free(&again);
	}
	tsig_free(&t);
	blob_free(&m);
	return 0;
}
