/* What the tests of the configuration share: a folder of their own with a
 * main file, drop-ins and the shipped presets, and one call that reads it. */
#ifndef TESTS_CONF_TEST_H
#define TESTS_CONF_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/conf_check.h"
#include "daemon/conf_table.h"
#include "daemon/conf_whole.h"

/* Makes an empty folder, chdirs there and links presets/ to the shipped
 * ones; the second puts all of it away. */
int folder_open(void **state);
int folder_close(void **state);
const char *folder(void);		/* its absolute path */
void put_file(const char *path, const char *text);

/* Reads everleaf.conf in the folder. What was said is in said, one line each,
 * until the next call. */
struct conf *read_conf(const struct conf *before);
extern char *said;
/* Writes main (and conf.d/b.conf, if not NULL), reads. */
struct conf *read_texts(const char *main, const char *b);

char *show(const struct conf *c);	/* the caller frees it */

/* In conf_again.c, conf_csr.c, conf_files.c, conf_manual.c. */
extern const struct CMUnitTest again_tests[], csr_tests[], files_tests[],
    manual_tests[];
extern const size_t again_tests_n, csr_tests_n, files_tests_n, manual_tests_n;
#endif
