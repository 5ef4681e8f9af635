/* Inside of a session, for the machines that run on it. */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H
#include "acme/codec.h"
#include "acme/pace.h"
#include "acme/post.h"

enum { THUMBPRINT_LEN = 43 };

struct pooled_nonce {
	char *text;
	int64_t at_ms;
};

enum session_stage {
	SESSION_DIRECTORY,	/* GET of the directory */
	SESSION_MOVED,		/* the same at its other address */
	SESSION_ACCOUNT,	/* POST of newAccount */
	SESSION_READY
};

struct acme_session {
	char *directory_url, *moved_url;
	char *origin;			/* of the directory, and so of all */
	char thumbprint[THUMBPRINT_LEN + 1];
	char *kid;			/* NULL: not registered */
	struct strv contacts;
	bool agree_tos;
	char *eab_kid;			/* NULL: none */
	bool existing_only;
	bool keyless;			/* only the directory is wanted */
	bool looking;			/* first see whether it is there */
	bool made;			/* by us, in this session */
	enum session_stage stage;
	struct directory dir;
	bool has_dir;
	int64_t dir_at_ms;
	int account_lost;		/* answers of newAccount */
	bool kid_is_new;		/* not told to the caller yet */
	struct post post;
	struct pace validation, issuance;
	/* the newest last */
	struct pooled_nonce nonces[ACME_NONCES_POOLED_MAX];
	size_t nnonces;
};

/* The newest nonce that is young enough, the caller's; NULL if none. */
char *session_take_nonce(struct acme_session *s, int64_t now_ms);
/* Keeps the reply's nonce; what is none is ignored (RFC 8555 section 6.5.1).
 * False: there was none. */
bool session_keep_nonce(struct acme_session *s,
    const struct acme_reply *reply, int64_t now_ms);
void session_drop_nonces(struct acme_session *s);
#endif
