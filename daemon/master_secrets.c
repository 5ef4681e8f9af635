/* Secrets in files that the configuration names: read as root, handed to
 * keeper or token, forgotten. A file that is missing or bad takes nothing else along:
 * the log says it, and what needs the secret fails with words. */
#include <config.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "acme/acme.h"
#include "acme/jws.h"
#include "base/text.h"
#include "daemon/conf_read.h"
#include "daemon/log.h"
#include "daemon/master.h"
#include "hooks/run.h"

enum { SECRET_FILE_MAX = 4096 };

/* The bytes of a file that others can't read. The caller wipes *out. */
static int
read_secret(struct blob *out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[SECRET_FILE_MAX + 1];
	struct stat st;
	ssize_t n = -1;
	int rc = 0;

	assert(path[0] != '\0');
	*out = (struct blob){ NULL, 0 };
	if (fd < 0)
		return err_errno(err, ERR_CONFIG_BAD, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, ERR_CONFIG_BAD, "%s: it is no file", path);
	else if ((st.st_mode & 07) != 0) {
		err_set(err, ERR_CONFIG_BAD, "%s: readable by others (mode "
		    "%04o)", path, (unsigned)(st.st_mode & 07777));
		rc = err_advise(err, "chmod 600 %s", path);
	} else if ((n = read(fd, text, sizeof(text))) < 0)
		rc = err_errno(err, ERR_CONFIG_BAD, "%s", path);
	else if (n > SECRET_FILE_MAX)
		rc = err_set(err, ERR_CONFIG_BAD, "%s: it is longer than %d "
		    "bytes", path, SECRET_FILE_MAX);
	if (rc == 0)
		*out = blob_copy(text, (size_t)n);
	mem_wipe(text, sizeof(text));
	close(fd);
	return rc;
}

/* base64url as RFC 8555 has it; or base64 with its padding, as some CAs print
 * it (security.md L6). */
int
secrets_base64(struct blob *out, const struct blob *text, const char *path,
    struct err *err)
{
	char plain[SECRET_FILE_MAX];
	size_t n = text->len, i = 0, k;
	bool good;

	while (n > 0 && strchr(" \t\r\n", text->p[n - 1]) != NULL)
		n--;
	while (i < n && strchr(" \t\r\n", text->p[i]) != NULL)
		i++;
	while (n > i && text->p[n - 1] == '=')
		n--;
	for (k = 0; i + k < n && k < sizeof(plain); k++)
		plain[k] = text->p[i + k] == '+' ? '-' :
		    text->p[i + k] == '/' ? '_' : (char)text->p[i + k];
	assert(k <= sizeof(plain));
	good = k > 0 && text_unb64u(out, plain, k);
	mem_wipe(plain, sizeof(plain));
	if (good && out->len <= WIRE_SECRET_MAX)
		return 0;
	if (good) {
		blob_wipe(out);
		return err_set(err, ERR_CONFIG_BAD, "%s: its key is longer "
		    "than %d bytes", path, WIRE_SECRET_MAX);
	}
	*out = (struct blob){ NULL, 0 };
	err_set(err, ERR_CONFIG_BAD, "%s: it does not hold one word of "
	    "base64url", path);
	return err_advise(err, "Write the HMAC key into it as the CA gave "
	    "it, and nothing else.");
}

/* The keeper would refuse it, too, but knows of no file. */
static int
long_enough(const struct blob *key, const struct conf_ca *ca,
    struct err *err)
{
	size_t min = jws_mac_key_min(jws_mac_find(ca->eab_algorithm));

	if (key->len >= min)
		return 0;
	err_set(err, ERR_CONFIG_BAD, "%s: its key has %zu bytes, and "
	    "eab-algorithm = %s wants %zu at least", ca->eab_key_file,
	    key->len, ca->eab_algorithm, min);
	return err_advise(err, "Copy the key whole, and take the algorithm "
	    "that the CA names: hs256 for nearly all.");
}

static int
give_eab(struct child *keeper, const struct conf_ca *ca, struct err *err)
{
	struct w_secret w = { .kind = SECRET_EAB, .name = ca->title,
		.alg = ca->eab_algorithm };
	struct blob text;
	int rc;

	assert(ca->eab_key_file[0] != '\0');
	if (read_secret(&text, ca->eab_key_file, err) != 0)
		return -1;
	rc = secrets_base64(&w.secret, &text, ca->eab_key_file, err);
	if (rc == 0)
		rc = long_enough(&w.secret, ca, err);
	if (rc == 0)
		child_send(keeper, WIRE_SECRET, 0, &w, NULL, 0);
	blob_wipe(&text);
	blob_wipe(&w.secret);
	return rc;
}

