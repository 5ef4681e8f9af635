/* For tests that ask the API through its socket: the server of server.h in a
 * fork, and one request at a time. What goes wrong fails the test. */
#ifndef TESTS_UNIT_STUBS_ASKER_H
#define TESTS_UNIT_STUBS_ASKER_H
#include <jansson.h>
#include "tests/unit/stubs/server.h"

/* Of a group of tests: a server with the usual inventory. */
int asker_setup(void **state);
int asker_teardown(void **state);
extern char asker_path[100];		/* of its socket */
void start(const struct server_how *how);
/* It must end by itself, with everything freed. */
void stop(void);

struct answer {
	long status;
	json_t *body;
	char head[4096];
	size_t head_n;
	char *text;
	size_t n;
};

/* In a forked child a failure is its exit status, not a failed test. */
extern bool in_child;
struct answer ask(const char *method, const char *target, const char *body);
struct answer ask_ok(const char *method, const char *target, const char *body,
    long status);
void done(struct answer *a);
/* Status and error code, and if given the text. */
void refused(const char *method, const char *target, const char *body,
    long status, const char *code, const char *text);
size_t count(const struct answer *a, const char *key);
double seconds(void);			/* monotonic */
#endif
