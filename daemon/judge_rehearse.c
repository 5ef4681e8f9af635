/* The placeholder is a whole generation that needs no CA: the verifier judges
 * one before and after its confinement, so that a filter that no longer fits
 * the libraries is found at start and not at the first install. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/judge_rehearse.h"
#include "daemon/keeper_key.h"
#include "daemon/keeper_x509.h"
#include "daemon/log.h"

enum { PEM_LINE = 64 };

static const int64_t some_day_ms = INT64_C(1700000000000);
static char *const some_name = (char[]){ "verifier.example" };
static const struct w_verify wanted = {
	.names = { (char **)(uintptr_t)&some_name, 1 },
	.now_ms = some_day_ms, .placeholder = 1
};
static int fds[JUDGE_FILES];

static struct blob
cert_pem(const struct blob *der)
{
	struct buf body, pem;
	struct blob out;
	size_t at;

	buf_init(&body, 2 * der->len + 8);
	buf_init(&pem, 3 * der->len + 128);
	text_b64(&body, der->p, der->len);
	buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (at = 0; at < body.len; at += PEM_LINE)
		buf_printf(&pem, "%.*s\n", PEM_LINE, body.data + at);
	buf_puts(&pem, "-----END CERTIFICATE-----\n");
	assert(!body.full && !pem.full);
	out = blob_copy(pem.data, pem.len);
	buf_free(&body);
	buf_free(&pem);
	return out;
}

static int
put(const struct blob *first, const struct blob *second)
{
	int fd = memfd_create("rehearsal", MFD_CLOEXEC);

	assert(first != NULL && second != NULL);
	if (fd < 0 ||
	    write(fd, first->p, first->len) != (ssize_t)first->len ||
	    write(fd, second->p, second->len) != (ssize_t)second->len) {
		log_error("the rehearsal's files cannot be made");
		exit(1);
	}
	return fd;
}

void
judge_prepare(void)
{
	const struct blob none = { NULL, 0 };
	struct blob der = none, leaf = none, pem = none, key;
	struct err err;
	EVP_PKEY *pair = key_make("ecdsa-p256", &err);

	if (pair == NULL || key_write(&der, pair, &err) != 0 ||
	    x509_placeholder(&leaf, pair, &wanted.names, some_day_ms,
	    &err) != 0) {
		log_err(&err, "rehearsal");
		exit(1);
	}
	key_pem(&key, &der);
	pem = cert_pem(&leaf);
	fds[JUDGE_KEY] = put(&key, &none);
	fds[JUDGE_CERT] = put(&pem, &none);
	fds[JUDGE_CHAIN] = put(&none, &none);
	fds[JUDGE_FULLCHAIN] = put(&pem, &none);
	fds[JUDGE_COMBINED] = put(&key, &pem);
	EVP_PKEY_free(pair);
	blob_wipe(&der);
	blob_wipe(&key);
	blob_free(&leaf);
	blob_free(&pem);
}

int
judge_rehearse(void)
{
	struct judge_files f;
	enum verdict v = VERDICT_UNREADABLE;

	if (judge_read(&f, fds, JUDGE_FILES)) {
		v = judge(&f, &wanted);
		judge_forget(&f);
	}
	return v == VERDICT_FINE ? 0 : -1;
}
