/* CSRs that the configuration names (csr-file). Linked where files are read:
 * no libcrypto here, so a looker says what is in them. */
#ifndef DAEMON_CONF_CSR_H
#define DAEMON_CONF_CSR_H
#include "daemon/conf_whole.h"

enum { CONF_CSR_MAX = 32 * 1024 };	/* bytes of DER */

/* The DER of a file with one CSR in PEM (with or without text around it) or
 * DER. ERR_CONFIG_BAD; the caller frees it. */
int conf_csr_der(struct blob *out, const struct blob *file, struct err *err);

/* One that is to be looked into: names, canonical (then the caller's), or
 * err. */
struct conf_csr {
	struct blob der;	/* not owned */
	struct strv names;
	struct err err;
};
typedef void conf_csr_look(void *ctx, struct conf_csr *list, size_t n);
/* Who looks, from now on; NULL: nobody, and each CSR is taken for good. */
void conf_csr_by(conf_csr_look *look, void *ctx);

/* Its names are written, and not those of its CSR. */
bool conf_csr_named(const struct conf_parsed *b);

/* Looks into all that the files name, before they are put together: names
 * that are not written are the CSR's, and those that are must be. Bytes that
 * were looked into before (NULL: there is none) are not again; where nobody
 * can look (ERR_VERIFY_FAILED), written names are taken for good. A
 * certificate whose CSR can't be used has CSR and names from before; if there
 * is none it is left out at a start, else its file is bad. */
void conf_csrs_check(struct conf_files *f, bool start,
    const struct conf *before, struct conf_diag *diag);
/* What becomes of a certificate, put before why. */
void conf_csr_context(struct err *err, const struct conf_parsed *b);
#endif
