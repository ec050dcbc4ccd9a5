/*
 * util/str.h and util/cleanup.h: the builder and its sticky oom, flat arrays, ownership handed on.
 */
#include "support/test.h"
#include "util/str.h"

#include <fcntl.h>
#include <string.h>

TEST(str_appends_all_kinds)
{
	CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT;

	ctrd__str_append(&s, "one");
	ctrd__str_append_char(&s, ' ');
	ctrd__str_append_n(&s, "two and more", 3);
	ctrd__str_appendf(&s, " %d %s", 3, "four");
	if (s.oom)
		return;
	CHECK_STR(s.data, "one two 3 four");
	CHECK_INT(s.len, strlen(s.data));
	ctrd__str_clear(&s);
	CHECK_STR(s.data, "");
	ctrd__str_append(&s, "again");
	CHECK_STR(s.data, "again");
}

TEST(str_grows)
{
	CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT;
	char *CTRD__AUTO_FREE big = NULL;

	for (int i = 0; i < 10000; i++)
		ctrd__str_appendf(&s, "%04d,", i);
	if (s.oom)
		return;
	CHECK_INT(s.len, 50000);
	CHECK(memcmp(s.data + 49995, "9999,", 6) == 0);
	big = ctrd__str_take(&s);
	CHECK(s.data == NULL && s.len == 0);
	/* One append that is longer than what is left. */
	ctrd__str_appendf(&s, "<%s>", big);
	if (s.oom)
		return;
	CHECK_INT(s.len, 50002);
	CHECK(s.data[0] == '<' && s.data[50001] == '>');
}

TEST(str_keeps_nul_bytes)
{
	CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT;

	ctrd__str_append_n(&s, "a\0b", 3);
	ctrd__str_append(&s, "c");
	if (s.oom)
		return;
	CHECK_INT(s.len, 4);
	CHECK(memcmp(s.data, "a\0bc", 5) == 0);
}

TEST(str_oom_is_sticky)
{
	CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT;

	ctrd__str_append(&s, "a");
	ctrd__str_append_n(&s, "", SIZE_MAX - 1);
	CHECK(s.oom);
	ctrd__str_append(&s, "b");
	ctrd__str_appendf(&s, "%d", 1);
	CHECK(s.len <= 1);
	CHECK(ctrd__str_take(&s) == NULL);
	CHECK(!s.oom && s.data == NULL);
}

TEST(str_take_of_nothing_is_empty)
{
	CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT;
	char *CTRD__AUTO_FREE text = ctrd__str_take(&s);

	if (!text)
		return;
	CHECK_STR(text, "");
}

TEST(strdup_n_takes_exactly_n)
{
	char *CTRD__AUTO_FREE copy = ctrd__strdup_n("hello", 2);
	char *CTRD__AUTO_FREE empty = ctrd__strdup_n(NULL, 0);

	CHECK(ctrd__strdup_n("x", SIZE_MAX) == NULL);
	if (!copy || !empty)
		return;
	CHECK_STR(copy, "he");
	CHECK_STR(empty, "");
}

TEST(strv_copies)
{
	const char *const words[] = {"a", "", "c d", NULL};
	CTRD__AUTO_STRV char **copy = ctrd__strv_dup(words);
	CTRD__AUTO_STRV char **empty = ctrd__strv_dup(NULL);

	CHECK_INT(ctrd__strv_len(words), 3);
	CHECK_INT(ctrd__strv_len(NULL), 0);
	if (!copy || !empty)
		return;
	CHECK_INT(ctrd__strv_len((const char *const *)copy), 3);
	for (int i = 0; i < 3; i++)
		CHECK_STR(copy[i], words[i]);
	CHECK(copy[3] == NULL && copy[0] != words[0]);
	CHECK(empty[0] == NULL);
}

TEST(cleanup_hands_over)
{
	char text[] = "x";
	char *p = text;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int kept;

	CHECK(ctrd__take_ptr(p) == text);
	CHECK(p == NULL);
	{
		CTRD__AUTO_CLOSE int armed = fd;
		kept = ctrd__take_fd(armed);
		CHECK_INT(armed, -1);
	}
	CHECK_INT(kept, fd);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	errno = ERANGE;
	{
		CTRD__AUTO_CLOSE int armed = fd;
		CTRD__AUTO_CLOSE int none = -1;
		(void)armed;
		(void)none;
	}
	CHECK_INT(errno, ERANGE);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	ctrd__close_fd(&kept);
	CHECK_INT(kept, -1);
}
