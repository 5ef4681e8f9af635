/* Doubly linked lists inside the structs that they link. A head and every
 * member are initialised with list_init; leaving twice is harmless. */
#ifndef DAEMON_LIST_H
#define DAEMON_LIST_H
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct of that type whose field is the link. */
#define LIST_OF(link, type, field) \
	((type *)(void *)((char *)(link) - offsetof(type, field)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_leave(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* Puts l last. */
static inline void
list_join(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Takes the first one out; NULL if there is none. */
static inline struct list *
list_take(struct list *head)
{
	struct list *l = head->next;

	if (l == head)
		return NULL;
	list_leave(l);
	return l;
}
#endif
