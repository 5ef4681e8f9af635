/* Inside store/: what a batch is made of. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H
#include "store/store.h"

enum change_kind { CHANGE_PUT, CHANGE_DEL, CHANGE_DEL_ALL, CHANGE_KINDS };

struct change {
	enum change_kind kind;
	enum table table;
	void *row;		/* owned; of a deletion only the key counts */
};

struct batch {
	struct change *v;
	size_t n, cap;
	bool too_big;		/* a row is over STORE_ROW_MAX */
};
#endif
