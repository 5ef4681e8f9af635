/* The API on the real loop with a store in memory, acts without an engine and
 * the clock standing at FIXTURE_NOW: for the tests of the API (in a fork) and
 * of the command (as a program). */
#ifndef TESTS_UNIT_STUBS_SERVER_H
#define TESTS_UNIT_STUBS_SERVER_H
#include <stdbool.h>
#include <stdint.h>

struct server_how {
	const char *group;		/* api-group */
	bool empty;			/* no certificate at all */
	bool unseen;			/* see fixture.h */
	bool bad_config, never_answer, refuse;	/* see acts.h */
	const char *busy_file;		/* busy until it is gone; NULL: never */
	int64_t busy_ms;		/* ... and has been for so long */
	int many;			/* so many more certificates */
};

/* A listening socket for everybody; -1 on failure. */
int server_listen(const char *path);
/* Serves until stop_fd reads end of file; frees all; 0 if it went well. */
int server_run(int listen_fd, int stop_fd, const struct server_how *how);
#endif
