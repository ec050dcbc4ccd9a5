/*
 * Ids: the rule, its edges and its messages.
 */
#include "id.h"

#include "test.h"

#include <libctrd/error.h>

#include <string.h>

static void check_refused(const char *id, const char *message)
{
	CHECK(!ctrd__id_is_valid(id));
	ctrd_error *error = ctrd__id_check("container id", id);
	CHECK_INT(ctrd_error_code(error), CTRD_EINVAL);
	CHECK_STR(ctrd_error_message(error), message);
	CHECK_STR(ctrd_error_origin(error), "ctrd");
	ctrd_error_unref(error);
}

TEST(id_takes_what_the_rule_allows)
{
	static const char *const ids[] = {
		"a", "Z", "0", "init", "a.b", "a_b", "a-b-c", "A1.b2_C", "0123456789abcdef"};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK(ctrd__id_is_valid(ids[i]));
		CHECK(ctrd__id_check("id", ids[i]) == NULL);
	}
}

TEST(id_may_be_just_as_long_as_the_limit)
{
	char id[CTRD_ID_MAX + 2];
	memset(id, 'a', sizeof(id));
	id[CTRD_ID_MAX] = '\0';
	CHECK(ctrd__id_is_valid(id));
	CHECK(ctrd__id_check("id", id) == NULL);

	id[CTRD_ID_MAX] = 'a';
	id[CTRD_ID_MAX + 1] = '\0';
	check_refused(id, "container id \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" "
			  "is longer than 76 bytes");
}

TEST(id_refusals_name_what_is_wrong)
{
	check_refused(NULL, "container id is NULL");
	check_refused("", "container id is empty");
	check_refused("a b", "container id \"a b\": character ' ' at byte 2 is not allowed");
	check_refused("a/b", "container id \"a/b\": character '/' at byte 2 is not allowed");
	check_refused("..", "container id \"..\": no letter or digit before '.' at byte 1");
	check_refused("-a", "container id \"-a\": no letter or digit before '-' at byte 1");
	check_refused("a--b", "container id \"a--b\": no letter or digit before '-' at byte 3");
	check_refused("a.", "container id \"a.\" ends with a separator");
	check_refused("a\n", "container id \"a?\": byte 0x0a at 2 is not allowed");
	check_refused("\xc3\xa4", "container id \"??\": byte 0xc3 at 1 is not allowed");
}