/* The HMAC key of a binding has done its duty once the account exists, and
 * its file may be gone: that is a remark, no error. */
static void
say_missing(const struct conf_ca *ca, const struct err *err)
{
	assert(ca->eab_key_file[0] != '\0');
	if (access(ca->eab_key_file, F_OK) != 0 && errno == ENOENT)
		log_info("%s: ca \"%s\": %s is not there; that is fine once "
		    "the account exists", ca->where, ca->title,
		    ca->eab_key_file);
	else
		log_err(err, "%s: ca \"%s\"", ca->where, ca->title);
}

/* Name and algorithm are in the configuration already: conf_read.c. */
static int
give_tsig(struct child *keeper, const struct conf_dns *d, struct err *err)
{
	struct tsig_key key;
	struct w_secret w = { .kind = SECRET_TSIG, .name = d->title,
		.alg = key.alg };

	assert(keeper->role == ROLE_KEEPER && d->key_file[0] != '\0');
	if (conf_read_tsig(d->key_file, &key, err) != 0)
		return err_context(err, "%s", d->key_file);
	w.secret = key.secret;
	child_send(keeper, WIRE_SECRET, 0, &w, NULL, 0);
	tsig_key_wipe(&key);
	return 0;
}

static int
give_key(struct child *token, const struct conf_ca *ca, struct err *err)
{
	char *shown = conf_uri_shown(ca->account_key);
	struct w_token w = { .ca = ca->title, .shown = shown,
		.uri = { (uint8_t *)ca->account_key,
		strlen(ca->account_key) } };
	struct buf origin;
	int rc;

	buf_init(&origin, ACME_URL_MAX);
	rc = acme_url_origin(&origin, ca->directory, err);
	w.origin = origin.data;
	if (rc == 0)
		child_send(token, WIRE_TOKEN, 0, &w, NULL, 0);
	buf_free(&origin);
	free(shown);
	return rc;
}

void
secrets_give_token(struct master *m)
{
	struct child *token = &m->children[ROLE_TOKEN];
	const struct conf_ca *ca;
	struct err err;

	for (ca = m->conf->cas; ca < m->conf->cas + m->conf->cas_n; ca++) {
		if (ca->account_key[0] == '\0')
			continue;
		if (give_key(token, ca, &err) != 0)
			log_err(&err, "%s: ca \"%s\"", ca->where, ca->title);
		if (ca->eab_key_file[0] != '\0' &&
		    give_eab(token, ca, &err) != 0)
			say_missing(ca, &err);
	}
}

/* Whoever can put another file there gives us a secret of his. */
static void
warn_insecure(const char *path)
{
	struct err err;

	if (*path == '/' && access(path, F_OK) == 0 &&
	    run_check_file(path, geteuid(), &err) != 0)
		log_err(&err, "%s", path);
}

/* All of them anew each time: what is no longer in the configuration is gone
 * from the keeper, too. */
void
secrets_give(struct master *m)
{
	struct child *keeper = &m->children[ROLE_KEEPER];
	struct w_empty none = { 0 };
	struct err err;
	size_t i;

	assert(m->conf != NULL);
	if (!child_send(keeper, WIRE_FORGET, 0, &none, NULL, 0))
		return;
	for (i = 0; i < m->conf->cas_n; i++) {
		warn_insecure(m->conf->cas[i].eab_key_file);
		if (m->conf->cas[i].eab_key_file[0] != '\0' &&
		    give_eab(keeper, &m->conf->cas[i], &err) != 0)
			say_missing(&m->conf->cas[i], &err);
	}
	for (i = 0; i < m->conf->dns_n; i++) {
		warn_insecure(m->conf->dns[i].key_file);
		if (m->conf->dns[i].key_file[0] != '\0' &&
		    give_tsig(keeper, &m->conf->dns[i], &err) != 0)
			log_err(&err, "%s: dns \"%s\"",
			    m->conf->dns[i].where, m->conf->dns[i].title);
	}
}
