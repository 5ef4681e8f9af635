/* Any bytes as any message between our processes: refused, or read into a
 * struct that packs to the very same bytes. */
#include <config.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/wire.h"

enum { HEAD = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_as(const struct msg_spec *spec, const void *raw, size_t n)
{
	void *st = xcalloc(1, spec->size);
	struct blob again;
	struct err err;
	uint32_t id;
	uint16_t kind;

	if (msg_unpack(spec, raw, n, st, &err)) {
		assert(msg_head(raw, n, &kind, &id));
		again = msg_pack(spec, id, st);
		assert(again.len == n && memcmp(again.p, raw, n) == 0);
		blob_free(&again);
		msg_free(spec, st);
	} else
		assert(err.text[0] != '\0');
	free(st);
}

/* The body under a head that passes, as each kind in turn. */
static void
try_all(const uint8_t *body, size_t len)
{
	const struct msg_spec *spec;
	size_t n = len + HEAD;
	uint8_t *raw = xcalloc(n, 1);
	int i;

	raw[0] = 0x31;
	raw[1] = 0x4c;
	for (i = 0; i < 4; i++)
		raw[8 + i] = (uint8_t)(n >> (8 * i));
	if (len > 0)
		memcpy(raw + HEAD, body, len);
	for (spec = wire_specs; spec->name != NULL; spec++) {
		raw[2] = (uint8_t)spec->kind;
		raw[3] = (uint8_t)(spec->kind >> 8);
		try_as(spec, raw, n);
	}
	free(raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct msg_spec *spec;
	uint16_t kind;
	uint32_t id;

	if (len > MSG_MAX - HEAD)
		return 0;
	if (msg_head(data, len, &kind, &id)) {
		spec = msg_find(wire_specs, kind);
		if (spec != NULL)
			try_as(spec, data, len);
		data += HEAD;
		len -= HEAD;
	}
	try_all(data, len);
	return 0;
}
