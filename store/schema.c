/* The schema of the inventory's file, migration by migration. The text of a
 * migration is frozen once it is released: it says what the files out there
 * look like, and a new shape is a new migration at the end. A test compares
 * what they add up to with row_defs.
 *
 * Tables are WITHOUT ROWID where rows are small and the key is not one
 * number; with rows of kilobytes a separate index on the key is smaller. */
#include <config.h>
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include "store/schema.h"
#include "store/store.h"

static const char *const schema_1[] = {
	"CREATE TABLE meta (\"key\" TEXT NOT NULL, value TEXT NOT NULL, "
	    "PRIMARY KEY (\"key\")) STRICT, WITHOUT ROWID",
	"CREATE TABLE node (id INTEGER PRIMARY KEY NOT NULL, "
	    "name TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT",
	"CREATE UNIQUE INDEX node_name ON node (name)",
	"CREATE TABLE policy (name TEXT NOT NULL, settings TEXT NOT NULL, "
	    "hash TEXT NOT NULL, PRIMARY KEY (name)) STRICT",
	"CREATE TABLE cert (id INTEGER PRIMARY KEY NOT NULL, "
	    "name TEXT NOT NULL, tenant TEXT NOT NULL, source TEXT NOT NULL, "
	    "\"where\" TEXT NOT NULL, names_where TEXT NOT NULL, "
	    "policy TEXT NOT NULL, wish TEXT NOT NULL, "
	    "settings TEXT NOT NULL, settings_hash TEXT NOT NULL, "
	    "created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, "
	    "retired_ms INTEGER NOT NULL, paused_ms INTEGER NOT NULL, "
	    "state TEXT NOT NULL, summary TEXT NOT NULL, "
	    "attention INTEGER NOT NULL, state_since_ms INTEGER NOT NULL, "
	    "iss_state TEXT NOT NULL, iss_failures INTEGER NOT NULL, "
	    "iss_last_try_ms INTEGER NOT NULL, "
	    "iss_next_try_ms INTEGER NOT NULL, iss_error TEXT NOT NULL, "
	    "renew_at_ms INTEGER NOT NULL, renew_reason TEXT NOT NULL, "
	    "renew_forced INTEGER NOT NULL, newest INTEGER NOT NULL, "
	    "installed INTEGER NOT NULL, installed_gen INTEGER NOT NULL, "
	    "installed_since_ms INTEGER NOT NULL, served INTEGER NOT NULL, "
	    "served_checked_ms INTEGER NOT NULL, next_gen INTEGER NOT NULL, "
	    "next_version INTEGER NOT NULL, not_after_ms INTEGER NOT NULL)"
	    " STRICT",
	"CREATE UNIQUE INDEX cert_name ON cert (name)",
	"CREATE INDEX cert_state_name ON cert (state, name)",
	"CREATE INDEX cert_policy_name ON cert (policy, name)",
	"CREATE INDEX cert_attention_state_since_ms_name ON cert (attention, "
	    "state_since_ms, name)",
	"CREATE INDEX cert_not_after_ms ON cert (not_after_ms)",
	"CREATE INDEX cert_iss_state ON cert (iss_state)",
	"CREATE INDEX cert_iss_failures ON cert (iss_failures)",
	"CREATE TABLE ident (cert_id INTEGER NOT NULL, kind TEXT NOT NULL, "
	    "value TEXT NOT NULL, position INTEGER NOT NULL, "
	    "wanted INTEGER NOT NULL, current INTEGER NOT NULL, "
	    "PRIMARY KEY (cert_id, kind, value)) STRICT, WITHOUT ROWID",
	"CREATE INDEX ident_value ON ident (value)",
	"CREATE TABLE label (cert_id INTEGER NOT NULL, \"key\" TEXT NOT NULL, "
	    "value TEXT NOT NULL, PRIMARY KEY (cert_id, \"key\"))"
	    " STRICT, WITHOUT ROWID",
	"CREATE INDEX label_key_value ON label (\"key\", value)",
	"CREATE TABLE ca (name TEXT NOT NULL, directory TEXT NOT NULL, "
	    "state TEXT NOT NULL, since_ms INTEGER NOT NULL, "
	    "retry_at_ms INTEGER NOT NULL, failures INTEGER NOT NULL, "
	    "error TEXT NOT NULL, terms TEXT NOT NULL, PRIMARY KEY (name))"
	    " STRICT, WITHOUT ROWID",
	"CREATE TABLE account (id INTEGER PRIMARY KEY NOT NULL, "
	    "ca TEXT NOT NULL, directory TEXT NOT NULL, sealed BLOB NOT NULL, "
	    "spki BLOB NOT NULL, kek_id INTEGER NOT NULL, kid TEXT NOT NULL, "
	    "status TEXT NOT NULL, contacts TEXT NOT NULL, "
	    "created_ms INTEGER NOT NULL, intent_ms INTEGER NOT NULL) STRICT",
	"CREATE INDEX account_ca ON account (ca)",
	"CREATE TABLE \"order\" (cert_id INTEGER PRIMARY KEY NOT NULL, "
	    "version INTEGER NOT NULL, account_id INTEGER NOT NULL, "
	    "ca TEXT NOT NULL, names TEXT NOT NULL, cause TEXT NOT NULL, "
	    "state TEXT NOT NULL, stage TEXT NOT NULL, sealed BLOB NOT NULL, "
	    "spki BLOB NOT NULL, kek_id INTEGER NOT NULL, "
	    "created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, "
	    "wait_until_ms INTEGER NOT NULL) STRICT",
	"CREATE INDEX order_account_id ON \"order\" (account_id)",
	"CREATE INDEX order_ca_stage ON \"order\" (ca, stage)",
	"CREATE TABLE challenge (cert_id INTEGER NOT NULL, "
	    "ident TEXT NOT NULL, type TEXT NOT NULL, token TEXT NOT NULL, "
	    "keyauth TEXT NOT NULL, published_ms INTEGER NOT NULL, "
	    "PRIMARY KEY (cert_id, ident, type, token)) STRICT, WITHOUT ROWID",
	"CREATE TABLE chain (sha256 TEXT NOT NULL, pem BLOB NOT NULL, "
	    "PRIMARY KEY (sha256)) STRICT",
	"CREATE TABLE version (cert_id INTEGER NOT NULL, "
	    "version INTEGER NOT NULL, sealed BLOB NOT NULL, "
	    "kek_id INTEGER NOT NULL, seal_format INTEGER NOT NULL, "
	    "key_type TEXT NOT NULL, leaf BLOB NOT NULL, chain TEXT NOT NULL, "
	    "names TEXT NOT NULL, serial TEXT NOT NULL, sha256 TEXT NOT NULL, "
	    "spki_sha256 TEXT NOT NULL, issuer TEXT NOT NULL, "
	    "ari_id TEXT NOT NULL, not_before_ms INTEGER NOT NULL, "
	    "not_after_ms INTEGER NOT NULL, issued_ms INTEGER NOT NULL, "
	    "ca TEXT NOT NULL, profile TEXT NOT NULL, "
	    "test_ca INTEGER NOT NULL, placeholder INTEGER NOT NULL, "
	    "revoked_ms INTEGER NOT NULL, PRIMARY KEY (cert_id, version))"
	    " STRICT",
	"CREATE INDEX version_sha256 ON version (sha256)",
	"CREATE INDEX version_chain ON version (chain)",
	"CREATE TABLE generation (cert_id INTEGER NOT NULL, "
	    "gen INTEGER NOT NULL, version INTEGER NOT NULL, "
	    "state TEXT NOT NULL, created_ms INTEGER NOT NULL, "
	    "PRIMARY KEY (cert_id, gen)) STRICT, WITHOUT ROWID",
	"CREATE INDEX generation_state ON generation (state)",
	"CREATE TABLE service (name TEXT NOT NULL, node_id INTEGER NOT NULL, "
	    "last_reload_ms INTEGER NOT NULL, failures INTEGER NOT NULL, "
	    "next_try_ms INTEGER NOT NULL, error TEXT NOT NULL, "
	    "PRIMARY KEY (name)) STRICT, WITHOUT ROWID",
	"CREATE TABLE deployment (cert_id INTEGER NOT NULL, "
	    "service TEXT NOT NULL, node_id INTEGER NOT NULL, "
	    "state TEXT NOT NULL, version INTEGER NOT NULL, "
	    "wanted INTEGER NOT NULL, owed INTEGER NOT NULL, "
	    "since_ms INTEGER NOT NULL, failures INTEGER NOT NULL, "
	    "last_try_ms INTEGER NOT NULL, next_try_ms INTEGER NOT NULL, "
	    "error TEXT NOT NULL, PRIMARY KEY (cert_id, service))"
	    " STRICT, WITHOUT ROWID",
	"CREATE INDEX deployment_service_state ON deployment (service, state)",
	"CREATE INDEX deployment_state ON deployment (state)",
	"CREATE INDEX deployment_owed_since_ms ON deployment (owed, since_ms)",
	"CREATE INDEX deployment_failures ON deployment (failures)",
	"CREATE TABLE endpoint (cert_id INTEGER NOT NULL, "
	    "service TEXT NOT NULL, endpoint TEXT NOT NULL, "
	    "name TEXT NOT NULL, address TEXT NOT NULL, "
	    "port INTEGER NOT NULL, protocol TEXT NOT NULL, "
	    "key_type TEXT NOT NULL, node_id INTEGER NOT NULL, "
	    "result TEXT NOT NULL, version INTEGER NOT NULL, "
	    "sha256 TEXT NOT NULL, at_ms INTEGER NOT NULL, "
	    "good_ms INTEGER NOT NULL, error TEXT NOT NULL, "
	    "PRIMARY KEY (cert_id, service, endpoint, name, address))"
	    " STRICT, WITHOUT ROWID",
	"CREATE INDEX endpoint_result ON endpoint (result)",
	"CREATE INDEX endpoint_service ON endpoint (service)",
	"CREATE TABLE budget (id INTEGER PRIMARY KEY NOT NULL, "
	    "ca TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, "
	    "\"key\" TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT",
	"CREATE INDEX budget_kind_key_at_ms ON budget (kind, \"key\", at_ms)",
	"CREATE INDEX budget_ca_account_kind_at_ms ON budget (ca, account, "
	    "kind, at_ms)",
	"CREATE INDEX budget_at_ms ON budget (at_ms)",
	"CREATE TABLE run (id INTEGER PRIMARY KEY NOT NULL, "
	    "service TEXT NOT NULL, what TEXT NOT NULL, "
	    "started_ms INTEGER NOT NULL) STRICT",
	"CREATE TABLE job (kind INTEGER NOT NULL, object INTEGER NOT NULL, "
	    "due_ms INTEGER NOT NULL, priority INTEGER NOT NULL, "
	    "lease_owner TEXT NOT NULL, lease_until_ms INTEGER NOT NULL, "
	    "fence INTEGER NOT NULL, PRIMARY KEY (kind, object))"
	    " STRICT, WITHOUT ROWID",
	"CREATE INDEX job_kind_due_ms ON job (kind, due_ms)",
	"CREATE INDEX job_due_ms ON job (due_ms)",
	"CREATE INDEX job_object ON job (object)",
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
	    "at_ms INTEGER NOT NULL, event TEXT NOT NULL, "
	    "cert_id INTEGER NOT NULL, name TEXT NOT NULL, "
	    "version INTEGER NOT NULL, service TEXT NOT NULL, "
	    "actor TEXT NOT NULL, cause TEXT NOT NULL, text TEXT NOT NULL, "
	    "error TEXT NOT NULL) STRICT",
	"CREATE INDEX event_cert_id_id ON event (cert_id, id)",
	"CREATE INDEX event_name_id ON event (name, id)",
	"CREATE INDEX event_at_ms ON event (at_ms)",
	/* Frozen figures for the planner: few kinds, many due times. With them
	 * the next due jobs are found by one short look per kind. */
	"ANALYZE",
	"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES "
	    "('job', 'job_kind_due_ms', '1000000 150000 2'), "
	    "('job', 'job_due_ms', '1000000 2'), "
	    "('job', 'job_object', '1000000 4'), "
	    "('job', 'job', '1000000 150000 1')",
	NULL
};

