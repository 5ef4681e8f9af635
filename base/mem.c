/* Allocation that cannot fail, owned bytes and owned lists of texts. */
#include <config.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static void *
checked(void *p)
{
	if (p == NULL) {
		static const char say[] = "everleaf: out of memory\n";

		fwrite(say, 1, sizeof(say) - 1, stderr);
		abort();
	}
	return p;
}

/* Never of size 0: what that returns differs from libc to libc, and NULL must
 * mean no memory. */
void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *
xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size > 0 ? size : 1));
}

char *
xstrdup(const char *s)
{
	return s == NULL ? NULL : xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *p = xcalloc(n + 1, 1);

	assert(s != NULL);
	memcpy(p, s, n);
	return p;
}

void *
xmemdup(const void *p, size_t n)
{
	assert(p != NULL || n == 0);
	return n == 0 ? NULL : memcpy(xcalloc(n, 1), p, n);
}

void
mem_wipe(void *p, size_t n)
{
	if (p != NULL && n > 0)
		explicit_bzero(p, n);
}

struct blob
blob_copy(const void *p, size_t n)
{
	struct blob b = { xmemdup(p, n), n };

	return b;
}

void
blob_free(struct blob *b)
{
	assert(b->p != NULL || b->len == 0);
	free(b->p);
	b->p = NULL;
	b->len = 0;
}

void
blob_wipe(struct blob *b)
{
	assert(b->p != NULL || b->len == 0);
	mem_wipe(b->p, b->len);
	blob_free(b);
}

void
strv_add(struct strv *l, const char *s)
{
	assert(s != NULL);
	assert(l->v != NULL || l->n == 0);
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = xstrdup(s);
}

void
strv_free(struct strv *l)
{
	size_t i;

	assert(l->v != NULL || l->n == 0);
	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

int
strv_has(const struct strv *l, const char *s)
{
	size_t i;

	assert(s != NULL);
	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return 1;
	return 0;
}

struct strv
strv_copy(const struct strv *l)
{
	struct strv out = { NULL, 0 };
	size_t i;

	for (i = 0; i < l->n; i++)
		strv_add(&out, l->v[i]);
	assert(out.n == l->n);
	return out;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strv_sort(struct strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_bytes);
}

/* On sorted copies, passing over doubles: O(n log n), since lists have
 * thousands of names. */
int
strv_same(const struct strv *a, const struct strv *b)
{
	struct strv x = strv_copy(a), y = strv_copy(b);
	size_t i, j;
	int same;

	strv_sort(&x);
	strv_sort(&y);
	for (i = j = 0; i < x.n && j < y.n && strcmp(x.v[i], y.v[j]) == 0; ) {
		const char *s = x.v[i];

		while (i < x.n && strcmp(x.v[i], s) == 0)
			i++;
		while (j < y.n && strcmp(y.v[j], s) == 0)
			j++;
	}
	same = i == x.n && j == y.n;
	strv_free(&x);
	strv_free(&y);
	return same;
}
