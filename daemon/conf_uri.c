/* URIs of keys in tokens: RFC 7512's pkcs11:, and handle:, which the TPM 2.0
 * provider of OpenSSL has for a persistent handle. A PIN may stand in the
 * first kind; nothing of ours ever shows it. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/conf_check.h"

#define HIDDEN "***"

static const char pin[] = "pin-value=";

static size_t
pin_length(const char *s)
{
	return strcspn(s, "&;");
}

char *
conf_uri_shown(const char *uri)
{
	const char *at = strstr(uri, pin);
	struct buf b;

	buf_init(&b, 2 * strlen(uri) + sizeof(HIDDEN));
	while (at != NULL) {
		at += strlen(pin);
		buf_add(&b, uri, (size_t)(at - uri));
		buf_puts(&b, HIDDEN);
		uri = at + pin_length(at);
		at = strstr(uri, pin);
	}
	buf_puts(&b, uri);
	return b.data != NULL ? buf_take(&b) : xstrdup("");
}

static int
bad(struct err *err, const char *uri, const char *why)
{
	char *shown = conf_uri_shown(uri);

	err_set(err, ERR_CONFIG_BAD, "\"%.200s\": %s", shown, why);
	free(shown);
	return -1;
}

/* TPM 2.0 part 2, section 7.4: 0x81 begins what is persistent. */
static int
check_handle(const char *uri, const char *handle, struct err *err)
{
	if (strlen(handle) == 10 && strncmp(handle, "0x81", 4) == 0 &&
	    strspn(handle + 4, "0123456789abcdefABCDEF") == 6)
		return 0;
	return bad(err, uri, "say a persistent handle, such as "
	    "handle:0x81000001");
}

int
conf_check_key_uri(const char *s, struct err *err)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"\\<>`{}|^", *p) != NULL)
			return bad(err, s, "in a URI this is written as %, "
			    "and two hexadecimal digits");
	if (strncmp(s, "handle:", 7) == 0)
		return check_handle(s, s + 7, err);
	if (strncmp(s, "pkcs11:", 7) != 0)
		return bad(err, s, "say a pkcs11: or a handle: URI");
	return strchr(s + 7, '=') != NULL ? 0 :
	    bad(err, s, "say which key, as in "
	    "pkcs11:token=NAME;object=NAME");
}

bool
conf_has_token(const struct conf *c)
{
	size_t i;

	for (i = 0; i < c->cas_n; i++)
		if (c->cas[i].account_key[0] != '\0')
			return true;
	return false;
}
