/*
 * Intrusive doubly linked list: the link lives in the element, so linking never allocates. Knows
 * nothing of who owns the elements.
 *
 * Invariant: a head or an unlinked node points at itself, so removing twice is harmless.
 */
#ifndef CTRD__UTIL_LIST_H
#define CTRD__UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ctrd__list {
	struct ctrd__list *next;
	struct ctrd__list *prev;
};

#define ctrd__container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void ctrd__list_init(struct ctrd__list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool ctrd__list_is_empty(const struct ctrd__list *head)
{
	return head->next == head;
}

static inline void ctrd__list_insert_after(struct ctrd__list *pos, struct ctrd__list *node)
{
	node->prev = pos;
	node->next = pos->next;
	pos->next->prev = node;
	pos->next = node;
}

static inline void ctrd__list_insert_head(struct ctrd__list *head, struct ctrd__list *node)
{
	ctrd__list_insert_after(head, node);
}

static inline void ctrd__list_insert_tail(struct ctrd__list *head, struct ctrd__list *node)
{
	ctrd__list_insert_after(head->prev, node);
}

static inline void ctrd__list_remove(struct ctrd__list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	ctrd__list_init(node);
}

/* First element of the list as a node, NULL when the list is empty. */
static inline struct ctrd__list *ctrd__list_first(const struct ctrd__list *head)
{
	return ctrd__list_is_empty(head) ? NULL : head->next;
}

/* Unlink and return the first node, NULL when the list is empty. */
static inline struct ctrd__list *ctrd__list_pop(struct ctrd__list *head)
{
	struct ctrd__list *node = ctrd__list_first(head);

	if (node)
		ctrd__list_remove(node);
	return node;
}

/* Move all of from to the tail of to, in order; from is empty afterwards. */
static inline void ctrd__list_splice_tail(struct ctrd__list *to, struct ctrd__list *from)
{
	if (ctrd__list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	ctrd__list_init(from);
}

/* Walk the nodes; the body may unlink (and free) the current node, and only that one. */
#define ctrd__list_foreach(node, head)                                                \
	for (struct ctrd__list *node = (head)->next, *ctrd__next_##node = node->next; \
	     node != (head); node = ctrd__next_##node, ctrd__next_##node = node->next)

#endif
