/* A configuration file of any bytes: read or refused with a reason; what was
 * read can be shown, read again and packed, and stays the same. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/conf_whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char *
shown(const struct conf *c)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	conf_show(c, false, &b);
	return buf_take(&b);
}

static void
again(const struct conf *c)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct blob packed = conf_pack(c);
	struct conf *back, *unpacked;
	char *one = shown(c), *two, *three;
	struct err err;

	back = conf_read_bytes("/f", one, strlen(one), NULL, &diag);
	unpacked = conf_unpack(packed.p, packed.len, &err);
	if (back == NULL || unpacked == NULL)
		abort();
	two = shown(back);
	three = shown(unpacked);
	if (strcmp(one, two) != 0 || strcmp(one, three) != 0)
		abort();
	free(one);
	free(two);
	free(three);
	blob_free(&packed);
	conf_free(back);
	conf_free(unpacked);
	strv_free(&diag.lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_diag diag = { { NULL, 0 } };
	struct conf *c;

	c = conf_read_bytes("/f", data, len, NULL, &diag);
	if (c != NULL)
		again(c);
	else if (diag.lines.n == 0)
		abort();
	conf_free(c);
	strv_free(&diag.lines);
	return 0;
}
