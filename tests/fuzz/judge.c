/* Any bytes as a staged generation: up to five files, a NUL between them. A
 * verdict comes out, and nothing else happens. */
#include <config.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include "daemon/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
split(struct judge_files *f, const uint8_t *data, size_t len)
{
	const uint8_t *nul;
	size_t n;
	int i;

	for (i = 0; i < JUDGE_FILES; i++) {
		nul = len > 0 && i < JUDGE_FILES - 1 ?
		    memchr(data, 0, len) : NULL;
		n = nul != NULL ? (size_t)(nul - data) : len;
		f->text[i] = blob_copy(data, n);
		data += nul != NULL ? n + 1 : n;
		len -= nul != NULL ? n + 1 : n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *name = (char[]){ "shop.example" };
	struct w_verify wanted = { .names = { &name, 1 },
		.now_ms = INT64_C(1790000000000) };
	struct judge_files f;
	enum verdict v;

	split(&f, data, len);
	for (wanted.placeholder = 0; wanted.placeholder < 2;
	    wanted.placeholder++) {
		v = judge(&f, &wanted);
		assert(v < VERDICT_BROKEN);
		/* fine is what has a key in front of all the rest */
		assert(v != VERDICT_FINE || (f.text[JUDGE_KEY].len > 0 &&
		    f.text[JUDGE_COMBINED].len == f.text[JUDGE_KEY].len +
		    f.text[JUDGE_CERT].len + f.text[JUDGE_CHAIN].len));
	}
	judge_forget(&f);
	return 0;
}
