/*
 * util/list.h: order, splicing, and removal while walking.
 */
#include "support/test.h"
#include "util/list.h"

struct item {
	int number;
	struct ctrd__list link;
};

static int sum(struct ctrd__list *head)
{
	int n = 0;

	ctrd__list_foreach(node, head)
		n = n * 10 + ctrd__container_of(node, struct item, link)->number;
	return n;
}

TEST(list_keeps_order)
{
	struct item items[5];
	struct ctrd__list head, other;

	ctrd__list_init(&head);
	ctrd__list_init(&other);
	CHECK(ctrd__list_is_empty(&head));
	CHECK(ctrd__list_first(&head) == NULL);
	CHECK(ctrd__list_pop(&head) == NULL);
	for (int i = 0; i < 5; i++)
		items[i].number = i + 1;
	ctrd__list_insert_tail(&head, &items[0].link);
	ctrd__list_insert_tail(&head, &items[1].link);
	ctrd__list_insert_head(&head, &items[2].link);
	ctrd__list_insert_after(&items[2].link, &items[3].link);
	CHECK_INT(sum(&head), 3412);
	ctrd__list_insert_tail(&other, &items[4].link);
	ctrd__list_splice_tail(&other, &head);
	CHECK(ctrd__list_is_empty(&head));
	CHECK_INT(sum(&other), 53412);
	ctrd__list_splice_tail(&other, &head);
	CHECK_INT(sum(&other), 53412);
	CHECK(ctrd__list_pop(&other) == &items[4].link);
	CHECK_INT(sum(&other), 3412);
}

TEST(list_foreach_survives_removal)
{
	struct item items[4];
	struct ctrd__list head;

	ctrd__list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].number = i + 1;
		ctrd__list_insert_tail(&head, &items[i].link);
	}
	ctrd__list_foreach(node, &head)
	{
		if (ctrd__container_of(node, struct item, link)->number % 2 == 0)
			ctrd__list_remove(node);
	}
	CHECK_INT(sum(&head), 13);
	ctrd__list_remove(&items[1].link);
	CHECK_INT(sum(&head), 13);
	ctrd__list_foreach(node, &head) ctrd__list_remove(node);
	CHECK(ctrd__list_is_empty(&head));
}
