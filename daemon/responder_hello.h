/* What of a ClientHello decides about tls-alpn-01: two extensions, as they
 * came from the wire. Pure. */
#ifndef DAEMON_RESPONDER_HELLO_H
#define DAEMON_RESPONDER_HELLO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* server_name (RFC 6066 section 3) with exactly one host name; out gets it as
 * it was sent. */
bool hello_name(char out[256], const uint8_t *ext, size_t n);
/* ALPN (RFC 7301 section 3.1) that offers "acme-tls/1" and nothing else
 * (RFC 8737 section 3). */
bool hello_is_acme(const uint8_t *ext, size_t n);
#endif
