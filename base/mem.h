/* Memory that does not run out politely: an allocation that fails ends the
 * process, since sizes from outside are capped and the restart path is safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
#include <stdint.h>

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);			/* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
void *xmemdup(const void *p, size_t n);		/* n 0 gives NULL */

/* Overwrites n bytes so that no compiler may leave it out. */
void mem_wipe(void *p, size_t n);

/* Bytes that somebody owns; p is NULL when len is 0. */
struct blob {
	uint8_t *p;
	size_t len;
};
struct blob blob_copy(const void *p, size_t n);
void blob_free(struct blob *b);			/* leaves it empty */
void blob_wipe(struct blob *b);			/* the same for secrets */

/* A list of texts that somebody owns. */
struct strv {
	char **v;
	size_t n;
};
void strv_add(struct strv *l, const char *s);	/* copies s */
void strv_free(struct strv *l);			/* leaves it empty */
int strv_has(const struct strv *l, const char *s);
struct strv strv_copy(const struct strv *l);
void strv_sort(struct strv *l);			/* byte order */
int strv_same(const struct strv *a, const struct strv *b); /* as sets */
#endif
