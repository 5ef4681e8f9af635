/* What a script asks of the simulated CA, and what that CA has counted. */
#include <config.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/ca_state.h"

struct sim_ca ca;

void
ca_begin(uint32_t seed)
{
	int i;

	memset(&ca, 0, sizeof(ca));
	ca.seed = seed;
	ca.serial = 0x8765432100;
	ca.lifetime = 90LL * 86400000;
	ca.orders = xcalloc(ORDERS_MAX, sizeof(*ca.orders));
	for (i = 0; i < KEYS; i++)
		ca.keys[i] = EVP_EC_gen("P-256");
	for (i = 0; i < CA_KINDS; i++)
		ca.spacing[i] = INT64_MAX;
	ca_for_tests(false);
}

void
ca_end(void)
{
	int i;

	for (i = 0; i < ca.orders_n; i++)
		free(ca.orders[i].chain);
	free(ca.orders);
	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(ca.keys[i]);
	EVP_PKEY_free(ca.key);
	X509_free(ca.issuer);
	memset(&ca, 0, sizeof(ca));
}

void
ca_fault(enum ca_kind kind, const struct ca_fault *f)
{
	ca.faults[kind] = *f;
}

void
ca_lifetime(int64_t ms)
{
	ca.lifetime = ms;
}

void
ca_bad_nonces(int percent)
{
	ca.bad_percent = percent;
}

void
ca_processing(int64_t ms)
{
	ca.processing = ms;
}

void
ca_hesitates(int times)
{
	ca.hesitates = times;
}

/* Such a CA is known by its name. */
void
ca_for_tests(bool yes)
{
	make_issuer(yes ? "Test Intermediate" : "Simulated Intermediate");
}

void
ca_thinks(bool yes)
{
	ca.thinks = yes;
}

void
ca_down_until(int64_t mono_ms)
{
	ca.down_until = mono_ms;
}

void
ca_name_fails(const char *name, const char *type)
{
	int i;

	for (i = 0; i < ca.fails_n; i++)
		if (strcmp(ca.fails[i].name, name) == 0)
			break;
	if (i == FAILS_MAX)
		return;
	snprintf(ca.fails[i].name, sizeof(ca.fails[i].name), "%s", name);
	snprintf(ca.fails[i].type, sizeof(ca.fails[i].type), "%s",
	    type != NULL ? type : "");
	if (i == ca.fails_n)
		ca.fails_n++;
}

void
ca_forget_accounts(void)
{
	ca.account = false;
}

void
ca_window(int64_t start_ms, int64_t end_ms)
{
	ca.ari = true;
	ca.window[0] = start_ms;
	ca.window[1] = end_ms;
	ca.window_moves = false;
}

void
ca_window_moves(int64_t start_ms, int64_t end_ms)
{
	ca_window(start_ms, end_ms);
	ca.window_moves = true;
}

const char *
ca_replaced(void)
{
	return ca.replaced;
}

void
ca_close_account(void)
{
	ca.closed = true;
}

void
ca_want_binding(void)
{
	ca.binding = true;
}

bool
ca_staple(const char *how)
{
	static const char *const words[STAPLES] = {
		[STAPLE_GRANTS] = "grants", [STAPLE_IGNORES] = "ignores",
		[STAPLE_REFUSES] = "refuses", [STAPLE_SPOILS] = "spoils",
		[STAPLE_LATER] = "later"
	};
	int i = 0;

	while (i < STAPLES && strcmp(words[i], how) != 0)
		i++;
	if (i < STAPLES)
		ca.staple = (enum staple)i;
	return i < STAPLES;
}

int64_t
ca_given_up(void)
{
	return ca.given_up;
}

int64_t
ca_accounts_made(void)
{
	return ca.accounts;
}

const char *
ca_contact(void)
{
	return ca.contact;
}

int64_t
ca_count(enum ca_kind kind)
{
	return ca.counts[kind];
}

int64_t
ca_spacing(enum ca_kind kind)
{
	return ca.spacing[kind];
}

static bool
covers(const struct sim_order *o, const char *name)
{
	int i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->names[i], name) == 0)
			return true;
	return false;
}

int64_t
ca_issued(const char *name)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < ca.orders_n; i++)
		n += ca.orders[i].chain != NULL && covers(&ca.orders[i], name);
	return n;
}

int64_t
ca_revoked(const char *name, bool by_key)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < ca.orders_n; i++)
		n += ca.orders[i].revoked && covers(&ca.orders[i], name) &&
		    (!by_key || ca.orders[i].by_key);
	return n;
}

int64_t
ca_most_for_a_time(const char *name, int64_t window_ms)
{
	int64_t most = 0, n;
	int i, k;

	for (i = 0; i < ca.orders_n; i++) {
		const struct sim_order *a = &ca.orders[i];

		for (k = i, n = 0; k < ca.orders_n; k++) {
			const struct sim_order *b = &ca.orders[k];

			if (a->chain != NULL && b->chain != NULL &&
			    covers(a, name) && covers(b, name) &&
			    b->issued_ms - a->issued_ms <= window_ms)
				n++;
		}
		most = n > most ? n : most;
	}
	return most;
}
