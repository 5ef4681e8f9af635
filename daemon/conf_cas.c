/* The CAs that exist without a block: where their directories are and where
 * their terms stand. (Buypass ended its service in 2026 and is not here.) */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf_table.h"

#define WILD CA_CAN_WILDCARD
#define IP CA_CAN_IP
#define LIFE CA_CAN_VALIDITY
#define ARI CA_CAN_ARI
#define PROFILES CA_CAN_PROFILES
#define EAB CA_NEEDS_EAB
#define NO_STAPLE CA_NO_STAPLE

const struct conf_known_ca conf_known_cas[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory",
	    "https://letsencrypt.org/repository/",
	    WILD | IP | ARI | PROFILES | NO_STAPLE,
	    "IP addresses need profile = \"shortlived\"" },
	{ "letsencrypt-staging",
	    "https://acme-staging-v02.api.letsencrypt.org/directory",
	    "https://letsencrypt.org/repository/",
	    WILD | IP | ARI | PROFILES | NO_STAPLE | CA_IS_TEST, NULL },
	{ "zerossl", "https://acme.zerossl.com/v2/DV90",
	    "https://zerossl.com/terms/", WILD | ARI | EAB,
	    "orders may stay in processing for hours" },
	{ "google", "https://dv.acme-v02.api.pki.goog/directory",
	    "https://pki.goog/GTS-SA.pdf",
	    WILD | IP | ARI | LIFE | PROFILES | EAB,
	    "an EAB key is good for one account and 7 days" },
	{ "google-staging",
	    "https://dv.acme-v02.test-api.pki.goog/directory",
	    "https://pki.goog/GTS-SA.pdf",
	    WILD | IP | ARI | LIFE | PROFILES | EAB | CA_IS_TEST, NULL },
	{ "sslcom", "https://acme.ssl.com/sslcom-dv-ecc",
	    "https://www.ssl.com/repository/", WILD | EAB | CA_NO_RSA,
	    "for RSA keys: directory = "
	    "\"https://acme.ssl.com/sslcom-dv-rsa\"" },
	{ "actalis", "https://acme-api.actalis.com/acme/directory",
	    "https://www.actalis.com/", WILD | EAB,
	    "without a contract one name and its www" },
	{ "sectigo", "https://acme.sectigo.com/v2/DV",
	    "https://www.sectigo.com/legal", WILD | ARI | EAB, NULL },
	{ "digicert",
	    "https://one.digicert.com/mpki/api/v1/acme/v2/directory",
	    "https://www.digicert.com/legal-repository",
	    WILD | ARI | LIFE | EAB,
	    "the EAB key decides product and lifetime" },
	{ "step-ca", NULL, NULL, WILD | IP | LIFE | CA_IS_PRIVATE,
	    "directory = \"https://HOST/acme/PROVISIONER/directory\"" },
	{ "caddy", NULL, NULL, WILD | IP | LIFE | CA_IS_PRIVATE,
	    "directory = \"https://HOST/acme/local/directory\"" },
	{ "pebble", "https://localhost:14000/dir", NULL,
	    WILD | IP | ARI | LIFE | PROFILES | CA_IS_TEST | CA_IS_PRIVATE,
	    NULL },
	{ NULL, NULL, NULL, 0, NULL }
};

const struct conf_known_ca *
conf_known_ca(const char *title)
{
	const struct conf_known_ca *k;

	assert(title != NULL);
	for (k = conf_known_cas; k->title != NULL; k++)
		if (strcmp(k->title, title) == 0)
			return k;
	return NULL;
}

const struct conf_known_ca *
conf_known_directory(const char *directory)
{
	const struct conf_known_ca *k;

	assert(directory != NULL);
	for (k = conf_known_cas; k->title != NULL; k++)
		if (k->directory != NULL &&
		    strcmp(k->directory, directory) == 0)
			return k;
	return NULL;
}

bool
conf_is_test_ca(const char *directory)
{
	const struct conf_known_ca *k = conf_known_directory(directory);

	return k != NULL && (k->can & CA_IS_TEST) != 0;
}

static const struct conf_ca *
partner(const struct conf *c, const char *title)
{
	char staging[NAME_TITLE_MAX + sizeof("-staging")];

	snprintf(staging, sizeof(staging), "%s-staging", title);
	return conf_ca(c, staging);
}

const struct conf_ca *
conf_staging(const struct conf *c, const struct conf_ca *ca)
{
	const struct conf_known_ca *k = conf_known_directory(ca->directory);
	const struct conf_ca *own;

	if (ca->test_ca)
		return ca;
	own = partner(c, ca->title);
	if (own != NULL && *own->where != '\0')	/* somebody wrote it */
		return own;
	return k != NULL ? partner(c, k->title) : NULL;
}
