/* Random worlds from a seed: a configuration, faults of the CA and of the
 * services, deaths at random commits, clock steps. What must hold (DESIGN
 * section 12) is looked at every simulated day and at the end. A failing seed
 * is its own report:  tests/sim/seeds FIRST [HOW MANY]
 */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "daemon/loop.h"
#include "tests/sim/sim.h"

#define DAY 86400000LL
#define HOUR 3600000LL

enum { DAYS = 120, CALM_DAYS = 12, CERTS_MAX = 12 };

static uint32_t seed;

static uint32_t
dice(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

struct world_plan {
	int certs;
	int64_t lifetime;
	bool two_services;
};

static char *
make_conf(const struct world_plan *p)
{
	struct buf b;
	int i;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "agree-tos = true\nca \"sim\" {\n"
	    " directory = \"https://ca.sim/dir\"\n}\n");
	for (i = 0; i < p->certs; i++)
		buf_printf(&b, "certificate \"c%d.example\" {\n"
		    " names = {\"c%d.example\", \"www.c%d.example\"}\n"
		    " ca = \"sim\"\n services = {\"web\"%s}\n}\n", i, i, i,
		    p->two_services && i % 2 == 0 ? ", \"mail\"" : "");
	buf_puts(&b, "service \"web\" {\n check = {\"/bin/true\"}\n"
	    " reload = {\"/bin/true\"}\n endpoints = \":443\"\n}\n"
	    "service \"mail\" {\n check = {\"/bin/true\"}\n"
	    " reload = {\"/bin/true\"}\n endpoints = \":993\"\n}\n");
	return buf_take(&b);
}

static const char *
name_of(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "c%d.example", i);
	return name;
}

/* Something happens today. */
static void
trouble(const struct world_plan *p)
{
	struct ca_fault f = { .times = 1 + (int)dice(5) };
	const char *victim = name_of((int)dice((uint32_t)p->certs));

	switch (dice(16)) {
	case 0:
		ca_down_until(sim_mono() + (int64_t)dice(40) * HOUR);
		break;
	case 1:
		ca_bad_nonces((int)dice(60));
		break;
	case 2:
		ca_processing((int64_t)dice(20) * HOUR / 4);
		break;
	case 3:
		f.status = dice(2) ? 503 : 429;
		strcpy(f.type, dice(2) ? "rateLimited" : "serverInternal");
		snprintf(f.retry_after, sizeof(f.retry_after), "%u",
		    dice(7200));
		ca_fault((enum ca_kind)(CA_ACCOUNT + dice(6)), &f);
		break;
	case 4:
		f.lose_after = true;
		ca_fault((enum ca_kind)(CA_ORDER + dice(6)), &f);
		break;
	case 5:
		f.lose_before = true;
		ca_fault((enum ca_kind)dice(CA_KINDS), &f);
		break;
	case 6:
		ca_name_fails(victim, "connection");
		break;
	case 7:
		sim_check_fails("web", dice(2) ? victim : NULL, false);
		break;
	case 8:
		sim_reload_fails("web", false);
		break;
	case 9:
		sim_endpoint_shows("web", dice(2) ? "older" : dice(2) ?
		    "refused" : "breaks");
		break;
	case 10:
		sim_step_clock((int64_t)dice(3600) * 1000 - 1800000);
		break;
	case 11:
		sim_crash();
		break;
	case 12:
		sim_disk_refuses(dice(2) ? WIRE_FLIP : WIRE_INSTALL,
		    1 + (int)dice(4));
		break;
	case 13:
		sim_die_in_run("web");
		break;
	default:
		sim_die_at_commit(1 + (int64_t)dice(60), dice(2));
	}
}

static void
peace(const struct world_plan *p)
{
	struct ca_fault none = { 0 };
	int i;

	for (i = 0; i < CA_KINDS; i++)
		ca_fault((enum ca_kind)i, &none);
	for (i = 0; i < p->certs; i++)
		ca_name_fails(name_of(i), NULL);
	ca_down_until(0);
	ca_bad_nonces(0);
	ca_processing(0);
	sim_check_fails("web", NULL, true);
	sim_reload_fails("web", true);
	sim_endpoint_shows("web", "live");
	sim_disk_refuses(WIRE_FLIP, 0);
	sim_disk_refuses(WIRE_INSTALL, 0);
	sim_die_in_run("");
	sim_die_at_commit(0, false);
}

