/* everleaf-token: signs for accounts whose keys are in a PKCS#11 token or in a
 * TPM. It loads code of others, which opens files, devices and connections and
 * may block: so it is a process of its own, that has no key besides and
 * answers one request after the other. Arguments: directories below which that
 * code may write. */
#include <config.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/confined.h"
#include "daemon/log.h"
#include "daemon/packet.h"
#include "daemon/token.h"

/* Longer than a remote module takes: then the process ends, to be started
 * again. */
enum { PATIENCE_S = 60, SAY_MAX = 900 };

static const struct duty duties[] = {
	{ WIRE_TOKEN, WIRE_OK, FROM_MASTER, token_learn },
	{ WIRE_SECRET, WIRE_OK, FROM_MASTER, keeper_secret },
	{ WIRE_ARM, WIRE_OK, FROM_MASTER, keeper_arm },
	{ WIRE_TOKEN_KEY, WIRE_KEY, FROM_ENGINE, token_public },
	{ WIRE_TOKEN_JWS, WIRE_JWS_DONE, FROM_ENGINE, token_jws }
};

static int channels[SENDERS] = { WIRE_FD_MASTER, -1 };

static void
take_engine(int fd)
{
	if (channels[FROM_ENGINE] >= 0)
		close(channels[FROM_ENGINE]);
	channels[FROM_ENGINE] = fd;
}

static int
obey(enum sender from, struct packet *p, struct err *err)
{
	bool is_peer = from == FROM_MASTER && p->spec->kind == WIRE_PEER;
	const struct duty *d;
	int rc;

	if (p->nfds != (is_peer ? 1 : 0))
		return err_set(err, ERR_INTERNAL, "message %s: it carries %d "
		    "descriptors", p->spec->name, p->nfds);
	if (is_peer) {
		take_engine(p->fds[0]);
		p->nfds = 0;
		return 0;
	}
	d = duty_find(duties, sizeof(duties) / sizeof(duties[0]), from, p,
	    err);
	if (d == NULL)
		return -1;
	alarm(PATIENCE_S);
	rc = duty_do(d, NULL, channels[from], p->id, p->body);
	alarm(0);
	return rc == 0 ? 0 : err_set(err, ERR_INTERNAL, "message %s: its "
	    "answer could not be sent", p->spec->name);
}

/* 0: go on. 1: the other end is gone. -1: it broke the rules. */
static int
hear(enum sender from)
{
	struct packet p;
	struct err err;
	enum heard heard = packet_hear(&p, channels[from], &err);
	int rc = heard == HEARD_END ? 1 : heard == HEARD_BAD ? -1 : 0;

	if (heard == HEARD_ONE) {
		rc = obey(from, &p, &err);
		packet_free(&p);
	}
	if (rc < 0)
		log_err(&err, "the %s broke the rules", sender_names[from]);
	return rc;
}

/* The master first: what an operator allows must be known when the engine asks
 * for it. Ends when the master does: 0, or 1 when it broke the rules. */
static int
serve(void)
{
	struct pollfd p[SENDERS];
	int i, rc = 0;

	while (rc == 0) {
		for (i = 0; i < SENDERS; i++)
			p[i] = (struct pollfd){ channels[i], POLLIN, 0 };
		if (poll(p, SENDERS, -1) < 0)
			continue;
		if (p[FROM_MASTER].revents != 0)
			rc = hear(FROM_MASTER);
		else if (p[FROM_ENGINE].revents != 0 && hear(FROM_ENGINE) != 0)
			take_engine(-1);
	}
	return rc < 0;
}

static void
say_where(char *const *dirs)
{
	struct buf line;

	buf_init(&line, SAY_MAX);
	buf_puts(&line, "files: reads what its user may; writes ");
	buf_puts(&line, *dirs == NULL ? "only to a TPM" : "to a TPM and below");
	for (; *dirs != NULL; dirs++)
		buf_printf(&line, " %s", *dirs);
	sandbox_say_line(line.data);
	buf_free(&line);
}

int
main(int argc, char **argv)
{
	struct sandbox_plan plan = { .role = ROLE_TOKEN,
		.more_dirs = argv + 1 };
	int rc;

	if (argc < 1)
		return 2;
	confined_open(ROLE_TOKEN);
	/* What went wrong is told by our own answers. */
	setenv("TSS2_LOG", "all+none", 0);
	confined_enter(&plan);
	say_where(argv + 1);
	rc = serve();
	token_forget_all();
	msg_forget();
	return rc;
}
