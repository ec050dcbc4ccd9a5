/*
 * What the sources of JSON share, and nobody else includes: the node, and the memory yajl lives in.
 */
#ifndef CTRD__UTIL_JSON_IMPL_H
#define CTRD__UTIL_JSON_IMPL_H

#include "util/json.h"

#include <yajl/yajl_common.h>

struct ctrd__json_member {
	char *key; /* NULL in an array */
	struct ctrd__json *value;
};

struct ctrd__json {
	enum ctrd__json_type type;
	bool flag;  /* of a bool */
	char *text; /* of a string or number */
	/* of an object or array */
	struct ctrd__json_member *members;
	size_t count;
	size_t cap;
};

struct ctrd__json *ctrd__json_new_text(enum ctrd__json_type type, const char *text, size_t len);
/* Append without looking for the key; takes key and value on success only. 0 or CTRD_ENOMEM. */
int ctrd__json_add(struct ctrd__json *parent, char *key, struct ctrd__json *value);

/*
 * A bump allocator over one block that is there before yajl is called: yajl does not check what its
 * allocators return, so they must not run dry. What the block must hold is worked out by the user.
 */
struct ctrd__json_reserve {
	char *room; /* aligned for any type */
	size_t size;
	size_t used;
	void *last; /* the newest block, which can grow where it is */
};

yajl_alloc_funcs ctrd__json_reserve_funcs(struct ctrd__json_reserve *reserve);

#endif
