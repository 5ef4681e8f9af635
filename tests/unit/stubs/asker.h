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
/* It ends, and another one goes on with its socket. */
void follow(const struct server_how *how);

struct answer {
	long status;
	json_t *body;
	char head[4096];
	size_t head_n;
	char *text;
	size_t n;
};

/* We are a forked child: a failure is our exit status, not a failed test, and
 * the server's end is not for us to wait for. */
void asker_in_child(void);
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
