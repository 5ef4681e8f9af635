/* What the responder may answer: key authorizations by host and token
 * (RFC 8555 section 8.3), and by the name that a TLS client asks for (RFC
 * 8737, RFC 8738); which request asks for one. Pure. */
#ifndef DAEMON_RESPONDER_TABLE_H
#define DAEMON_RESPONDER_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { TABLE_MAX = 65536 };
enum table_type { TABLE_HTTP, TABLE_ALPN };

struct table;

struct table *table_new(void);
void table_free(struct table *t);
/* "http-01", "tls-alpn-01"; false for any other word. */
bool table_type(enum table_type *out, const char *word);
/* Replaces what was there for this type, host and token. mark says in whose
 * time it was published. -1: host is no name, keyauth does not belong to
 * token, or the table is full. */
int table_publish(struct table *t, enum table_type type, const char *token,
    const char *host, const char *keyauth, uint32_t mark, struct err *err);
void table_withdraw(struct table *t, enum table_type type, const char *token,
    const char *host);
/* Drops what was published last under another mark; returns how many. */
size_t table_sweep(struct table *t, uint32_t mark);
size_t table_size(const struct table *t);

/* The key authorization for a request with this raw path and Host field, NULL
 * if there is none. Any string may come in. */
const char *table_find(const struct table *t, const char *path,
    const char *host);

/* The key authorization that a TLS client proves which asks for this name, the
 * newest if there are several; NULL if there is none. *host becomes what
 * is proven: an address has a name below arpa here (RFC 8738 section 6). Both
 * live until the table changes. */
const char *table_find_sni(const struct table *t, const char *sni,
    const char **host);

/* The name in a Host field (RFC 9110 section 7.2) as name_parse writes it:
 * "WWW.example.com:80", "[2001:db8::1]", "192.0.2.1:80". */
bool table_host(char out[256], const char *host);
#endif
