/* A server in a fork, and questions to it. */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <curl/curl.h>
#include "base/mem.h"
#include "daemon/json.h"
#include "daemon/log.h"
#include "tests/unit/stubs/asker.h"

static char dir[64];
char asker_path[100];
static pid_t server;
static int stop_fd = -1, listen_fd = -1;

/* --- the server in a fork ------------------------------------------------- */

static void
begin(const struct server_how *how)
{
	int pipes[2];

	assert_true(listen_fd >= 0);
	assert_int_equal(pipe(pipes), 0);
	fflush(stdout);
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		close(pipes[1]);
		alarm(120);
		_exit(server_run(listen_fd, pipes[0], how));
	}
	close(pipes[0]);
	stop_fd = pipes[1];
}

void
start(const struct server_how *how)
{
	listen_fd = server_listen(asker_path);
	begin(how);
}

/* It must end by itself, with everything freed. */
static void
end(void)
{
	int status;

	close(stop_fd);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void
stop(void)
{
	end();
	close(listen_fd);
}

void
follow(const struct server_how *how)
{
	end();
	begin(how);
}

/* --- requests ------------------------------------------------------------- */

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;

	a->text = xrealloc(a->text, a->n + size * n + 1);
	memcpy(a->text + a->n, p, size * n);
	a->n += size * n;
	a->text[a->n] = '\0';
	return size * n;
}

static size_t
on_head(char *p, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;

	if (a->head_n + size * n < sizeof(a->head) - 1) {
		memcpy(a->head + a->head_n, p, size * n);
		a->head_n += size * n;
	}
	return size * n;
}

static bool in_child;

void
asker_in_child(void)
{
	in_child = true;
	close(stop_fd);
}

struct answer
ask(const char *method, const char *target, const char *body)
{
	struct answer a = { .status = 0 };
	CURL *c = curl_easy_init();
	char url[9000];
	CURLcode result;

	snprintf(url, sizeof(url), "http://everleaf%s", target);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, asker_path);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 40L);
	if (body != NULL)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &a);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &a);
	result = curl_easy_perform(c);
	if (in_child && result != CURLE_OK)
		_exit(98);
	assert_int_equal(result, CURLE_OK);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
	curl_easy_cleanup(c);
	a.body = json_loadb(a.text == NULL ? "" : a.text, a.n, 0, NULL);
	assert_non_null(a.body);
	return a;
}

void
done(struct answer *a)
{
	json_decref(a->body);
	free(a->text);
}

struct answer
ask_ok(const char *method, const char *target, const char *body, long status)
{
	struct answer a = ask(method, target, body);

	if (a.status != status)
		fprintf(stderr, "%s %s: %s\n", method, target, a.text);
	assert_int_equal(a.status, status);
	return a;
}

void
refused(const char *method, const char *target, const char *body, long status,
    const char *code, const char *text)
{
	struct answer a = ask_ok(method, target, body, status);
	const json_t *e = json_object_get(a.body, "error");

	assert_string_equal(json_get(e, "code"), code);
	assert_non_null(json_get(e, "class"));
	assert_non_null(json_get(e, "doc"));
	if (text != NULL)
		assert_string_equal(json_get(e, "text"), text);
	done(&a);
}

size_t
count(const struct answer *a, const char *key)
{
	return json_array_size(json_object_get(a->body, key));
}

int
asker_setup(void **state)
{
	(void)state;
	log_open("api", LOG_LEVEL_ERROR);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	snprintf(dir, sizeof(dir), "/tmp/everleaf-api-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return -1;
	snprintf(asker_path, sizeof(asker_path), "%s/api.sock", dir);
	start(&(struct server_how){ .group = "" });
	return 0;
}

int
asker_teardown(void **state)
{
	(void)state;
	stop();
	unlink(asker_path);
	rmdir(dir);
	curl_global_cleanup();
	return 0;
}

double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
