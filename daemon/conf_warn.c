/* What is good and will not work all the same: terms that nobody accepted,
 * and what a CA or a service is known not to take. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/name.h"
#include "daemon/conf_check.h"
#include "daemon/conf_whole.h"

/* Nothing is ordered at a CA whose terms nobody accepted. */
static void
warn_terms(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag)
{
	const struct conf_key *k = conf_key_find(CONF_TOP, "agree-tos");
	const struct conf_known_ca *known;
	const struct conf_ca *ca = NULL;
	struct err err;
	size_t i;

	for (i = 0; i < c->certs_n; i++) {
		ca = conf_ca(c, conf_wish_ca(c, &c->certs[i].wish));
		if (ca != NULL && !ca->agree_tos)
			break;
	}
	if (i == c->certs_n)
		return;
	assert(ca != NULL && !ca->agree_tos);
	known = conf_known_ca(ca->title);
	err_set(&err, ERR_TOS_NOT_AGREED, "nothing can be ordered%s%s: "
	    "agree-tos is %s", c->agree_tos ? " from " : "",
	    c->agree_tos ? ca->title : "", c->agree_tos ||
	    (main->top.seen >> conf_key_index(k) & 1) != 0 ?
	    "false" : "not set");
	err_advise(&err, "Read %s and add: agree-tos = true",
	    known != NULL && known->terms != NULL ? known->terms :
	    ca->directory);
	conf_unit_warn(main, 0, &err, diag);
}

/* Certificates for tests that a service would not take. */
static void
warn_test_cas(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag)
{
	const struct conf_service *s;
	const struct conf_ca *ca;
	struct conf_wish w;
	struct err err;
	size_t i, j;

	for (i = 0; i < c->certs_n; i++) {
		ca = conf_ca(c, conf_wish_ca(c, &c->certs[i].wish));
		if (ca == NULL || !ca->test_ca)
			continue;
		w = conf_effective(c, &c->certs[i].wish);
		for (j = 0; j < w.services.n; j++) {
			s = conf_service(c, w.services.v[j]);
			if (s == NULL || s->allow_test_ca)
				continue;
			err_set(&err, ERR_TEST_CA, "certificate \"%s\": ca "
			    "\"%s\" is for tests, and service \"%s\" takes "
			    "none of its certificates", c->certs[i].title,
			    ca->title, s->title);
			err_advise(&err, "Add to service \"%s\": "
			    "allow-test-ca = true", s->title);
			conf_unit_warn(main, 0, &err, diag);
		}
		conf_wish_free(&w);
	}
}

/* Only what a person wrote: a preset has them for a later release. */
static void
warn_endpoints(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag)
{
	const struct conf_endpoint *e;
	struct err err;
	size_t i, k;

	for (i = 0; i < c->services_n; i++)
		for (k = 0; k < c->services[i].endpoints_n; k++) {
			e = &c->services[i].endpoints[k];
			if (e->from_preset || strcmp(e->protocol, "tls") == 0)
				continue;
			err_set(&err, ERR_CONFIG_BAD, "service \"%s\": "
			    "endpoint %s begins without TLS and is not looked "
			    "at in this release: it proves nothing",
			    c->services[i].title, e->text);
			err_advise(&err, "Add a port with TLS from the start, "
			    "such as :465, or leave it out.");
			conf_unit_warn(main, 0, &err, diag);
		}
}

static void
warn_key_type(const struct conf_unit *main, const struct conf_cert *cert,
    const struct conf_wish *w, const struct conf_known_ca *k,
    struct conf_diag *diag)
{
	const char *type = conf_key_type(w->key_type);
	bool rsa = strncmp(type, "rsa-", 4) == 0;
	struct err err;

	if (*w->csr_file != '\0' ||
	    !(rsa ? (k->can & CA_NO_RSA) != 0 :
	    conf_is_experimental(type) && (k->can & CA_IS_PRIVATE) == 0))
		return;
	err_set(&err, ERR_CONFIG_BAD, "certificate \"%s\": %s takes no %s "
	    "keys%s", cert->title, k->title, type, rsa ? " at its directory" :
	    "");
	if (rsa && k->note != NULL)
		err_advise(&err, "%c%s.", toupper((unsigned char)k->note[0]),
		    k->note + 1);
	else
		err_advise(&err, "Use key-type = ecdsa-p256 there.");
	conf_unit_warn(main, 0, &err, diag);
}

