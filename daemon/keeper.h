/* The keeper's operations: a request in, an answer or an error out. They
 * know no socket. `in` and `out` are the structs that daemon/wire.h names for
 * the request and its answer; on success the caller frees out with msg_free(),
 * on -1 it holds nothing. */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H
#include "daemon/seal.h"
#include "daemon/wire.h"

typedef int keeper_op(const struct kek *kek, const void *in, void *out,
    struct err *err);
keeper_op keeper_open;		/* w_open -> w_opened, for master alone */
keeper_op keeper_account_key;	/* w_account_key -> w_key */
keeper_op keeper_csr;		/* w_csr -> w_csr_done */
keeper_op keeper_placeholder;	/* w_placeholder -> w_placed */
keeper_op keeper_jws;		/* w_jws -> w_jws_done */
keeper_op keeper_tsig;		/* w_tsig -> w_mac */
/* for master alone */
keeper_op keeper_import;	/* w_import -> w_key */
keeper_op keeper_export;	/* w_export -> w_exported */
keeper_op keeper_forget;	/* w_empty -> w_empty */
keeper_op keeper_secret;	/* w_secret -> w_empty */
keeper_op keeper_arm;		/* w_arm -> w_empty */

/* Every operation once, with a KEK of its own: warms the library before the
 * confinement and proves afterwards that nothing needed is out of reach. 0, or
 * -1 with what failed in err. */
int keeper_rehearse(struct err *err);
#endif
