/* floor DIRECTORY CAFILE N CONCURRENCY HTTP_PORT POLL_MS: what it costs at
 * least to get N certificates from a CA. The same requests as a client that
 * does its work, and nothing of that work: no store, no files, no checks, no
 * retries (whatever is unexpected ends it). It is the yardstick of
 * tests/bench/issue, not an example of how to do it. Answers http-01 on
 * 127.0.0.1:HTTP_PORT; one HTTP/2 connection; ECDSA P-256 throughout. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { URL_MAX = 256, BODY_MAX = 64 * 1024 };

/* What a slot waits for. */
enum step { NONCE, ACCOUNT, ORDER, AUTHZ, CHALLENGE, READY, FINALIZE, VALID,
	DOWNLOAD, IDLE };

struct slot {
	CURL *curl;
	enum step step;
	double due;		/* > 0: asks again then */
	int id;			/* of the certificate */
	char body[BODY_MAX];	/* of the answer */
	size_t len;
	char *post;
	char nonce[128], location[URL_MAX];
	char order[URL_MAX], finalize[URL_MAX];
};

static CURLM *multi;
static struct curl_slist *headers;
static EVP_PKEY *account;
static char jwk[256], thumbprint[64], kid[URL_MAX];
static char new_nonce[URL_MAX], new_order[URL_MAX], new_account[URL_MAX];
static int wanted, started, finished;
static long requests;
static double poll_s;

static void
die(const char *what, const char *detail)
{
	fprintf(stderr, "floor: %s: %s\n", what, detail);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
set_url(char *to, const char *from)
{
	if (from == NULL || strlen(from) >= URL_MAX)
		die("no URL", from ? from : "(none)");
	memcpy(to, from, strlen(from) + 1);
}

/* Base64url without padding; out has room for 4/3 n + 4 bytes. */
static char *
base64url(const void *in, size_t n, char *out)
{
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, in, (int)n);

	for (size_t i = 0; i < len; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	while (len > 0 && out[len - 1] == '=')
		len--;
	out[len] = '\0';
	return out;
}

/* --- keys and signatures ------------------------------------------------- */
static void
make_account_key(void)
{
	unsigned char pub[65], hash[32];
	char x[48], y[48];
	size_t n;

	account = EVP_EC_gen("P-256");
	if (!EVP_PKEY_get_octet_string_param(account, OSSL_PKEY_PARAM_PUB_KEY,
	    pub, sizeof pub, &n) || n != sizeof pub)
		die("account key", "no public key");
	snprintf(jwk, sizeof jwk,
	    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    base64url(pub + 1, 32, x), base64url(pub + 33, 32, y));
	SHA256((unsigned char *)jwk, strlen(jwk), hash);
	base64url(hash, sizeof hash, thumbprint);
}

static void
sign(const char *data, char *out)
{
	unsigned char der[128], raw[64];
	const unsigned char *p = der;
	size_t n = sizeof der;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ECDSA_SIG *sig;

	EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, account);
	if (!EVP_DigestSign(md, der, &n, (const unsigned char *)data,
	    strlen(data)))
		die("signature", "refused");
	EVP_MD_CTX_free(md);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	base64url(raw, sizeof raw, out);
}

/* The payload of finalize: a new key each time, as a client has it. */
static char *
finalize_payload(int id)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	char san[64], text[4096], *out;
	int n;

	snprintf(san, sizeof san, "DNS:f%d.bench.example", id);
	sk_X509_EXTENSION_push(exts,
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
	X509_REQ_add_extensions(req, exts);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	n = i2d_X509_REQ(req, &der);
	if (asprintf(&out, "{\"csr\":\"%s\"}",
	    base64url(der, (size_t)n, text)) < 0)
		die("memory", "none");
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return out;
}

/* A signed request; payload "" reads. */
static char *
jws(const char *url, const char *nonce, const char *payload)
{
	char head[1024], head64[1400], body64[8192], sig[128];
	char *input, *out;

	if (kid[0] != '\0')
		snprintf(head, sizeof head, "{\"alg\":\"ES256\",\"kid\":\"%s\","
		    "\"nonce\":\"%s\",\"url\":\"%s\"}", kid, nonce, url);
	else
		snprintf(head, sizeof head, "{\"alg\":\"ES256\",\"jwk\":%s,"
		    "\"nonce\":\"%s\",\"url\":\"%s\"}", jwk, nonce, url);
	base64url(head, strlen(head), head64);
	base64url(payload, strlen(payload), body64);
	if (asprintf(&input, "%s.%s", head64, body64) < 0)
		die("memory", "none");
	sign(input, sig);
	free(input);
	if (asprintf(&out, "{\"protected\":\"%s\",\"payload\":\"%s\","
	    "\"signature\":\"%s\"}", head64, body64, sig) < 0)
		die("memory", "none");
	return out;
}

