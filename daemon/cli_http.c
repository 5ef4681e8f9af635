/* Requests over the daemon's socket, by libcurl. Every text of an answer is
 * made fit for a terminal before anybody sees it. */
#include <config.h>
#include <assert.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/idn.h"
#include "base/text.h"
#include "daemon/cli.h"
#include "daemon/json.h"

enum {
	TARGET_MAX = 8192,
	ANSWER_MAX = 64 << 20,
	TIMEOUT_S = 300,		/* a reload may take long */
	READ_TIMEOUT_S = 30,		/* a question does not */
	WAIT_TIMEOUT_S = 90,		/* but for one that waits for events */
	SAFE_MAX = 16 << 20
};

struct exchange {
	struct buf body;
	int64_t date_ms;
};

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	assert(x->body.max == ANSWER_MAX);
	return buf_add(&x->body, p, size * n) ? size * n : 0;
}

/* The daemon's clock is in its Date. */
static size_t
on_head(char *p, size_t size, size_t n, void *ctx)
{
	static const char name[] = "date:";
	struct exchange *x = ctx;
	char value[64];
	size_t len = size * n, i = sizeof(name) - 1;

	if (len < i || len - i >= sizeof(value) || strncasecmp(p, name, i) != 0)
		return len;
	while (i < len && p[i] == ' ')
		i++;
	memcpy(value, p + i, len - i);
	value[len - i] = '\0';
	value[strcspn(value, "\r\n")] = '\0';
	text_http_date(&x->date_ms, value);
	return len;
}

/* Who else may use the socket is seen at the socket itself. */
static void
no_permission(void)
{
	const struct group *g = NULL;
	struct stat st;

	if (stat(cli.socket, &st) == 0 && (st.st_mode & S_IWGRP) != 0)
		g = getgrgid(st.st_gid);
	if (g != NULL)
		cli_complain("no permission on %s. Become root, or join the "
		    "group %s.", cli.socket, g->gr_name);
	else
		cli_complain("no permission on %s. Become root, or join the "
		    "group that api-group names.", cli.socket);
}

/* libcurl does not say why a connection failed; connect(2) does. */
static int
no_connection(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), saved = 0;

	assert(cli.socket != NULL);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", cli.socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		saved = errno;
	if (fd >= 0)
		close(fd);
	if (saved == EACCES || saved == EPERM)
		no_permission();
	else if (saved == ENOENT || saved == ECONNREFUSED)
		cli_complain("no daemon at %s. systemctl start everleaf",
		    cli.socket);
	else
		cli_complain("%s: %s", cli.socket, saved == 0 ?
		    "the daemon has just come back; try again" :
		    strerror(saved));
	return CLI_NO_DAEMON;
}

/* A text without control characters and the like; NULL: it has none. */
static json_t *
cleaned(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);
	json_t *j = NULL;
	struct buf b;

	if (s == NULL)
		return NULL;
	buf_init(&b, SAFE_MAX);
	buf_safe(&b, s, n, SAFE_MAX);
	if (b.len != n)
		j = json_string(b.data);
	buf_free(&b);
	return j;
}

/* The text of a configuration keeps its line ends: it is cleaned line by line
 * where it is shown. */
static void
clean(json_t *j, bool top)
{
	const char *key;
	json_t *v, *to;
	void *next;
	size_t i;

	json_object_foreach_safe(j, next, key, v) {
		clean(v, false);
		to = top && strcmp(key, "text") == 0 ? NULL : cleaned(v);
		if (to != NULL)
			json_object_set_new(j, key, to);
	}
	json_array_foreach(j, i, v) {
		clean(v, false);
		to = cleaned(v);
		if (to != NULL)
			json_array_set_new(j, i, to);
	}
}

/* --- one exchange --------------------------------------------------------- */

/* Ctrl-C ends a long poll at once. */
static int
interrupted(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)ctx;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return cli_interrupted ? 1 : 0;
}

/* A change may take minutes; a question that is not answered soon never is. */
static long
patience(const char *method, const char *url)
{
	assert(method != NULL && url != NULL);
	if (strcmp(method, "GET") != 0)
		return TIMEOUT_S;
	return strstr(url, "wait=") != NULL ? WAIT_TIMEOUT_S : READ_TIMEOUT_S;
}

