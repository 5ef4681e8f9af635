/* Speaks to RUN/master.sock as the command will:
 *	operator RUN arm|disarm WHAT OBJECT VERSION SECONDS [CA]
 *	operator RUN import CA|"" OBJECT VERSION FILE
 *	operator RUN export CA ACCOUNT SECONDS: arms it and stays for so long
 *	operator RUN files: lists what is in the directory that comes
 *	operator RUN raw: 64 bytes from stdin; says whether an answer came
 * Prints "ok", the sizes of what was sealed, or the code of the refusal. */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/operator.h"

static int
outcome(int rc, const struct err *err)
{
	if (rc == 0)
		puts("ok");
	else {
		puts(err_code_name(err->code));
		fprintf(stderr, "%s. %s\n", err->text, err->advice);
	}
	return rc == 0 ? 0 : 1;
}

static int
arm(char **v)
{
	struct operator_request r = {
		.kind = strcmp(v[2], "arm") == 0 ? OPERATOR_ARM :
		    OPERATOR_DISARM,
		.what = (enum arm_what)atol(v[3]),
		.object = strtoull(v[4], NULL, 16),
		.version = (uint32_t)strtoul(v[5], NULL, 10),
		.seconds = (uint32_t)strtoul(v[6], NULL, 10)
	};
	struct err err;

	if (v[7] != NULL && !operator_name_ca(&r, v[7]))
		return 2;
	return outcome(operator_ask(v[1], &r, -1, NULL, &err), &err);
}

static int
import(char **v)
{
	struct operator_request r = { .kind = OPERATOR_IMPORT,
		.object = strtoull(v[4], NULL, 16),
		.version = (uint32_t)strtoul(v[5], NULL, 10) };
	int fd = open(v[6], O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	struct w_key k;
	struct err err;

	if (fd < 0 || strlen(v[3]) >= sizeof(r.ca))
		return 2;
	memcpy(r.ca, v[3], strlen(v[3]));
	rc = operator_ask(v[1], &r, fd, &k, &err);
	if (rc != 0)
		return outcome(rc, &err);
	printf("sealed %zu public %zu\n", k.sealed.len, k.spki.len);
	blob_free(&k.sealed);
	blob_free(&k.spki);
	return 0;
}

/* "key" if one came. */
static int
export(char **v)
{
	unsigned int seconds = (unsigned int)strtoul(v[5], NULL, 10);
	struct blob pem;
	struct err err;
	int fd = operator_arm_export(v[1], v[3], strtoull(v[4], NULL, 16),
	    seconds, &err);

	if (fd < 0)
		return outcome(-1, &err);
	puts("armed");
	fflush(stdout);
	sleep(seconds);
	if (recv(fd, &err, 1, MSG_DONTWAIT | MSG_PEEK) > 0 &&
	    operator_take_key(fd, &pem, &err) == 0)
		puts("key");
	return 0;
}

static int
files(const char *run)
{
	struct err err;
	int path = operator_files(run, &err), fd;
	const struct dirent *e;
	DIR *d;

	if (path < 0)
		return outcome(-1, &err);
	fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	while (d != NULL && (e = readdir(d)) != NULL)
		puts(e->d_name);
	if (d != NULL)
		closedir(d);
	close(path);
	return d == NULL;
}

static int
raw(const char *dir)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/master.sock", dir);
	if (n < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    send(fd, bytes, (size_t)n, 0) != n)
		return 2;
	puts(recv(fd, bytes, sizeof(bytes), 0) > 0 ? "answered" : "hung up");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[2], "raw") == 0)
		return raw(argv[1]);
	if (argc == 3 && strcmp(argv[2], "files") == 0)
		return files(argv[1]);
	if (argc == 6 && strcmp(argv[2], "export") == 0)
		return export(argv);
	if (argc != 7 && argc != 8)
		return 2;
	return strcmp(argv[2], "import") == 0 ? import(argv) : arm(argv);
}
