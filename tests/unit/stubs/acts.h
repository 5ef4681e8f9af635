/* Switches of the acts that tests run without an engine. */
#ifndef TESTS_UNIT_STUBS_ACTS_H
#define TESTS_UNIT_STUBS_ACTS_H
#include <stdbool.h>
#include "base/err.h"

void stub_acts_fail(const struct err *err);	/* NULL: no more */
void stub_acts_never_answer(bool never);	/* act_deploy() */
void stub_acts_answer(void);			/* the one that waits */
void stub_acts_bad_config(bool bad);
void stub_acts_free(void);
#endif