static void
set_up(CURL *c, struct exchange *x, const char *method, const char *url,
    const char *body)
{
	assert(c != NULL && cli.socket != NULL);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, cli.socket);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "everleaf/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, patience(method, url));
	if (body != NULL)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	else if (strcmp(method, "POST") == 0)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, interrupted);
}

/* body is taken. The answer stands in a, as text and as JSON, whatever its
 * status. */
static int
perform(struct cli_answer *a, const char *method, json_t *body,
    const char *target)
{
	struct exchange x = { .date_ms = 0 };
	char *text = body == NULL ? NULL : json_write(body);
	char url[TARGET_MAX + 32];
	CURL *c = curl_easy_init();
	struct err err;
	CURLcode r;

	assert(target[0] == '/');
	json_decref(body);
	buf_init(&x.body, ANSWER_MAX);
	snprintf(url, sizeof(url), "http://everleaf%s", target);
	set_up(c, &x, method, url, text);
	r = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_cleanup(c);
	free(text);
	if (x.date_ms != 0)
		cli.now_ms = x.date_ms;
	if (r == CURLE_OK && x.body.len > 0)
		a->body = json_read(x.body.data, x.body.len, "the answer",
		    &err);
	a->text = x.body.data == NULL ? xstrdup("") : buf_take(&x.body);
	if (a->body != NULL) {
		clean(a->body, true);
		return CLI_DONE;
	}
	if (cli_interrupted)
		return CLI_UNDER_WAY;
	if (r == CURLE_COULDNT_CONNECT)
		return no_connection();
	if (r == CURLE_OPERATION_TIMEDOUT)
		cli_complain("the daemon at %s does not answer: it is "
		    "starting, or its engine does not run. See: journalctl "
		    "-u everleaf", cli.socket);
	else
		cli_complain("the daemon at %s did not answer: %s",
		    cli.socket, r == CURLE_OK ? err.text :
		    curl_easy_strerror(r));
	return CLI_NO_DAEMON;
}

/* What a script can tell apart: not there, not allowed, wrongly asked, or
 * failed. */
static int
exit_of(const struct cli_answer *a)
{
	const json_t *e = json_object_get(a->body, "error");
	const char *class = json_get(e, "class"), *code = json_get(e, "code");

	if (a->status >= 200 && a->status < 300)
		return CLI_DONE;
	if (a->status == 404)
		return CLI_NO_SUCH;
	if (a->status == 403)
		return CLI_NO_DAEMON;
	if ((class != NULL && strcmp(class, "usage") == 0) ||
	    (code != NULL && strcmp(code, "config-bad") == 0))
		return CLI_USAGE;
	return CLI_FAILED;
}

static int
ask(struct cli_answer *a, const char *method, json_t *body, const char *fmt,
    va_list ap) __attribute__((format(printf, 4, 0)));

static int
ask(struct cli_answer *a, const char *method, json_t *body, const char *fmt,
    va_list ap)
{
	char target[TARGET_MAX];
	int r;

	memset(a, 0, sizeof(*a));
	vsnprintf(target, sizeof(target), fmt, ap);
	r = perform(a, method, body, target);
	return r != CLI_DONE ? r : exit_of(a);
}

int
cli_ask_quietly(struct cli_answer *a, const char *method, json_t *body,
    const char *target, ...)
{
	va_list ap;
	int r;

	va_start(ap, target);
	r = ask(a, method, body, target, ap);
	va_end(ap);
	return r;
}

int
cli_ask(struct cli_answer *a, const char *method, json_t *body,
    const char *target, ...)
{
	va_list ap;
	int r;

	va_start(ap, target);
	r = ask(a, method, body, target, ap);
	va_end(ap);
	if (cli.json && a->body != NULL)
		cli_print_body(a);
	if (r != CLI_DONE && a->body != NULL)
		cli_complain_error(json_object_get(a->body, "error"));
	return r;
}

void
cli_print_body(const struct cli_answer *a)
{
	assert(a->text != NULL);
	printf("%s\n", a->text);
}

void
cli_answer_free(struct cli_answer *a)
{
	json_decref(a->body);
	free(a->text);
	memset(a, 0, sizeof(*a));
}

