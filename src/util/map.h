/*
 * Hash map from a string key to a pointer. The map owns its copies of the keys and nothing else:
 * what the values point at stays the caller's. Iteration is in order of insertion.
 */
#ifndef CTRD__UTIL_MAP_H
#define CTRD__UTIL_MAP_H

#include "util/list.h"

#include <stdbool.h>
#include <stddef.h>

struct ctrd__map_entry;

struct ctrd__map {
	struct ctrd__map_entry **buckets;
	size_t bucket_count;
	size_t count;
	struct ctrd__list order;
};

struct ctrd__map_iter {
	struct ctrd__list *next;
};

/* Allocates nothing; the map must not be moved afterwards. */
void ctrd__map_init(struct ctrd__map *map);
/* Free keys and table. Values are not touched: take them out first where they are owned. */
void ctrd__map_done(struct ctrd__map *map);
/* CTRD_EEXISTS when the key is there already, CTRD_ENOMEM; the map is unchanged in both cases. */
int ctrd__map_insert(struct ctrd__map *map, const char *key, void *value);
/* The value, NULL when there is none. */
void *ctrd__map_get(const struct ctrd__map *map, const char *key);
/* Take the key out and return its value, NULL when there is none. */
void *ctrd__map_remove(struct ctrd__map *map, const char *key);
size_t ctrd__map_count(const struct ctrd__map *map);

/*
 * struct ctrd__map_iter it = ctrd__map_iter(map);
 * while (ctrd__map_next(map, &it, &key, &value)) ...
 * The body may remove the current key (not another one) and may insert. ret_key and ret_value may
 * be NULL.
 */
struct ctrd__map_iter ctrd__map_iter(const struct ctrd__map *map);
bool ctrd__map_next(const struct ctrd__map *map, struct ctrd__map_iter *iter, const char **ret_key,
		    void **ret_value);

#endif
