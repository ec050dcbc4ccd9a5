/*
 * Errors, statuses and the version: what is said when something failed.
 */
#include "error.h"

#include "test.h"

#include <libctrd/version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

TEST(error_keeps_what_it_was_made_of)
{
	ctrd_error *cause = ctrd__error_new(CTRD_EDENIED, "oci", EPERM, NULL, "mount failed");
	ctrd_error *error = ctrd__error_new(CTRD_EINTERNAL, "local", 0, cause,
					    "start \"%s\": crun failed", "c1");
	CHECK_INT(ctrd_error_code(error), CTRD_EINTERNAL);
	CHECK_STR(ctrd_error_message(error), "start \"c1\": crun failed");
	CHECK_STR(ctrd_error_origin(error), "local");
	CHECK_INT(ctrd_error_os(error), 0);
	CHECK(ctrd_error_cause(error) == cause);
	CHECK_INT(ctrd_error_os(ctrd_error_cause(error)), EPERM);
	CHECK(ctrd_error_cause(cause) == NULL);
	CHECK(ctrd_error_unref(error) == NULL);
}

TEST(error_lives_until_its_last_reference)
{
	ctrd_error *error = ctrd__error_new(CTRD_ENOTFOUND, "ctrd", 0, NULL, "gone");
	CHECK(ctrd_error_ref(error) == error);
	CHECK(ctrd_error_unref(error) == NULL);
	CHECK_STR(ctrd_error_message(error), "gone");
	ctrd_error_unref(error);
}

TEST(error_cause_outlives_the_error_around_it)
{
	ctrd_error *cause = ctrd__error_new(CTRD_EDENIED, "oci", 0, NULL, "inner");
	ctrd_error_ref(cause);
	ctrd_error_unref(ctrd__error_new(CTRD_EINTERNAL, "local", 0, cause, "outer"));
	CHECK_STR(ctrd_error_message(cause), "inner");
	ctrd_error_unref(cause);
}

TEST(error_message_is_one_line_and_bounded)
{
	ctrd_error *error = ctrd__error_new(CTRD_EUNKNOWN, "oci", 0, NULL, "a\nb\r\nc");
	CHECK_STR(ctrd_error_message(error), "a b  c");
	ctrd_error_unref(error);

	error = ctrd__error_new(CTRD_EUNKNOWN, "oci", 0, NULL, "%0*d", 100000, 0);
	CHECK(strlen(ctrd_error_message(error)) < 4096);
	ctrd_error_unref(error);
}

TEST(error_of_no_memory_is_always_there)
{
	ctrd_error *error = ctrd__error_nomem();
	CHECK_INT(ctrd_error_code(error), CTRD_ENOMEM);
	CHECK_STR(ctrd_error_message(error), "out of memory");
	for (int i = 0; i < 3; i++)
		ctrd_error_unref(error);
	CHECK(ctrd_error_ref(error) == error);
	CHECK_INT(ctrd_error_code(error), CTRD_ENOMEM);
}

TEST(error_is_handed_over_or_dropped)
{
	ctrd_error *error = NULL;
	CHECK_INT(ctrd__error_return(ctrd__error_new(CTRD_EEXISTS, "ctrd", 0, NULL, "x"), &error),
		  CTRD_EEXISTS);
	CHECK_STR(ctrd_error_message(error), "x");
	ctrd_error_unref(error);
	CHECK_INT(ctrd__error_return(ctrd__error_new(CTRD_EEXISTS, "ctrd", 0, NULL, "x"), NULL),
		  CTRD_EEXISTS);
}

TEST(error_getters_take_null)
{
	CHECK_INT(ctrd_error_code(NULL), CTRD_OK);
	CHECK_STR(ctrd_error_message(NULL), "");
	CHECK_STR(ctrd_error_origin(NULL), "");
	CHECK_INT(ctrd_error_os(NULL), 0);
	CHECK(ctrd_error_cause(NULL) == NULL);
	CHECK(ctrd_error_ref(NULL) == NULL);
	CHECK(ctrd_error_unref(NULL) == NULL);
}

TEST(status_has_a_name)
{
	CHECK_STR(ctrd_status_name(CTRD_OK), "OK");
	CHECK_STR(ctrd_status_name(CTRD_ENOTFOUND), "ENOTFOUND");
	CHECK_STR(ctrd_status_name(CTRD_EABI), "EABI");
	CHECK_STR(ctrd_status_name(-999), "EUNKNOWN");
	CHECK_STR(ctrd_status_name(1), "EUNKNOWN");
	/* Every number in use has a name of its own. */
	for (int status = CTRD_EUNAUTH; status < CTRD_OK; status++)
		CHECK(status == CTRD_EUNKNOWN || strcmp(ctrd_status_name(status), "EUNKNOWN") != 0);
	for (int status = CTRD_EABI; status <= CTRD_ENOMEM; status++)
		CHECK(strcmp(ctrd_status_name(status), "EUNKNOWN") != 0);
}

TEST(version_is_that_of_the_headers)
{
	char text[32];
	snprintf(text, sizeof(text), "%d.%d.%d", CTRD_VERSION_MAJOR, CTRD_VERSION_MINOR,
		 CTRD_VERSION_PATCH);
	CHECK_STR(ctrd_version_string(), text);
	CHECK_INT(ctrd_version(), CTRD_VERSION);
}
