/* The last good configuration, in a file of ours below the state directory: a
 * drop-in that can't be read at a start has its settings from there, as it has
 * them at a reload from memory. PINs may be in it, so nobody else reads it. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/conf_pack.h"
#include "daemon/conf_read.h"
#include "daemon/log.h"
#include "daemon/master.h"

enum { LAST_MAX = 256 << 20 };

static const char name[] = "conf.last", temp[] = ".conf.last.tmp";

static struct {
	struct conf *conf;	/* as found at the start */
	struct blob sum;	/* the end of what the file holds */
	size_t size;
} last;

/* --- at the start ------------------------------------------------------ */

static void
remember(const struct blob *bytes)
{
	blob_free(&last.sum);
	assert(bytes->len > sizeof(uint64_t));
	last.sum = blob_copy(bytes->p + bytes->len - sizeof(uint64_t),
	    sizeof(uint64_t));
	last.size = bytes->len;
}

static struct conf *
read_last(const char *path, struct err *err)
{
	struct blob bytes = { NULL, 0 };
	struct conf *c = NULL;
	struct stat st;

	if (conf_read_file(path, LAST_MAX, &bytes, &st, err) != 0) {
		blob_free(&bytes);
		return NULL;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		err_set(err, ERR_CONFIG_BAD, "others than its owner may read "
		    "or write it");
	else
		c = conf_unpack_kept(bytes.p, bytes.len, err);
	if (c != NULL)
		remember(&bytes);
	blob_wipe(&bytes);
	return c;
}

/* One that can't be read costs nothing as long as all files are good. */
const struct conf *
last_find(void *master, const char *state_dir)
{
	const struct master *m = master;
	char path[4200];
	struct err err;

	assert(last.conf == NULL && m->conf == NULL);
	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return NULL;
	last.conf = read_last(path, &err);
	if (last.conf == NULL) {
		err_context(&err, "the last good configuration %s", path);
		log_err(&err, "start");
	} else if (strcmp(last.conf->file, m->file) != 0) {
		/* Of another configuration: none of its files is here. */
		conf_free(last.conf);
		last.conf = NULL;
	}
	return last.conf;
}

/* --- keeping ----------------------------------------------------------- */

static bool
write_all(int fd, const struct blob *bytes)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes->len) {
		n = write(fd, bytes->p + done, bytes->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Under another name first: a crash leaves the one before, or this one. */
static int
put_file(int dir, const struct blob *bytes, struct err *err)
{
	bool done;
	int fd;

	unlinkat(dir, temp, 0);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, ERR_DISK, "it can't be made");
	done = write_all(fd, bytes) && fchmod(fd, 0600) == 0 &&
	    fsync(fd) == 0 && renameat(dir, temp, dir, name) == 0 &&
	    (fsync(dir) == 0 || errno == EINVAL);
	if (!done)
		err_errno(err, ERR_DISK, "it can't be written");
	close(fd);
	if (done)
		return 0;
	unlinkat(dir, temp, 0);
	return -1;
}

static bool
is_kept(const struct blob *bytes)
{
	return last.size == bytes->len && memcmp(last.sum.p, bytes->p +
	    bytes->len - last.sum.len, last.sum.len) == 0;
}

void
last_keep(struct master *m)
{
	struct conf said = *m->conf;
	struct blob bytes;
	struct err err;

	assert(m->state >= 0 && m->log_level != NULL);
	conf_free(last.conf);
	last.conf = NULL;
	said.log_level = m->log_level;
	bytes = conf_pack_kept(&said);
	err_clear(&err);
	if (bytes.len > LAST_MAX) {
		err_set(&err, ERR_CONFIG_BAD, "it is larger than %d MiB",
		    LAST_MAX >> 20);
		err_advise(&err, "Until it is smaller, a drop-in that is bad "
		    "at a start has no settings to go on with.");
		unlinkat(m->state, name, 0);
		last.size = 0;
	} else if (!is_kept(&bytes) && put_file(m->state, &bytes, &err) == 0)
		remember(&bytes);
	blob_wipe(&bytes);
	if (err.code != ERR_OK) {
		err_context(&err, "the last good configuration in %s/%s",
		    m->conf->state_dir, name);
		log_err(&err, "keeping it");
	}
}