char *
cli_encode(const char *s)
{
	char *coded = curl_easy_escape(NULL, s, 0), *copy = xstrdup(coded);

	curl_free(coded);
	return copy == NULL ? xstrdup("") : copy;
}

/* --- one certificate ------------------------------------------------------ */

static bool
covers(const json_t *cert, const char *name)
{
	const json_t *list = json_object_get(json_object_get(cert, "wanted"),
	    "names"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

/* Which certificates have the name; their titles. */
static int
covering(struct strv *titles, const char *name)
{
	struct cli_answer a;
	char *coded = cli_encode(name);
	const json_t *c;
	size_t i;
	int r = cli_ask_quietly(&a, "GET", NULL, "/v1/certificates?full=1"
	    "&limit=1000&q=%s", coded);

	assert(titles->n == 0);
	free(coded);
	json_array_foreach(json_object_get(a.body, "certificates"), i, c)
		if (covers(c, name))
			strv_add(titles, json_get(c, "name"));
	if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	cli_answer_free(&a);
	return r;
}

/* The title of the one certificate that has the name, which is said; NULL with
 * CLI_NO_SUCH if there is none (nothing is said then) or more than one. */
static int
title_covering(char **title, size_t *n, const char *name)
{
	struct strv titles = { NULL, 0 };
	char canonical[256];
	enum name_kind kind;
	struct err err;
	size_t i;
	int r;

	*title = NULL;
	if (idn_parse(canonical, &kind, name, &err) == 0)
		name = canonical;
	r = covering(&titles, name);
	*n = titles.n;
	if (r == CLI_DONE && titles.n == 1) {
		if (!cli.quiet)
			fprintf(stderr, "%s is a name of the certificate %s\n",
			    name, titles.v[0]);
		*title = xstrdup(titles.v[0]);
	} else if (r == CLI_DONE && titles.n > 1) {
		cli_complain("%zu certificates have the name %s. Say which:",
		    titles.n, name);
		for (i = 0; i < titles.n; i++)
			fprintf(stderr, "  %s\n", titles.v[i]);
	}
	strv_free(&titles);
	return r == CLI_DONE && *title == NULL ? CLI_NO_SUCH : r;
}

static int
find_by_name(struct cli_answer *a, const char *name)
{
	char *title, *coded;
	size_t n;
	int r = title_covering(&title, &n, name);

	if (r == CLI_NO_SUCH && n == 0)
		cli_complain("no certificate \"%s\". everleaf list shows all.",
		    name);
	if (r == CLI_DONE) {
		coded = cli_encode(title);
		cli_answer_free(a);
		r = cli_ask_quietly(a, "GET", NULL, "/v1/certificates/%s",
		    coded);
		free(coded);
	}
	free(title);
	return r;
}

/* By its title, else by a name that it has, if that is in one only. The
 * answer is the caller's in any case. */
int
cli_find(struct cli_answer *a, const char *name)
{
	char *coded = cli_encode(name);
	int r = cli_ask_quietly(a, "GET", NULL, "/v1/certificates/%s", coded);

	assert(name != NULL);
	free(coded);
	if (r == CLI_NO_SUCH)
		return find_by_name(a, name);
	if (r != CLI_DONE && a->body != NULL)
		cli_complain_error(json_object_get(a->body, "error"));
	return r;
}

int
cli_find_title(char **title, bool *known, const char *name)
{
	struct cli_answer a;
	char *coded = cli_encode(name);
	size_t n = 0;
	int r = cli_ask_quietly(&a, "GET", NULL, "/v1/certificates/%s", coded);

	assert(title != NULL && known != NULL);
	free(coded);
	*title = NULL;
	*known = true;
	if (r == CLI_NO_SUCH) {
		r = title_covering(title, &n, name);
		*known = r != CLI_NO_SUCH || n > 0;
	} else if (r != CLI_DONE && a.body != NULL)
		cli_complain_error(json_object_get(a.body, "error"));
	cli_answer_free(&a);
	if (!*known)
		r = CLI_DONE;
	if (r == CLI_DONE && *title == NULL)
		*title = xstrdup(name);
	return r;
}
