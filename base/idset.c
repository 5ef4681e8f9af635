/* A set of ids: open addressing over the list of them. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/idset.h"
#include "base/mem.h"

enum { SLOTS_FIRST = 64 };

/* Where it is, or the free slot where it belongs. */
static uint32_t *
slot_of(const struct idset *s, int64_t id)
{
	size_t mask = s->slots_n - 1;
	size_t at = (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 32) & mask;

	assert(s->slots_n > s->n && (s->slots_n & mask) == 0);
	while (s->slots[at] != 0 && s->ids[s->slots[at] - 1] != id)
		at = (at + 1) & mask;
	return &s->slots[at];
}

static void
grow(struct idset *s)
{
	size_t i;

	s->slots_n = s->slots_n > 0 ? 2 * s->slots_n : SLOTS_FIRST;
	s->room = s->slots_n / 2;
	assert(s->room <= UINT32_MAX && s->n < s->room);
	s->ids = xrealloc(s->ids, s->room * sizeof(*s->ids));
	free(s->slots);
	s->slots = xcalloc(s->slots_n, sizeof(*s->slots));
	for (i = 0; i < s->n; i++)
		*slot_of(s, s->ids[i]) = (uint32_t)(i + 1);
}

bool
idset_add(struct idset *s, int64_t id)
{
	uint32_t *slot;

	if (s->n == s->room)
		grow(s);
	slot = slot_of(s, id);
	if (*slot != 0)
		return false;
	s->ids[s->n++] = id;
	*slot = (uint32_t)s->n;
	assert(s->n <= s->room);
	return true;
}

size_t
idset_find(const struct idset *s, int64_t id)
{
	uint32_t at = s->n > 0 ? *slot_of(s, id) : 0;

	assert(at <= s->n);
	return at != 0 ? at - 1 : s->n;
}

void
idset_free(struct idset *s)
{
	free(s->ids);
	free(s->slots);
	memset(s, 0, sizeof(*s));
}