/* What the CA of a certificate is known not to do. */
static void
warn_wish(const struct conf_unit *main, const struct conf_cert *cert,
    const struct conf_wish *w, const struct conf_known_ca *k,
    struct conf_diag *diag)
{
	enum name_kind kind;
	char out[256];
	struct err err;
	size_t i;

	assert(k->title != NULL);
	for (i = 0; i < w->names.n; i++) {
		if ((k->can & CA_CAN_IP) != 0 || name_parse(out, &kind,
		    w->names.v[i], &err) != 0 || kind != NAME_IP)
			continue;
		err_set(&err, ERR_CONFIG_BAD, "certificate \"%s\": %s issues "
		    "none for an address such as %s", cert->title, k->title,
		    w->names.v[i]);
		err_advise(&err, "Take the address out, or use a CA that "
		    "issues for it, such as letsencrypt with profile = "
		    "\"shortlived\".");
		conf_unit_warn(main, 0, &err, diag);
		break;
	}
	warn_key_type(main, cert, w, k, diag);
	if (w->must_staple > 0 && (k->can & CA_NO_STAPLE) != 0) {
		err_set(&err, ERR_CONFIG_BAD, "certificate \"%s\": %s has "
		    "given OCSP up, and refuses must-staple; it is ordered "
		    "without", cert->title, k->title);
		err_advise(&err, "Leave out must-staple.");
		conf_unit_warn(main, 0, &err, diag);
	}
	if (w->validity_ms <= 0 || (k->can & CA_CAN_VALIDITY) != 0)
		return;
	err_set(&err, ERR_CONFIG_BAD, "certificate \"%s\": %s does not let "
	    "anybody choose the lifetime", cert->title, k->title);
	err_advise(&err, "Leave out validity.");
	conf_unit_warn(main, 0, &err, diag);
}

static void
warn_eab(const struct conf_unit *main, const struct conf_ca *ca,
    const struct conf_known_ca *k, struct conf_diag *diag)
{
	struct err err;

	assert(ca->eab_kid != NULL);
	if ((k->can & CA_NEEDS_EAB) == 0 || *ca->eab_kid != '\0')
		return;
	err_set(&err, ERR_EAB_NEEDED, "nothing can be ordered from %s: it "
	    "wants to know whose account this is", ca->title);
	err_advise(&err, "Get a key there, and add to ca \"%s\": eab-kid and "
	    "eab-key-file", ca->title);
	conf_unit_warn(main, 0, &err, diag);
}

/* Each CA is told of once, whoever uses it. */
static void
warn_cas(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag)
{
	bool *told = xcalloc(c->cas_n, sizeof(*told));
	const struct conf_known_ca *k;
	const struct conf_ca *ca;
	struct conf_wish w;
	size_t i;

	for (i = 0; i < c->certs_n; i++) {
		ca = conf_ca(c, conf_wish_ca(c, &c->certs[i].wish));
		k = ca != NULL ? conf_known_directory(ca->directory) : NULL;
		if (k == NULL)
			continue;
		w = conf_effective(c, &c->certs[i].wish);
		warn_wish(main, &c->certs[i], &w, k, diag);
		conf_wish_free(&w);
		assert(ca >= c->cas && (size_t)(ca - c->cas) < c->cas_n);
		if (!told[ca - c->cas])
			warn_eab(main, ca, k, diag);
		told[ca - c->cas] = true;
	}
	free(told);
}

void
conf_warn(const struct conf_unit *main, const struct conf *c,
    struct conf_diag *diag)
{
	assert(!main->bad);
	warn_terms(main, c, diag);
	warn_test_cas(main, c, diag);
	warn_endpoints(main, c, diag);
	warn_cas(main, c, diag);
}
