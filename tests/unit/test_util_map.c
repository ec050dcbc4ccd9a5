/*
 * util/map.h: look-ups while it grows and shrinks, order of iteration, removal while iterating.
 */
#include "libctrd/base.h"
#include "support/test.h"
#include "util/cleanup.h"
#include "util/map.h"

#include <stdio.h>

enum { MANY = 300 };

#define AUTO_MAP CTRD__CLEANUP(ctrd__map_done)

static char *key_of(char key[16], int i)
{
	(void)snprintf(key, 16, "key-%d", i);
	return key;
}

/* False when memory ran out on purpose. */
static bool fill(struct ctrd__map *map, int count, int *numbers)
{
	char key[16];

	for (int i = 0; i < count; i++) {
		int r = ctrd__map_insert(map, key_of(key, i), &numbers[i]);

		if (r == CTRD_ENOMEM) {
			/* What is there stays as it was. */
			CHECK_INT(ctrd__map_count(map), i);
			CHECK(ctrd__map_get(map, key) == NULL);
			return false;
		}
		CHECK_INT(r, 0);
	}
	return true;
}

TEST(map_finds_what_was_put)
{
	static int numbers[MANY];
	AUTO_MAP struct ctrd__map map;
	char key[16];

	ctrd__map_init(&map);
	CHECK(ctrd__map_get(&map, "x") == NULL);
	CHECK(ctrd__map_remove(&map, "x") == NULL);
	if (!fill(&map, MANY, numbers))
		return;
	CHECK_INT(ctrd__map_count(&map), MANY);
	CHECK_INT(ctrd__map_insert(&map, "key-7", &map), CTRD_EEXISTS);
	for (int i = 0; i < MANY; i++)
		CHECK(ctrd__map_get(&map, key_of(key, i)) == &numbers[i]);
	CHECK(ctrd__map_get(&map, "key") == NULL);
	CHECK(ctrd__map_get(&map, "") == NULL);
	for (int i = 0; i < MANY; i += 2)
		CHECK(ctrd__map_remove(&map, key_of(key, i)) == &numbers[i]);
	CHECK_INT(ctrd__map_count(&map), MANY / 2);
	for (int i = 0; i < MANY; i++)
		CHECK(ctrd__map_get(&map, key_of(key, i)) == (i % 2 ? &numbers[i] : NULL));
}

TEST(map_iterates_in_order_and_survives_removal)
{
	int numbers[20];
	AUTO_MAP struct ctrd__map map;
	struct ctrd__map_iter it;
	const char *key;
	char expected[16];
	void *value;
	int n = 0;

	ctrd__map_init(&map);
	it = ctrd__map_iter(&map);
	CHECK(!ctrd__map_next(&map, &it, &key, &value));
	if (!fill(&map, 20, numbers))
		return;
	it = ctrd__map_iter(&map);
	while (ctrd__map_next(&map, &it, &key, &value)) {
		CHECK_STR(key, key_of(expected, n));
		CHECK(value == &numbers[n]);
		CHECK(ctrd__map_remove(&map, key) == value);
		n++;
	}
	CHECK_INT(n, 20);
	CHECK_INT(ctrd__map_count(&map), 0);
	if (ctrd__map_insert(&map, "again", NULL) < 0)
		return;
	CHECK_INT(ctrd__map_count(&map), 1);
}
