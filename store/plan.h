/* Inside store/: how the store in memory answers a query. */
#ifndef STORE_PLAN_H
#define STORE_PLAN_H
#include "store/backend.h"
#include "store/index.h"

/* indexes: all n of the query's table, the key's first. */
void plan_answer(const struct index *indexes, int n, const struct query *q,
    struct rows *out);
#endif
