/* Problem documents: the first byte is the tens of the HTTP status. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "acme/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct strv names = { NULL, 0 }, guilty = { NULL, 0 };
	struct acme_reply reply = { 0 };
	struct problem p;
	struct err err;

	if (len < 1)
		return 0;
	reply.status = data[0] * 10;
	reply.body = (const char *)data + 1;
	reply.body_len = len - 1;
	problem_of_reply(&p, &reply, 0);
	problem_request_err(&p, JWS_NEW_ORDER, "it", &err);
	problem_validation_err(&p, "it", &err);
	assert(err.code != ERR_OK && err.text[0] != '\0');
	assert(p.nsubs <= ACME_SUBPROBLEMS_MAX);
	assert(p.detail == NULL || strlen(p.detail) < ACME_DETAIL_MAX + 32);
	problem_idents(&guilty, &p, &names);
	assert(guilty.n == 0);
	problem_free(&p);
	return 0;
}
