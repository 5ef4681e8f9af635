/* Accounts are told apart by where their key is: sealed beside them, or in a
 * token at a certain URI. So another account-key is another account, and the
 * one from before is there again when its key is. */
#include <config.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/account_key.h"
#include "daemon/wire.h"

char *
account_key_ref(const struct conf_ca *ca)
{
	return ca->account_key == NULL || ca->account_key[0] == '\0' ? NULL :
	    wire_token_ref(ca->title, ca->account_key);
}

static bool
has_key(const struct row_account *a, const char *ref)
{
	if (ref == NULL || a->kek_id != ACCOUNT_IN_TOKEN)
		return ref == NULL && a->kek_id != ACCOUNT_IN_TOKEN;
	return a->sealed.len == strlen(ref) &&
	    memcmp(a->sealed.p, ref, a->sealed.len) == 0;
}

struct row_account *
account_in_use(const struct rows *rows, const struct conf_ca *ca)
{
	struct row_account *a, *found = NULL;
	char *ref = account_key_ref(ca);
	size_t i;

	for (i = 0; i < rows->n; i++) {
		a = ROWS_AT(rows, row_account, i);
		if (strcmp(a->ca, ca->title) == 0 &&
		    strcmp(a->directory, ca->directory) == 0 &&
		    has_key(a, ref) &&
		    (found == NULL || a->created_ms >= found->created_ms))
			found = a;
	}
	free(ref);
	return found;
}