/* All of ACME: renewal windows, more ways to prove, accounts, revocation. */
static const char *const schema_2[] = {
	"ALTER TABLE cert ADD COLUMN ari_version INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE cert ADD COLUMN ari_start_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE cert ADD COLUMN ari_end_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE cert ADD COLUMN ari_next_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE cert ADD COLUMN ari_url TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE cert ADD COLUMN degraded TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE cert ADD COLUMN next_key_type TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE cert ADD COLUMN next_sealed BLOB NOT NULL DEFAULT x''",
	"ALTER TABLE cert ADD COLUMN next_spki BLOB NOT NULL DEFAULT x''",
	"ALTER TABLE cert ADD COLUMN next_kek_id INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE ca ADD COLUMN caps TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE account ADD COLUMN alg TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE account ADD COLUMN eab_kid TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE account ADD COLUMN next_alg TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE account ADD COLUMN next_sealed BLOB NOT NULL DEFAULT x''",
	"ALTER TABLE account ADD COLUMN next_spki BLOB NOT NULL DEFAULT x''",
	"ALTER TABLE account ADD COLUMN error TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN method TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN dns TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN record TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN value TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN zone TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN server TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE challenge ADD COLUMN path TEXT NOT NULL DEFAULT ''",
	"CREATE TABLE finding (cert_id INTEGER NOT NULL, "
	    "ident TEXT NOT NULL, kind TEXT NOT NULL, "
	    "subject TEXT NOT NULL, result TEXT NOT NULL, "
	    "text TEXT NOT NULL, at_ms INTEGER NOT NULL, "
	    "PRIMARY KEY (cert_id, ident, kind, subject))"
	    " STRICT, WITHOUT ROWID",
	"CREATE INDEX finding_at_ms ON finding (at_ms)",
	"CREATE TABLE revocation (cert_id INTEGER NOT NULL, "
	    "version INTEGER NOT NULL, reason INTEGER NOT NULL, "
	    "at_once INTEGER NOT NULL, state TEXT NOT NULL, "
	    "actor TEXT NOT NULL, asked_ms INTEGER NOT NULL, "
	    "done_ms INTEGER NOT NULL, failures INTEGER NOT NULL, "
	    "next_try_ms INTEGER NOT NULL, error TEXT NOT NULL, "
	    "PRIMARY KEY (cert_id, version)) STRICT, WITHOUT ROWID",
	"CREATE INDEX revocation_state_next_try_ms ON revocation (state, "
	    "next_try_ms)",
	NULL
};

