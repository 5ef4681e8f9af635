/* What the files of a certificate say of it. The daemon's part that answers
 * the API is the one that talks to the network: what root revokes is not taken
 * from its word alone. */
#ifndef DAEMON_CLI_FILES_H
#define DAEMON_CLI_FILES_H
#include <stdint.h>

enum files_say {
	FILES_SAME,		/* one of its generations is this certificate */
	FILES_OTHER,	/* they are of another certificate, or this version is
			 * another one */
	FILES_NONE	/* nothing: no such version is there any more */
};

/* state: the state directory, as operator_files() gives it. Whether live/TITLE
 * belongs to the certificate of this id, and this version of it has this
 * digest (64 hexadecimal digits, lower case). */
enum files_say files_compare(int state, const char *title, uint64_t id,
    uint32_t version, const char *sha256);
#endif
