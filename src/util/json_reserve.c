/*
 * The memory yajl lives in: blocks cut off a reserve one behind the other, freed all at once with it.
 *
 * Invariant: nothing but the reserve is used as long as its user counted right, and the out-of-memory
 * test of JSON would crash where he did not. A later yajl that asks for more than that gets it from
 * malloc(), so that a wrong count alone does no harm.
 */
#include "util/json_impl.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/* In front of each block. */
union header {
	size_t size;
	max_align_t align;
};

static bool is_inside(const struct ctrd__json_reserve *reserve, const void *block)
{
	uintptr_t at = (uintptr_t)block, from = (uintptr_t)reserve->room;

	return at >= from && at < from + reserve->size;
}

static size_t round_up(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static void *reserve_malloc(void *ctx, size_t size)
{
	struct ctrd__json_reserve *reserve = ctx;
	union header *header;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = round_up(size);
	if (sizeof(*header) + size <= reserve->size - reserve->used) {
		header = (void *)(reserve->room + reserve->used);
		reserve->used += sizeof(*header) + size;
		reserve->last = header + 1;
	} else {
		header = malloc(sizeof(*header) + size);
		if (!header)
			return NULL;
	}
	header->size = size;
	return header + 1;
}

static void reserve_free(void *ctx, void *block)
{
	if (block && !is_inside(ctx, block))
		free((union header *)block - 1);
}

static void *reserve_realloc(void *ctx, void *block, size_t size)
{
	struct ctrd__json_reserve *reserve = ctx;
	union header *header = block ? (union header *)block - 1 : NULL;
	void *moved;

	if (!block)
		return reserve_malloc(ctx, size);
	if (size <= header->size)
		return block;
	if (block == reserve->last && size <= SIZE_MAX / 2 &&
	    round_up(size) - header->size <= reserve->size - reserve->used) {
		reserve->used += round_up(size) - header->size;
		header->size = round_up(size);
		return block;
	}
	moved = reserve_malloc(ctx, size);
	if (!moved)
		return NULL;
	memcpy(moved, block, header->size);
	reserve_free(ctx, block);
	return moved;
}

yajl_alloc_funcs ctrd__json_reserve_funcs(struct ctrd__json_reserve *reserve)
{
	return (yajl_alloc_funcs){reserve_malloc, reserve_realloc, reserve_free, reserve};
}