/* Keys of one's own. */
static const char *const schema_3[] = {
	"ALTER TABLE cert ADD COLUMN csr BLOB NOT NULL DEFAULT x''",
	NULL
};

const struct migration schema_migrations[] = {
	{ schema_1 }, { schema_2 }, { schema_3 }
};
_Static_assert(sizeof(schema_migrations) / sizeof(schema_migrations[0]) ==
    STORE_SCHEMA, "one migration for each schema");

int
schema_pragma(sqlite3 *db, const char *sql, int *value)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	assert(value != NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*value = sqlite3_column_int(stmt, 0);
	rc = sqlite3_finalize(stmt);
	return rc;
}

/* The statements of one migration and the number it leads to. */
static int
run_statements(sqlite3 *db, const struct migration *m, int number)
{
	const char *const *sql;
	char set[64];
	int rc = SQLITE_OK;

	assert(number >= 1 && m->statements[0] != NULL);
	for (sql = m->statements; rc == SQLITE_OK && *sql != NULL; sql++)
		rc = sqlite3_exec(db, *sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	snprintf(set, sizeof(set), "PRAGMA user_version = %d", number);
	return sqlite3_exec(db, set, NULL, NULL, NULL);
}

/* IMMEDIATE: the right to write is had before anything is looked at. */
static int
migrate_once(sqlite3 *db, const struct migration *m, int number)
{
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	assert(rc != SQLITE_OK || !sqlite3_get_autocommit(db));
	if (rc != SQLITE_OK)
		return rc;
	rc = run_statements(db, m, number);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int
schema_migrate(sqlite3 *db, const struct migration *list, int n)
{
	int version = 0, rc;

	rc = schema_pragma(db, "PRAGMA user_version", &version);
	for (; rc == SQLITE_OK && version < n; version++)
		rc = migrate_once(db, &list[version], version + 1);
	assert(rc != SQLITE_OK || version >= n);
	return rc;
}
