/* The CAs that exist without a block: where their directories are and where
 * their terms stand. (Buypass ended its service in 2026 and is not here.) */
#include <config.h>
#include <string.h>
#include "daemon/conf_table.h"

const struct conf_known_ca conf_known_cas[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory",
	    "https://letsencrypt.org/repository/", false },
	{ "letsencrypt-staging",
	    "https://acme-staging-v02.api.letsencrypt.org/directory",
	    "https://letsencrypt.org/repository/", true },
	{ "zerossl", "https://acme.zerossl.com/v2/DV90",
	    "https://zerossl.com/terms/", false },
	{ "google", "https://dv.acme-v02.api.pki.goog/directory",
	    "https://pki.goog/GTS-SA.pdf", false },
	{ "sslcom", "https://acme.ssl.com/sslcom-dv-ecc",
	    "https://www.ssl.com/repository/", false },
	{ "actalis", "https://acme-api.actalis.com/acme/directory",
	    "https://www.actalis.com/", false },
	{ NULL, NULL, NULL, false }
};

const struct conf_known_ca *
conf_known_ca(const char *title)
{
	const struct conf_known_ca *k;

	for (k = conf_known_cas; k->title != NULL; k++)
		if (strcmp(k->title, title) == 0)
			return k;
	return NULL;
}

bool
conf_is_test_ca(const char *directory)
{
	const struct conf_known_ca *k;

	for (k = conf_known_cas; k->title != NULL; k++)
		if (k->test_ca && strcmp(k->directory, directory) == 0)
			return true;
	return false;
}
