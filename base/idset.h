/* A set of ids that remembers the order in which they came. */
#ifndef BASE_IDSET_H
#define BASE_IDSET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
	int64_t *ids;		/* n of them, as they came */
	size_t n, room;
	uint32_t *slots;	/* index into ids, and one; 0: free */
	size_t slots_n;		/* a power of two, at least 2 * n */
};

/* All zero is empty. False: it was there already. */
bool idset_add(struct idset *s, int64_t id);
/* Where it is in ids, or n if it is not there. */
size_t idset_find(const struct idset *s, int64_t id);
void idset_free(struct idset *s);	/* empty again */
#endif
