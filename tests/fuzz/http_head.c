/* The head of a reply, cut into lines as the HTTP library does. */
#include <config.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/http_head.h"

enum { MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const struct http_head *h, size_t seen)
{
	int i;

	if (h->bytes > MOST || h->bytes != seen || h->status < 0 ||
	    h->status > 999 || (h->whole && h->status < 200))
		abort();
	for (i = 0; i < HEAD_FIELDS; i++)
		if (h->field[i] != NULL && (strlen(h->field[i]) > seen ||
		    strpbrk(h->field[i], "\r\n") != NULL ||
		    h->field[i][0] == ' '))
			abort();
	(void)http_head_length(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_head h;
	const uint8_t *end;
	size_t n, seen = 0;
	void *line;
	bool fine = true;

	memset(&h, 0, sizeof(h));
	while (len > 0 && fine) {
		end = memchr(data, '\n', len);
		n = end != NULL ? (size_t)(end - data) + 1 : len;
		line = xmemdup(data, n);
		fine = http_head_line(&h, line, n, MOST);
		free(line);
		seen += fine ? n : 0;
		check(&h, seen);
		data += n;
		len -= n;
	}
	http_head_free(&h);
	return 0;
}
