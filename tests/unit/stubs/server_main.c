/* api_server SOCKET [empty|unseen|bad-config|refuse|busy FILE|long-busy FILE]:
 * serves until its standard input ends. */
#include <config.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "daemon/log.h"
#include "tests/unit/stubs/server.h"

enum { LONG_MS = 11 * 60 * 1000 };

int
main(int argc, char *argv[])
{
	struct server_how how = { .group = "nogroup" };
	const char *word = argc > 2 ? argv[2] : "";
	int fd;

	if (argc < 2)
		return 2;
	how.empty = strcmp(word, "empty") == 0;
	how.unseen = strcmp(word, "unseen") == 0;
	how.bad_config = strcmp(word, "bad-config") == 0;
	how.refuse = strcmp(word, "refuse") == 0;
	if (argc > 3) {
		how.empty = true;
		how.busy_file = argv[3];
		how.busy_ms = strcmp(word, "long-busy") == 0 ? LONG_MS : 0;
	}
	log_open("api_server", LOG_LEVEL_ERROR);
	fd = server_listen(argv[1]);
	if (fd < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	return server_run(fd, STDIN_FILENO, &how);
}
