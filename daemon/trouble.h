/* What stands in the way of all that the engine does: an inventory that can't
 * be opened or written. Nothing is ordered then and nothing changes, and who
 * asks is told. Beside it the notice: what a person must have seen once; and
 * what keeps the engine busy for some seconds, which is no trouble: what would
 * change anything waits for its end. */
#ifndef DAEMON_TROUBLE_H
#define DAEMON_TROUBLE_H
#include <stdbool.h>
#include "base/err.h"

/* blind: there are no rows to be shown either. True when it is news, for the
 * caller to log. */
bool trouble_set(const struct err *err, bool blind);
bool trouble_clear(void);		/* true: there was some */
const struct err *trouble_now(void);	/* NULL: none */
int64_t trouble_since(void);
bool trouble_blind(void);

/* Until busy_clear(); the first time counts for busy_since(). True when it is
 * news. */
bool busy_set(const struct err *err);
void busy_clear(void);
const struct err *busy_now(void);	/* NULL: not busy */
int64_t busy_since(void);
/* over() is called at the end of each, in the turn that ends it. NULL: nobody
 * waits any more. */
void busy_watch(void (*over)(void));

/* A copy; shown in `status` as long as the file exists that it is about, or,
 * where file is NULL, until until_ms. err NULL: nothing any more. */
void notice_set(const struct err *err, const char *file, int64_t until_ms);
const struct err *notice_now(void);	/* NULL: none */
#endif
