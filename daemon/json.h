/* Small words around Jansson, so that every answer spells times, lists and
 * absent things the same way (interface.md section 4). Values that are made
 * here belong to the caller, as Jansson's own. */
#ifndef DAEMON_JSON_H
#define DAEMON_JSON_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 16 };

/* Jansson's memory from base/mem.h; before any other call. */
void json_use_our_memory(void);

/* Reads bytes from outside: depth capped, doubled keys refused. NULL and err
 * (ERR_USAGE_BAD); `what` begins its text: "the body". */
json_t *json_read(const char *p, size_t n, const char *what, struct err *err);
/* One line of text that the caller frees; keys keep their order. */
char *json_write(const json_t *j);

json_t *json_text(const char *s);	/* NULL and "" become null; bytes that
					 * are no UTF-8 are escaped */
json_t *json_time(int64_t ms);		/* 0 becomes null */
json_t *json_list(const struct strv *l);
json_t *json_lines(const char *s);	/* one item a line; NULL: [] */

/* Member of an object as text; NULL if it is absent or another type. */
const char *json_get(const json_t *j, const char *key);
int64_t json_get_int(const json_t *j, const char *key);	/* 0 if absent */
bool json_get_true(const json_t *j, const char *key);
/* A member that holds a time; 0 if it holds none. */
int64_t json_get_time(const json_t *j, const char *key);
#endif
