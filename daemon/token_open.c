/* Providers of OpenSSL and the keys behind them. Each kind of URI has a
 * library context of its own, so that what went wrong in one can be thrown
 * away as a whole, and nothing else in this process finds its algorithms
 * there. openssl.cnf is read into it: it may say which module a provider
 * uses. */
#include <config.h>
#include <string.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include "daemon/token.h"

enum { SAID_MAX = 300 };

static struct kind {
	const char *scheme, *provider, *properties;
	const char *missing, *absent;	/* advice */
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *base, *loaded;
} kinds[] = {
	{ .scheme = "pkcs11:", .provider = "pkcs11",
	    .properties = "?provider=pkcs11",
	    .missing = "Install the PKCS#11 provider of OpenSSL 3 (Debian 13: "
	    "pkcs11-provider) and say which module it uses: "
	    "pkcs11-module-path in openssl.cnf, or PKCS11_PROVIDER_MODULE in "
	    "the environment of everleafd.",
	    .absent = "Are token and object so called, and is the PIN right? "
	    "pkcs11-tool -O --login shows them. The user everleaf-token must "
	    "reach them, and a file with the PIN; see ACCOUNT KEYS IN A TOKEN "
	    "in everleaf.conf(5)." },
	{ .scheme = "handle:", .provider = "tpm2",
	    .properties = "?provider=tpm2",
	    .missing = "Install the TPM 2.0 provider of OpenSSL 3 (Debian: "
	    "tpm2-openssl), and let the user everleaf-token use the TPM: "
	    "usermod -a -G tss everleaf-token.",
	    .absent = "tpm2_getcap handles-persistent says which handles the "
	    "TPM has; the user everleaf-token must be able to use it; see "
	    "ACCOUNT KEYS IN A TOKEN in everleaf.conf(5)." }
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* --- what went wrong ----------------------------------------------------- */

/* The first reason that OpenSSL gives; with its details only where no URI can
 * be among them. */
static void
first_reason(char said[SAID_MAX], bool details)
{
	const char *data = "", *reason;
	int flags = 0;
	unsigned long e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
	char number[32];

	if ((flags & ERR_TXT_STRING) == 0 || !details)
		data = "";
	reason = ERR_reason_error_string(e);
	snprintf(number, sizeof(number), "error %lx", e);
	if (reason == NULL)
		reason = *data != '\0' ? "" : e != 0 ? number :
		    "it gives no reason";
	snprintf(said, SAID_MAX, "%s%s%s", reason, *data != '\0' &&
	    *reason != '\0' ? ": " : "", data);
	ERR_clear_error();
}

static int
no_provider(const struct kind *k, struct err *err)
{
	char said[SAID_MAX];

	first_reason(said, true);
	err_set(err, ERR_TOKEN, "the provider %s of OpenSSL does not load "
	    "(%s)", k->provider, said);
	return err_advise(err, "%s", k->missing);
}

/* Without a store there was nobody to look the URI up: the provider loads, but
 * not what is behind it. */
static EVP_PKEY *
no_key(const struct kind *k, bool looked, bool asked, struct err *err)
{
	char said[SAID_MAX];

	first_reason(said, false);
	if (!looked) {
		err_set(err, ERR_TOKEN, "the provider %s of OpenSSL loads, but "
		    "takes no URIs (%s): its module, or what that needs, is "
		    "not to be had", k->provider, said);
		err_advise(err, "%s", k->missing);
		return NULL;
	}
	if (asked) {
		err_set(err, ERR_TOKEN, "the token asks for a PIN, and the URI "
		    "has none");
		err_advise(err, "Add ?pin-source=file:/PATH to it, a file that "
		    "everleaf-token can read and others can't.");
		return NULL;
	}
	err_set(err, ERR_TOKEN, "the provider %s finds no private key there "
	    "(%s)", k->provider, said);
	err_advise(err, "%s", k->absent);
	return NULL;
}

/* --- providers ----------------------------------------------------------- */

static void
unload(struct kind *k)
{
	if (k->loaded != NULL)
		OSSL_PROVIDER_unload(k->loaded);
	if (k->base != NULL)
		OSSL_PROVIDER_unload(k->base);
	OSSL_LIB_CTX_free(k->lib);
	k->loaded = k->base = NULL;
	k->lib = NULL;
}

/* A file that is missing or wrong is no reason to give up here: the provider
 * says what it lacks. */
static void
read_openssl_cnf(OSSL_LIB_CTX *lib)
{
	char *file = CONF_get1_default_config_file();

	if (file != NULL)
		OSSL_LIB_CTX_load_config(lib, file);
	OPENSSL_free(file);
	ERR_clear_error();
}

static int
load(struct kind *k, struct err *err)
{
	if (k->lib != NULL)
		return 0;
	k->lib = OSSL_LIB_CTX_new();
	if (k->lib != NULL)
		read_openssl_cnf(k->lib);
	k->base = OSSL_PROVIDER_load(k->lib, "default");
	if (k->base != NULL)
		k->loaded = OSSL_PROVIDER_load(k->lib, k->provider);
	if (k->loaded != NULL)
		return 0;
	no_provider(k, err);
	unload(k);
	return -1;
}

void
token_close(void)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		unload(&kinds[i]);
}

/* --- keys ---------------------------------------------------------------- */

/* Nobody is there to be asked. */
static int
no_passphrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *
first_key(OSSL_STORE_CTX *store)
{
	EVP_PKEY *key = NULL;
	OSSL_STORE_INFO *info;

	OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
	while (key == NULL && !OSSL_STORE_eof(store) &&
	    !OSSL_STORE_error(store)) {
		info = OSSL_STORE_load(store);
		if (info != NULL)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	OSSL_STORE_close(store);
	return key;
}

static EVP_PKEY *
look_up(const struct kind *k, const char *uri, struct err *err)
{
	UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(no_passphrase, 0);
	EVP_PKEY *key = NULL;
	OSSL_STORE_CTX *store;
	bool asked = false;

	ERR_clear_error();
	store = OSSL_STORE_open_ex(uri, k->lib, k->properties, ui, &asked,
	    NULL, NULL, NULL);
	if (store != NULL)
		key = first_key(store);
	UI_destroy_method(ui);
	return key != NULL ? key : no_key(k, store != NULL, asked, err);
}

EVP_PKEY *
token_open(const char *uri, OSSL_LIB_CTX **lib, const char **properties,
    struct err *err)
{
	struct kind *k = kinds;

	while (k < kinds + KINDS && strncmp(uri, k->scheme,
	    strlen(k->scheme)) != 0)
		k++;
	if (k == kinds + KINDS) {
		err_set(err, ERR_TOKEN, "its URI is of no kind that is known");
		return NULL;
	}
	if (load(k, err) != 0)
		return NULL;
	*lib = k->lib;
	*properties = k->properties;
	return look_up(k, uri, err);
}