/* --- requests ------------------------------------------------------------ */
static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;

	n *= size;
	if (n >= BODY_MAX - s->len)
		die("answer", "too long");
	memcpy(s->body + s->len, p, n);
	s->len += n;
	s->body[s->len] = '\0';
	return n;
}

static void
keep_header(const char *p, size_t n, const char *name, char *to, size_t max)
{
	size_t skip = strlen(name);

	if (n <= skip || strncasecmp(p, name, skip) != 0)
		return;
	for (p += skip, n -= skip; n > 0 && *p == ' '; n--)
		p++;
	while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == '\n'))
		n--;
	snprintf(to, max, "%.*s", (int)n, p);
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;

	n *= size;
	keep_header(p, n, "replay-nonce:", s->nonce, sizeof s->nonce);
	keep_header(p, n, "location:", s->location, sizeof s->location);
	return n;
}

static CURL *
new_handle(struct slot *s, const char *trust)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_PRIVATE, s);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_CAINFO, trust);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "everleaf-floor");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, 1L);
	return c;
}

static void
ask_nonce(struct slot *s)
{
	s->step = NONCE;
	s->len = 0;
	requests++;
	curl_easy_setopt(s->curl, CURLOPT_URL, new_nonce);
	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
	curl_multi_add_handle(multi, s->curl);
}

static void
post(struct slot *s, enum step step, const char *url, const char *payload)
{
	s->step = step;
	s->len = 0;
	requests++;
	free(s->post);
	s->post = jws(url, s->nonce, payload);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, s->post);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE,
	    (long)strlen(s->post));
	curl_multi_add_handle(multi, s->curl);
}

/* --- one certificate ----------------------------------------------------- */
static void
begin(struct slot *s)
{
	char payload[128];

	s->step = IDLE;
	if (started == wanted)
		return;
	s->id = ++started;
	snprintf(payload, sizeof payload, "{\"identifiers\":[{\"type\":\"dns\","
	    "\"value\":\"f%d.bench.example\"}]}", s->id);
	post(s, ORDER, new_order, payload);
}

static void
look_later(struct slot *s, enum step step)
{
	s->step = step;
	s->due = now() + poll_s;
}

static const char *
member(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : "";
}

static void
on_order(struct slot *s, const json_t *o)
{
	const json_t *list = json_object_get(o, "authorizations");
	const char *authz = json_string_value(json_array_get(list, 0));

	set_url(s->order, s->location);
	set_url(s->finalize, member(o, "finalize"));
	post(s, AUTHZ, authz ? authz : "", "");
}

static void
on_authz(struct slot *s, const json_t *o)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(o, "challenges"), i, c)
		if (strcmp(member(c, "type"), "http-01") == 0) {
			post(s, CHALLENGE, member(c, "url"), "{}");
			return;
		}
	die("authorization", "no http-01");
}

static void
on_ready(struct slot *s, const json_t *o)
{
	char *payload;

	if (strcmp(member(o, "status"), "pending") == 0) {
		look_later(s, READY);
		return;
	}
	if (strcmp(member(o, "status"), "ready") != 0)
		die("order", s->body);
	payload = finalize_payload(s->id);
	post(s, FINALIZE, s->finalize, payload);
	free(payload);
}

static void
on_valid(struct slot *s, const json_t *o)
{
	if (strcmp(member(o, "status"), "processing") == 0)
		look_later(s, VALID);
	else if (strcmp(member(o, "status"), "valid") == 0)
		post(s, DOWNLOAD, member(o, "certificate"), "");
	else
		die("order", s->body);
}

static void
advance(struct slot *s, const json_t *o)
{
	switch (s->step) {
	case NONCE:
		if (kid[0] == '\0')
			post(s, ACCOUNT, new_account,
			    "{\"termsOfServiceAgreed\":true}");
		else
			begin(s);
		break;
	case ACCOUNT: set_url(kid, s->location); s->step = IDLE; break;
	case ORDER: on_order(s, o); break;
	case AUTHZ: on_authz(s, o); break;
	case CHALLENGE: look_later(s, READY); break;
	case READY: on_ready(s, o); break;
	case FINALIZE: look_later(s, VALID); break;
	case VALID: on_valid(s, o); break;
	case DOWNLOAD: finished++; begin(s); break;
	case IDLE: break;
	}
}

static void
on_answer(struct slot *s)
{
	long code = 0;
	json_t *o = NULL;

	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
	curl_multi_remove_handle(multi, s->curl);
	if (code < 200 || code > 299)
		die("answer", s->body);
	if (s->len > 0 && s->step != DOWNLOAD)
		o = json_loads(s->body, 0, NULL);
	advance(s, o);
	json_decref(o);
}

