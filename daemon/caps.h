/* What a CA's directory said when it was last read: row_ca.caps. Pure. */
#ifndef DAEMON_CAPS_H
#define DAEMON_CAPS_H
#include <jansson.h>
#include <stdbool.h>
#include "base/mem.h"

/* The object, or NULL if the directory was never read. Members: "profiles"
 * (words by name), "caa" (names), "website" (may be null), "eab", "ari". */
json_t *caps_read(const char *text);
/* What the CA is called in CAA; added to *out. */
void caps_caa(struct strv *out, const char *text);
/* False: the directory was read, and has no such profile; its names, joined by
 * ", ", are in names. */
bool caps_has_profile(const char *text, const char *profile,
    char names[400]);
#endif
