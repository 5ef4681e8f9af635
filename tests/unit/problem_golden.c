/* What CAs say when they say no, as they say it, and what we make of it: what
 * is done next, the code that programs see, the time of the next try, and the
 * words for people. The documents are of the kind that each software sends;
 * names and numbers are made up. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "acme/json.h"
#include "acme/problem.h"

#define NOW_MS INT64_C(1795219200000)	/* 2026-11-21T00:00:00Z */
#define SECONDS(n) (NOW_MS + INT64_C(1000) * (n))
#define U "urn:ietf:params:acme:error:"
#define HTML "<!DOCTYPE html>\n<html>\n<head><title>403 Forbidden</title>" \
	"</head>\n<body>\n<center><h1>403 Forbidden</h1></center>\n" \
	"<hr><center>nginx</center>\n</body>\n</html>\n"

/* As the answer to a request. */
static const struct golden {
	const char *who;	/* sends it, and when */
	enum jws_what what;
	int status;
	const char *retry_after;
	const char *body;
	/* what we make of it */
	enum problem_next next;
	enum err_code code;
	enum err_class class;
	int64_t retry_at_ms;
	const char *text;	/* after "it: " */
	const char *advice;	/* begins so; "": none */
} requests[] = {
	/* --- RFC 8555 section 6.7 */
	{ "Pebble: its database is empty", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "accountDoesNotExist\",\"detail\":\"unable to "
	    "find existing account for only-return-existing request\","
	    "\"status\":400}",
	    NEXT_FAIL, ERR_ACCOUNT_UNKNOWN, ERR_LATER, 0,
	    "the CA says: unable to find existing account for "
	    "only-return-existing request",
	    "The same key is registered again by itself." },
	{ "Boulder: a certificate is revoked twice", JWS_READ, 400, NULL,
	    "{\"type\":\"" U "alreadyRevoked\",\"detail\":\"Certificate "
	    "already revoked\",\"status\":400}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Certificate already revoked", "" },
	{ "Boulder: finalize", JWS_FINALIZE, 400, NULL,
	    "{\"type\":\"" U "badCSR\",\"detail\":\"Error finalizing order :: "
	    "CSR contains IP address names\",\"status\":400}",
	    NEXT_FAIL, ERR_CSR_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Error finalizing order :: CSR contains IP address "
	    "names", "" },
	{ "Boulder: a nonce of another data centre", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "badNonce\",\"detail\":\"Unable to validate JWS "
	    ":: JWS has an invalid anti-replay nonce: \\\"x7Pu\\\"\","
	    "\"status\":400}",
	    NEXT_NONCE, ERR_CA_NONCE, ERR_LATER, 0,
	    "the CA says: Unable to validate JWS :: JWS has an invalid "
	    "anti-replay nonce: \"x7Pu\"", "" },
	{ "Boulder: a weak account key", JWS_NEW_ACCOUNT, 400, NULL,
	    "{\"type\":\"" U "badPublicKey\",\"detail\":\"Unable to validate "
	    "JWS :: key size not supported: 1024\",\"status\":400}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Unable to validate JWS :: key size not supported: "
	    "1024", "" },
	{ "any: the key of a CSR", JWS_FINALIZE, 400, NULL,
	    "{\"type\":\"" U "badPublicKey\",\"detail\":\"unknown key type "
	    "ed25519.PublicKey\"}",
	    NEXT_FAIL, ERR_CSR_REFUSED, ERR_REFUSED, 0,
	    "the CA says: unknown key type ed25519.PublicKey", "" },
	{ "any: revocation", JWS_READ, 400, NULL,
	    "{\"type\":\"" U "badRevocationReason\",\"detail\":\"unsupported "
	    "revocation reason code provided: superfluous (99)\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: unsupported revocation reason code provided: "
	    "superfluous (99)", "" },
	{ "any: signature", JWS_NEW_ACCOUNT, 400, NULL,
	    "{\"type\":\"" U "badSignatureAlgorithm\",\"detail\":\"JWS "
	    "signature header contains unsupported algorithm \\\"HS256\\\", "
	    "expected one of [RS256 ES256]\",\"algorithms\":[\"RS256\"]}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: JWS signature header contains unsupported algorithm "
	    "\"HS256\", expected one of [RS256 ES256]", "" },
	{ "Boulder: CAA is looked at again at finalize", JWS_FINALIZE, 403,
	    NULL, "{\"type\":\"" U "caa\",\"detail\":\"Error finalizing order "
	    ":: rechecking caa: CAA record for shop.example prevents issuance"
	    "\",\"status\":403}",
	    NEXT_FAIL, ERR_CAA, ERR_PERSON, 0,
	    "the CA says: Error finalizing order :: rechecking caa: CAA "
	    "record for shop.example prevents issuance",
	    "Allow this CA in the CAA record" },
	{ "RFC 8555 6.7.1: several names", JWS_NEW_ORDER, 403, NULL,
	    "{\"type\":\"" U "compound\",\"detail\":\"Some of the identifiers "
	    "requested were rejected\",\"subproblems\":[{\"type\":\"" U
	    "rejectedIdentifier\",\"detail\":\"This CA will not issue for "
	    "\\\"local\\\"\",\"identifier\":{\"type\":\"dns\",\"value\":"
	    "\"printer.local\"}}]}",
	    NEXT_FAIL, ERR_NAME_REFUSED, ERR_REFUSED, 0,
	    "the CA says: This CA will not issue for \"local\"",
	    "Remove the name" },
	{ "ZeroSSL: no external account", JWS_NEW_ACCOUNT, 400, NULL,
	    "{\"type\":\"" U "externalAccountRequired\",\"status\":400,"
	    "\"detail\":\"The request must include a value for the "
	    "\\\"externalAccountBinding\\\" field\"}",
	    NEXT_FAIL, ERR_EAB_NEEDED, ERR_PERSON, 0,
	    "the CA says: The request must include a value for the "
	    "\"externalAccountBinding\" field",
	    "Get a key id and an HMAC key from the CA, set eab-kid and" },
	{ "Boulder: contact", JWS_NEW_ACCOUNT, 400, NULL,
	    "{\"type\":\"" U "invalidContact\",\"detail\":\"invalid contact: "
	    "contact email has forbidden domain \\\"example.com\\\"\","
	    "\"status\":400}",
	    NEXT_FAIL, ERR_CONTACT_REFUSED, ERR_PERSON, 0,
	    "the CA says: invalid contact: contact email has forbidden domain "
	    "\"example.com\"", "Change the e-mail address" },
	{ "Pebble: contact", JWS_NEW_ACCOUNT, 400, NULL,
	    "{\"type\":\"" U "unsupportedContact\",\"detail\":\"contact "
	    "method \\\"tel\\\" is not supported\",\"status\":400}",
	    NEXT_FAIL, ERR_CONTACT_REFUSED, ERR_PERSON, 0,
	    "the CA says: contact method \"tel\" is not supported",
	    "Change the e-mail address" },
	{ "Boulder: the order is gone", JWS_READ, 404, NULL,
	    "{\"type\":\"" U "malformed\",\"detail\":\"No order for ID 4711\","
	    "\"status\":404}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: No order for ID 4711", "" },
	{ "Boulder: wrong method", JWS_READ, 405, NULL,
	    "{\"type\":\"" U "malformed\",\"detail\":\"Method not allowed\","
	    "\"status\":405}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Method not allowed", "" },
	{ "Boulder: finalize too early", JWS_FINALIZE, 403, NULL,
	    "{\"type\":\"" U "orderNotReady\",\"detail\":\"Order's status "
	    "(\\\"pending\\\") is not acceptable for finalization\","
	    "\"status\":403}",
	    NEXT_LOOK, ERR_CA_PROTOCOL, ERR_LATER, 0,
	    "the CA says: Order's status (\"pending\") is not acceptable for "
	    "finalization", "" },
	{ "Boulder: a name that nobody may have", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "rejectedIdentifier\",\"detail\":\"Invalid "
	    "identifiers requested :: Cannot issue for \\\"shop.local\\\": "
	    "Domain name does not end with a valid public suffix (TLD)\","
	    "\"status\":400}",
	    NEXT_FAIL, ERR_NAME_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Invalid identifiers requested :: Cannot issue for "
	    "\"shop.local\": Domain name does not end with a valid public "
	    "suffix (TLD)", "Remove the name" },
	{ "Boulder: two such names", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "rejectedIdentifier\",\"detail\":\"Invalid "
	    "identifiers requested :: Cannot issue for \\\"a.test\\\": (and 1 "
	    "more problems. Refer to sub-problems for more information.)\","
	    "\"status\":400,\"subproblems\":[{\"type\":\"" U
	    "rejectedIdentifier\",\"detail\":\"Domain name does not end with "
	    "a valid public suffix (TLD)\",\"status\":400,\"identifier\":{"
	    "\"type\":\"dns\",\"value\":\"a.test\"}},{\"type\":\"" U
	    "rejectedIdentifier\",\"detail\":\"The ACME server refuses to "
	    "issue a certificate for this domain name\",\"identifier\":{"
	    "\"type\":\"dns\",\"value\":\"b.test\"}}]}",
	    NEXT_FAIL, ERR_NAME_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Domain name does not end with a valid public suffix "
	    "(TLD)", "Remove the name" },
	{ "Boulder: trouble inside", JWS_NEW_ORDER, 500, NULL,
	    "{\"type\":\"" U "serverInternal\",\"detail\":\"Error creating "
	    "new order\",\"status\":500}",
	    NEXT_FAIL, ERR_CA_DOWN, ERR_LATER, 0,
	    "the CA says: Error creating new order", "Nothing to do" },
	{ "Let's Encrypt: maintenance", JWS_NEW_ORDER, 503, "3600",
	    "{\"type\":\"" U "serverInternal\",\"detail\":\"The service is "
	    "down for maintenance or had an internal error. Check "
	    "https://letsencrypt.status.io/ for more details.\"}",
	    NEXT_FAIL, ERR_CA_DOWN, ERR_LATER, SECONDS(3600),
	    "the CA says: The service is down for maintenance or had an "
	    "internal error. Check https://letsencrypt.status.io/ for more "
	    "details.", "Nothing to do" },
	{ "Boulder: the account was deactivated", JWS_NEW_ORDER, 403, NULL,
	    "{\"type\":\"" U "unauthorized\",\"detail\":\"Unable to validate "
	    "JWS :: Account is not valid, has status \\\"deactivated\\\"\","
	    "\"status\":403}",
	    NEXT_UNREPLACE, ERR_ACCOUNT_DEAD, ERR_PERSON, 0,
	    "the CA says: Unable to validate JWS :: Account is not valid, has "
	    "status \"deactivated\"", "For a new account: everleaf ca" },
	{ "Boulder: CSR with other names", JWS_FINALIZE, 403, NULL,
	    "{\"type\":\"" U "unauthorized\",\"detail\":\"Error finalizing "
	    "order :: CSR does not specify same identifiers as Order\","
	    "\"status\":403}",
	    NEXT_UNREPLACE, ERR_CSR_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Error finalizing order :: CSR does not specify same "
	    "identifiers as Order", "" },
	{ "Boulder: an order of somebody else", JWS_READ, 403, NULL,
	    "{\"type\":\"" U "unauthorized\",\"detail\":\"No order found for "
	    "account ID 7\",\"status\":403}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: No order found for account ID 7", "" },
	{ "Pebble: kind of name", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "unsupportedIdentifier\",\"detail\":\"Order "
	    "included unsupported type identifier: type \\\"ip\\\", value "
	    "\\\"192.0.2.1\\\"\",\"status\":400}",
	    NEXT_FAIL, ERR_NAME_REFUSED, ERR_REFUSED, 0,
	    "the CA says: Order included unsupported type identifier: type "
	    "\"ip\", value \"192.0.2.1\"", "Remove the name" },
	{ "RFC 8555 7.3.3: new terms", JWS_NEW_ORDER, 403, NULL,
	    "{\"type\":\"" U "userActionRequired\",\"detail\":\"Terms of "
	    "service have changed\",\"instance\":\"https://ca.example/acme/"
	    "agreement/?token=W8Ih3PswD-8\"}",
	    NEXT_FAIL, ERR_TOS_NOT_AGREED, ERR_PERSON, 0,
	    "the CA says: Terms of service have changed",
	    "Visit https://ca.example/acme/agreement/?token=W8Ih3PswD-8" },
	{ "Pebble 2.4: terms", JWS_NEW_ACCOUNT, 403, NULL,
	    "{\"type\":\"" U "agreementRequired\",\"detail\":\"Provided "
	    "account did not agree to the terms of service\",\"status\":403}",
	    NEXT_FAIL, ERR_TOS_NOT_AGREED, ERR_PERSON, 0,
	    "the CA says: Provided account did not agree to the terms of "
	    "service", "Read the CA's terms" },
	/* --- limits */
	{ "Let's Encrypt: per registered domain", JWS_NEW_ORDER, 429, "45296",
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"too many "
	    "certificates (50) already issued for \\\"shop.example\\\" in the "
	    "last 168h0m0s, retry after 2026-11-21 12:34:56 UTC: see https://"
	    "letsencrypt.org/docs/rate-limits/#new-certificates-per-"
	    "registered-domain\",\"status\":429}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(45296),
	    "the CA says: too many certificates (50) already issued for "
	    "\"shop.example\" in the last 168h0m0s, retry after 2026-11-21 "
	    "12:34:56 UTC: see https://letsencrypt.org/docs/rate-limits/#new-"
	    "certificates-per-registered-domain", "Nothing to do" },
	{ "Let's Encrypt: the same names", JWS_NEW_ORDER, 429,
	    "Sun, 22 Nov 2026 00:00:00 GMT",
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"too many "
	    "certificates (5) already issued for this exact set of "
	    "identifiers in the last 168h0m0s, retry after 2026-11-22 "
	    "00:00:00 UTC\",\"status\":429}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(86400),
	    "the CA says: too many certificates (5) already issued for this "
	    "exact set of identifiers in the last 168h0m0s, retry after "
	    "2026-11-22 00:00:00 UTC", "Nothing to do" },
	{ "Let's Encrypt: failed validations", JWS_NEW_ORDER, 429, "720",
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"too many failed "
	    "authorizations (5) for \\\"shop.example\\\" in the last 1h0m0s, "
	    "retry after 2026-11-21 00:12:00 UTC\",\"status\":429}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(720),
	    "the CA says: too many failed authorizations (5) for "
	    "\"shop.example\" in the last 1h0m0s, retry after 2026-11-21 "
	    "00:12:00 UTC", "Nothing to do" },
	{ "Let's Encrypt: paused", JWS_NEW_ORDER, 429, NULL,
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"Your account is "
	    "temporarily prevented from requesting certificates for "
	    "shop.example and possibly others. Please visit: https://portal."
	    "letsencrypt.org/sfe/v1/unpause?jwt=e30\",\"status\":429}",
	    NEXT_FAIL, ERR_CA_BLOCKED, ERR_PERSON, 0,
	    "the CA says: Your account is temporarily prevented from "
	    "requesting certificates for shop.example and possibly others. "
	    "Please visit: https://portal.letsencrypt.org/sfe/v1/unpause?jwt="
	    "e30", "Mend what failed, follow the link" },
	{ "Let's Encrypt: busy", JWS_NEW_ORDER, 503, NULL,
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"Service busy; retry "
	    "later.\"}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, 0,
	    "the CA says: Service busy; retry later.", "Nothing to do" },
	{ "Let's Encrypt: from one address", JWS_NEW_ORDER, 429, "1",
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"Service busy; retry "
	    "later.\"}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(5),
	    "the CA says: Service busy; retry later.", "Nothing to do" },
	{ "any: a month", JWS_NEW_ORDER, 429, "2592000",
	    "{\"type\":\"" U "rateLimited\",\"detail\":\"come back later\"}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(7 * 86400),
	    "the CA says: come back later", "Nothing to do" },
	/* --- RFC 9773 */
	{ "Boulder: replaced already", JWS_NEW_ORDER, 409, NULL,
	    "{\"type\":\"" U "alreadyReplaced\",\"detail\":\"cannot indicate "
	    "an order replaces certificate with serial 03ab, which already "
	    "has a replacement order\",\"status\":409}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: cannot indicate an order replaces certificate with "
	    "serial 03ab, which already has a replacement order", "" },
	{ "Boulder before that: replaced already", JWS_NEW_ORDER, 409, NULL,
	    "{\"type\":\"" U "conflict\",\"detail\":\"cannot indicate an "
	    "order replaces certificate with serial 03ab\",\"status\":409}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: cannot indicate an order replaces certificate with "
	    "serial 03ab", "" },
	{ "any: replaces of another account", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "malformed\",\"detail\":\"While checking if this "
	    "order is a replacement: requester account did not request the "
	    "certificate being replaced\"}",
	    NEXT_UNREPLACE, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: While checking if this order is a replacement: "
	    "requester account did not request the certificate being "
	    "replaced", "" },
	/* --- profiles, RFC 8739, 9115, 9799 */
	{ "Boulder: profile", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "invalidProfile\",\"detail\":\"profile "
	    "\\\"shortest\\\" not recognized\",\"status\":400}",
	    NEXT_FAIL, ERR_PROFILE_UNKNOWN, ERR_PERSON, 0,
	    "the CA says: profile \"shortest\" not recognized",
	    "Choose one of the CA's profiles" },
	{ "RFC 8739", JWS_READ, 403, NULL,
	    "{\"type\":\"" U "autoRenewalCanceled\",\"detail\":\"the order "
	    "was canceled\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: the order was canceled", "" },
	{ "RFC 8739", JWS_READ, 403, NULL,
	    "{\"type\":\"" U "autoRenewalExpired\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: " U "autoRenewalExpired", "" },
	{ "RFC 8739", JWS_READ, 403, NULL,
	    "{\"type\":\"" U "autoRenewalCancellationInvalid\",\"title\":"
	    "\"not while it is valid\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: not while it is valid", "" },
	{ "RFC 8739", JWS_READ, 403, NULL,
	    "{\"type\":\"" U "autoRenewalRevocationNotSupported\",\"detail\":"
	    "\"cancel it\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: cancel it", "" },
	{ "RFC 9115", JWS_NEW_ORDER, 403, NULL,
	    "{\"type\":\"" U "unknownDelegation\",\"detail\":\"none such\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: none such", "" },
	{ "RFC 9799", JWS_FINALIZE, 403, NULL,
	    "{\"type\":\"" U "onionCAARequired\",\"detail\":\"send inBandOnion"
	    "CAA\"}",
	    NEXT_FAIL, ERR_CAA, ERR_PERSON, 0,
	    "the CA says: send inBandOnionCAA",
	    "Allow this CA in the CAA record" },
	/* --- what is no problem document of RFC 8555 */
	{ "RFC 8823 or later: a type of tomorrow", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":\"" U "quantumRequired\",\"detail\":\"too classic\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: too classic", "" },
	{ "ACME v1", JWS_NEW_ORDER, 429, "60",
	    "{\"type\":\"urn:acme:error:rateLimited\",\"detail\":\"Error "
	    "creating new authz :: too many\",\"status\":429}",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(60),
	    "the CA says: Error creating new authz :: too many",
	    "Nothing to do" },
	{ "step-ca: not built", JWS_READ, 501, NULL,
	    "{\"type\":\"" U "notImplemented\",\"detail\":\"this API is not "
	    "implemented\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: this API is not implemented", "" },
	{ "a proxy in between", JWS_NEW_ORDER, 502, NULL,
	    "<html><head><title>502 Bad Gateway</title></head></html>",
	    NEXT_FAIL, ERR_CA_DOWN, ERR_LATER, 0,
	    "the CA answered with HTTP status 502", "Nothing to do" },
	{ "ZeroSSL: busy", JWS_NEW_ORDER, 504, NULL,
	    "<html>\r\n<head><title>504 Gateway Time-out</title></head>",
	    NEXT_FAIL, ERR_CA_DOWN, ERR_LATER, 0,
	    "the CA answered with HTTP status 504", "Nothing to do" },
	{ "ZeroSSL: its front refuses", JWS_NEW_ORDER, 403, NULL, HTML,
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA answered with HTTP status 403", "" },
	{ "ZeroSSL: its front counts", JWS_READ, 429, "120", HTML,
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, SECONDS(120),
	    "the CA answered with HTTP status 429", "Nothing to do" },
	{ "a CDN: the same without a time", JWS_READ, 429, NULL,
	    "error code: 1015",
	    NEXT_FAIL, ERR_CA_LIMIT, ERR_LATER, 0,
	    "the CA answered with HTTP status 429", "Nothing to do" },
	{ "a CDN: the CA behind is down", JWS_READ, 521, NULL, "",
	    NEXT_FAIL, ERR_CA_DOWN, ERR_LATER, 0,
	    "the CA answered with HTTP status 521", "Nothing to do" },
	{ "JSON that says nothing", JWS_NEW_ORDER, 400, NULL, "{}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA answered with HTTP status 400", "" },
	{ "Sectigo: title only", JWS_NEW_ORDER, 400, NULL,
	    "{\"title\":\"The request is malformed\",\"status\":400}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA says: The request is malformed", "" },
	{ "types are wrong", JWS_NEW_ORDER, 400, NULL,
	    "{\"type\":7,\"detail\":{\"a\":1},\"subproblems\":\"none\"}",
	    NEXT_FAIL, ERR_CA_REFUSED, ERR_REFUSED, 0,
	    "the CA answered with HTTP status 400", "" }
};

/* Inside of an order or a challenge: what the CA found when it looked. */
static const struct finding {
	const char *who, *body;
	enum err_code code;
	enum err_class class;
	const char *text, *advice;
} findings[] = {
	{ "Boulder: port 80 is closed",
	    "{\"type\":\"" U "connection\",\"detail\":\"192.0.2.7: Fetching "
	    "http://shop.example/.well-known/acme-challenge/x: Timeout during "
	    "connect (likely firewall problem)\",\"status\":400}",
	    ERR_CONNECTION, ERR_PERSON,
	    "the CA found: 192.0.2.7: Fetching http://shop.example/.well-"
	    "known/acme-challenge/x: Timeout during connect (likely firewall "
	    "problem)", "Open the port" },
	{ "Boulder: no such name",
	    "{\"type\":\"" U "dns\",\"detail\":\"DNS problem: NXDOMAIN "
	    "looking up A for shop.example - check that a DNS record exists "
	    "for this domain\",\"status\":400}",
	    ERR_DNS_FAILS, ERR_PERSON,
	    "the CA found: DNS problem: NXDOMAIN looking up A for "
	    "shop.example - check that a DNS record exists for this domain",
	    "Repair the DNS" },
	{ "Boulder: another server answers",
	    "{\"type\":\"" U "unauthorized\",\"detail\":\"192.0.2.7: Invalid "
	    "response from http://shop.example/.well-known/acme-challenge/x: "
	    "404\",\"status\":403}",
	    ERR_CHALLENGE_WRONG, ERR_PERSON,
	    "the CA found: 192.0.2.7: Invalid response from http://"
	    "shop.example/.well-known/acme-challenge/x: 404",
	    "Have the server that answered pass" },
	{ "Pebble: wrong words",
	    "{\"type\":\"" U "incorrectResponse\",\"detail\":\"the key "
	    "authorization file from the server did not match\"}",
	    ERR_CHALLENGE_WRONG, ERR_PERSON,
	    "the CA found: the key authorization file from the server did not "
	    "match", "Have the server that answered pass" },
	{ "Boulder: TLS",
	    "{\"type\":\"" U "tls\",\"detail\":\"192.0.2.7: remote error: "
	    "tls: no application protocol\",\"status\":400}",
	    ERR_CONNECTION, ERR_PERSON,
	    "the CA found: 192.0.2.7: remote error: tls: no application "
	    "protocol", "Open the port" },
	{ "Boulder: CAA",
	    "{\"type\":\"" U "caa\",\"detail\":\"CAA record for shop.example "
	    "prevents issuance\",\"status\":403}",
	    ERR_CAA, ERR_PERSON,
	    "the CA found: CAA record for shop.example prevents issuance",
	    "Allow this CA" },
	{ "Boulder: trouble inside",
	    "{\"type\":\"" U "serverInternal\",\"detail\":\"Error finalizing "
	    "order\"}",
	    ERR_CA_DOWN, ERR_LATER,
	    "the CA found: Error finalizing order", "Nothing to do" },
	{ "any: no type",
	    "{\"detail\":\"it did not work\"}",
	    ERR_CHALLENGE_WRONG, ERR_PERSON,
	    "the CA found: it did not work",
	    "Have the server that answered pass" },
	{ "any: nothing at all", "{}",
	    ERR_CHALLENGE_WRONG, ERR_PERSON,
	    "the CA gives no reason", "Have the server that answered pass" }
};

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* All that is wrong is said before the test fails, so that a change of words
 * takes one run and not sixty. */
static int
compare(const char *who, const struct err *err, enum err_code code,
    enum err_class class, const char *text, const char *advice)
{
	char want[ERR_TEXT_MAX];
	int bad = 0;

	snprintf(want, sizeof(want), "it: %s", text);
	if (err->code != code || err->class != class) {
		print_error("%s: %s, %s\n", who, err_code_name(err->code),
		    err_class_name(err->class));
		bad++;
	}
	if (strcmp(err->text, want) != 0) {
		print_error("%s: \"%s\"\n", who, err->text);
		bad++;
	}
	if (strncmp(err->advice, advice, strlen(advice)) != 0 ||
	    (*advice == '\0' && err->advice[0] != '\0')) {
		print_error("%s: advice \"%s\"\n", who, err->advice);
		bad++;
	}
	return bad;
}

static void
golden_requests(void **state)
{
	struct problem p;
	struct err err;
	size_t i;
	int bad = 0;

	(void)state;
	for (i = 0; i < COUNT(requests); i++) {
		const struct golden *g = &requests[i];
		struct acme_reply r = { .status = g->status,
			.retry_after = g->retry_after, .body = g->body,
			.body_len = strlen(g->body) };
		enum problem_next next;

		problem_of_reply(&p, &r, NOW_MS);
		problem_request_err(&p, g->what, "it", &err);
		bad += compare(g->who, &err, g->code, g->class, g->text,
		    g->advice);
		next = p.kind != NULL ? p.kind->next : NEXT_FAIL;
		if (next != g->next || err.retry_at_ms != g->retry_at_ms) {
			print_error("%s: next %d, retry in %lld ms\n", g->who,
			    (int)next, err.retry_at_ms == 0 ? 0LL :
			    (long long)(err.retry_at_ms - NOW_MS));
			bad++;
		}
		problem_free(&p);
	}
	assert_true(COUNT(requests) >= 30);
	assert_int_equal(bad, 0);
}

static void
golden_findings(void **state)
{
	struct problem p;
	struct err err;
	size_t i;
	int bad = 0;

	(void)state;
	for (i = 0; i < COUNT(findings); i++) {
		const struct finding *f = &findings[i];
		json_t *o = json_loads(f->body, 0, NULL);

		problem_of_json(&p, o);
		problem_validation_err(&p, "it", &err);
		bad += compare(f->who, &err, f->code, f->class, f->text,
		    f->advice);
		problem_free(&p);
		json_decref(o);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_requests),
		cmocka_unit_test(golden_findings)
	};

	return cmocka_run_group_tests_name("problem_golden", tests, NULL,
	    NULL);
}
