/*
 * Hash map by chaining; entries also hang in a list in order of insertion, which is what iteration
 * follows. Keys come from callers that could as well fill memory directly, so the hash has no seed.
 *
 * Invariant: count entries are in both the chains and the list; bucket_count is 0 or a power of two
 * and at least count.
 */
#include "util/map.h"

#include "libctrd/base.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAP_BUCKETS_MIN = 8 };

struct ctrd__map_entry {
	struct ctrd__map_entry *chain;
	struct ctrd__list order;
	void *value;
	uint32_t hash;
	char key[];
};

/* FNV-1a */
static uint32_t hash_key(const char *key)
{
	uint32_t hash = 2166136261u;

	for (const unsigned char *p = (const unsigned char *)key; *p; p++)
		hash = (hash ^ *p) * 16777619u;
	return hash;
}

/* The link that points at the key's entry, or the NULL link where it would go. */
static struct ctrd__map_entry **find_link(const struct ctrd__map *map, const char *key,
					  uint32_t hash)
{
	struct ctrd__map_entry **link = &map->buckets[hash & (map->bucket_count - 1)];

	while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
		link = &(*link)->chain;
	return link;
}

static bool grow(struct ctrd__map *map)
{
	size_t n = map->bucket_count ? map->bucket_count * 2 : MAP_BUCKETS_MIN;
	struct ctrd__map_entry **buckets = calloc(n, sizeof(struct ctrd__map_entry *));

	if (!buckets)
		return false;
	ctrd__list_foreach(node, &map->order)
	{
		struct ctrd__map_entry *entry =
			ctrd__container_of(node, struct ctrd__map_entry, order);
		struct ctrd__map_entry **bucket = &buckets[entry->hash & (n - 1)];

		entry->chain = *bucket;
		*bucket = entry;
	}
	free(map->buckets);
	map->buckets = buckets;
	map->bucket_count = n;
	return true;
}

void ctrd__map_init(struct ctrd__map *map)
{
	map->buckets = NULL;
	map->bucket_count = 0;
	map->count = 0;
	ctrd__list_init(&map->order);
}

void ctrd__map_done(struct ctrd__map *map)
{
	ctrd__list_foreach(node, &map->order)
		free(ctrd__container_of(node, struct ctrd__map_entry, order));
	free(map->buckets);
	ctrd__map_init(map);
}

int ctrd__map_insert(struct ctrd__map *map, const char *key, void *value)
{
	uint32_t hash = hash_key(key);
	size_t size = strlen(key) + 1;
	struct ctrd__map_entry **link;
	struct ctrd__map_entry *entry;

	if (map->bucket_count && *find_link(map, key, hash))
		return CTRD_EEXISTS;
	if (map->count >= map->bucket_count && !grow(map))
		return CTRD_ENOMEM;
	entry = malloc(sizeof(*entry) + size);
	if (!entry)
		return CTRD_ENOMEM;
	entry->chain = NULL;
	entry->value = value;
	entry->hash = hash;
	memcpy(entry->key, key, size);
	link = find_link(map, key, hash);
	*link = entry;
	ctrd__list_insert_tail(&map->order, &entry->order);
	map->count++;
	return CTRD_OK;
}

void *ctrd__map_get(const struct ctrd__map *map, const char *key)
{
	struct ctrd__map_entry *entry;

	if (!map->bucket_count)
		return NULL;
	entry = *find_link(map, key, hash_key(key));
	return entry ? entry->value : NULL;
}

void *ctrd__map_remove(struct ctrd__map *map, const char *key)
{
	struct ctrd__map_entry **link;
	struct ctrd__map_entry *entry;
	void *value;

	if (!map->bucket_count)
		return NULL;
	link = find_link(map, key, hash_key(key));
	entry = *link;
	if (!entry)
		return NULL;
	*link = entry->chain;
	ctrd__list_remove(&entry->order);
	map->count--;
	value = entry->value;
	free(entry);
	return value;
}

size_t ctrd__map_count(const struct ctrd__map *map)
{
	return map->count;
}

struct ctrd__map_iter ctrd__map_iter(const struct ctrd__map *map)
{
	return (struct ctrd__map_iter){map->order.next};
}

bool ctrd__map_next(const struct ctrd__map *map, struct ctrd__map_iter *iter, const char **ret_key,
		    void **ret_value)
{
	struct ctrd__map_entry *entry;

	if (iter->next == &map->order)
		return false;
	entry = ctrd__container_of(iter->next, struct ctrd__map_entry, order);
	iter->next = iter->next->next;
	if (ret_key)
		*ret_key = entry->key;
	if (ret_value)
		*ret_value = entry->value;
	return true;
}
