/* Starting one of the other programs; only master_children.c uses it. */
#ifndef DAEMON_MASTER_SPAWN_H
#define DAEMON_MASTER_SPAWN_H
#include <stdbool.h>
#include <sys/types.h>
#include "base/mem.h"

enum { SPAWN_FDS_MAX = 64, SPAWN_ARGS_MAX = 12 };

struct spawn {
	const char *path;
	char *argv[SPAWN_ARGS_MAX];	/* ends with NULL */
	int fds[SPAWN_FDS_MAX];		/* what becomes fd i; -1: closed */
	int fds_n;			/* from 0; at least 3 */
	bool change_user, may_chroot;	/* CAP_SYS_CHROOT is kept */
	uid_t uid;
	gid_t gid;
	const char *groups_of;		/* user whose further groups it has;
					 * NULL: none */
	struct strv env;		/* NAME=value besides ours; borrowed */
	const char *dir;		/* working directory */
};

/* fork and exec. -1: errno. The child dies with us. */
pid_t spawn(const struct spawn *s);
#endif