static void
live_through(int64_t ms)
{
	int64_t until = sim_mono() + ms;
	int lives;

	for (lives = 0; sim_mono() < until && lives < 100; lives++) {
		sim_run(until - sim_mono());
		if (sim_is_dead())
			sim_crash();
		if (sim_wrong()[0] != '\0')
			return;
	}
}

static void
look(const struct world_plan *p)
{
	int i;

	for (i = 0; i < p->certs; i++) {
		const char *name = name_of(i);
		struct sim_cert c = sim_cert(name);

		if (!sim_has_work(name))
			sim_set_wrong("%s: its renewal is forgotten", name);
		/* Two certificates for one intended renewal? */
		if (ca_issued(name) > c.newest + 1)
			sim_set_wrong("%s: %lld certificates for version %lld",
			    name, (long long)ca_issued(name),
			    (long long)c.newest);
	}
}

static void
look_at_the_end(const struct world_plan *p)
{
	int i;

	for (i = 0; i < p->certs; i++) {
		struct sim_cert c = sim_cert(name_of(i));

		if (strcmp(c.state, "served") != 0)
			sim_set_wrong("%s: %s after %d quiet days (newest %lld "
			    "installed %lld, %s %s)", name_of(i), c.state,
			    CALM_DAYS, (long long)c.newest,
			    (long long)c.installed, c.iss_state, c.error);
		if (ca_issued(name_of(i)) != c.newest)
			sim_set_wrong("%s: %lld certificates, version %lld",
			    name_of(i), (long long)ca_issued(name_of(i)),
			    (long long)c.newest);
	}
	if (sim_tokens() > 0)
		sim_set_wrong("%zu tokens outlive their orders", sim_tokens());
}

static bool
world(uint32_t n, uint64_t *hash, char wrong[300])
{
	static const int64_t lives[] = { 6 * DAY, 20 * DAY, 47 * DAY,
		90 * DAY };
	struct world_plan p;
	struct sim_setup setup = { .seed = n };
	char *conf;
	int day;

	seed = n * 2654435761u + 99991;
	p.certs = 1 + (int)dice(CERTS_MAX);
	p.lifetime = lives[dice(4)];
	p.two_services = dice(2) == 0;
	setup.config = conf = make_conf(&p);
	sim_begin(&setup);
	ca_lifetime(p.lifetime);
	for (day = 0; day < DAYS && sim_wrong()[0] == '\0'; day++) {
		if (dice(3) == 0)
			trouble(&p);
		if (dice(4) == 0)
			peace(&p);
		live_through(DAY);
		look(&p);
	}
	peace(&p);
	live_through(CALM_DAYS * DAY);
	look_at_the_end(&p);
	*hash = sim_event_hash();
	snprintf(wrong, 300, "%s", sim_wrong());
	sim_end();
	free(conf);
	return wrong[0] == '\0';
}

int
main(int argc, char *argv[])
{
	uint32_t first = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
	uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1, i;
	char wrong[300], again[300];
	uint64_t hash, twice;
	int failed = 0;

	printf("1..%u\n", n);
	for (i = 0; i < n; i++) {
		bool good = world(first + i, &hash, wrong);

		if (good && i % 10 == 0 && (!world(first + i, &twice, again) ||
		    twice != hash)) {
			good = false;
			snprintf(wrong, sizeof(wrong), "the same seed gives "
			    "another history");
		}
		failed += !good;
		printf("%sok %u - seed %u: hash %016llx\n", good ? "" : "not ",
		    i + 1, first + i, (unsigned long long)hash);
		if (!good)
			printf("# %s\n# again: tests/sim/seeds %u\n", wrong,
			    first + i);
		fflush(stdout);
	}
	return failed != 0;
}