/* --- the loop ------------------------------------------------------------ */
static int
wake_slots(struct slot *slots, int n)
{
	double t = now(), next = t + 1;

	for (int i = 0; i < n; i++) {
		struct slot *s = &slots[i];

		if (s->due > 0 && s->due <= t) {
			s->due = 0;
			post(s, s->step, s->order, "");
			next = t;
		} else if (s->due > 0 && s->due < next) {
			next = s->due;
		}
	}
	return (int)((next - t) * 1000 + 0.999);
}

static bool
registered(void)
{
	return kid[0] != '\0';
}

static bool
all_finished(void)
{
	return finished >= wanted;
}

static void
run_until(bool (*reached)(void), struct slot *slots, int n)
{
	struct CURLMsg *msg;
	struct slot *s;
	int left;

	while (!reached()) {
		curl_multi_perform(multi, &left);
		while ((msg = curl_multi_info_read(multi, &left)) != NULL) {
			if (msg->data.result != CURLE_OK)
				die("request",
				    curl_easy_strerror(msg->data.result));
			curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
			    &s);
			on_answer(s);
		}
		curl_multi_poll(multi, NULL, 0, wake_slots(slots, n), NULL);
	}
}

/* --- http-01 ------------------------------------------------------------- */
static void
answer_challenge(int fd)
{
	char in[4096], out[512], *token, *end;
	size_t n = 0;
	ssize_t k;

	do {
		k = read(fd, in + n, sizeof in - 1 - n);
		n += k > 0 ? (size_t)k : 0;
		in[n] = '\0';
	} while (k > 0 && n < sizeof in - 1 && !strstr(in, "\r\n\r\n"));
	token = strstr(in, "/acme-challenge/");
	if (token == NULL)
		return;
	token += strlen("/acme-challenge/");
	end = strchr(token, ' ');
	if (end == NULL || end - token > 128)
		return;
	*end = '\0';
	k = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %zu"
	    "\r\nConnection: close\r\n\r\n%s.%s",
	    strlen(token) + 1 + strlen(thumbprint), token, thumbprint);
	if (write(fd, out, (size_t)k) != k)
		fprintf(stderr, "floor: a challenge was not answered\n");
}

static void *
answer_all(void *arg)
{
	int fd, listener = *(int *)arg;

	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		answer_challenge(fd);
		close(fd);
	}
	return NULL;
}

static void
start_answers(int port)
{
	static int listener;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	pthread_t thread;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) ||
	    listen(listener, 1024) ||
	    pthread_create(&thread, NULL, answer_all, &listener))
		die("http-01", "no listener");
}

/* --- start, figures ------------------------------------------------------ */
static void
read_directory(struct slot *s, const char *url)
{
	json_t *o;

	requests++;
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	if (curl_easy_perform(s->curl) != CURLE_OK)
		die("directory", url);
	o = json_loads(s->body, 0, NULL);
	set_url(new_nonce, member(o, "newNonce"));
	set_url(new_order, member(o, "newOrder"));
	set_url(new_account, member(o, "newAccount"));
	json_decref(o);
}

static void
print_figures(double took)
{
	struct rusage r;
	double cpu;

	getrusage(RUSAGE_SELF, &r);
	cpu = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
	printf("certificates=%d per_s=%.1f requests=%ld cpu_ms=%.2f "
	    "rss_kb=%ld\n", finished, finished / took, requests,
	    cpu * 1000 / finished, r.ru_maxrss);
}

int
main(int argc, char **argv)
{
	struct slot *slots;
	int n;
	double began;

	if (argc != 7) {
		fprintf(stderr, "usage: floor DIRECTORY CAFILE N CONCURRENCY "
		    "HTTP_PORT POLL_MS\n");
		return 2;
	}
	wanted = (int)strtol(argv[3], NULL, 10);
	n = (int)strtol(argv[4], NULL, 10);
	poll_s = (double)strtol(argv[6], NULL, 10) / 1000;
	if (wanted < 1 || n < 1)
		die("usage", "N and CONCURRENCY are at least 1");
	curl_global_init(CURL_GLOBAL_ALL);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	headers = curl_slist_append(NULL,
	    "Content-Type: application/jose+json");
	make_account_key();
	start_answers((int)strtol(argv[5], NULL, 10));
	slots = calloc((size_t)n, sizeof *slots);
	for (int i = 0; slots != NULL && i < n; i++)
		slots[i].curl = new_handle(&slots[i], argv[2]);
	read_directory(slots, argv[1]);
	ask_nonce(slots);
	run_until(registered, slots, 1);
	began = now();
	begin(slots);
	for (int i = 1; i < n && i < wanted; i++)
		ask_nonce(&slots[i]);
	run_until(all_finished, slots, n);
	print_figures(now() - began);
	return 0;
}
