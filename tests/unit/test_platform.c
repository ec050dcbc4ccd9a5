/*
 * Platforms: both textual forms there and back, the canonical form, what is the same and what runs on what.
 */
#include <libctrd/error.h>
#include <libctrd/platform.h>

#include "platform_host.h"
#include "test.h"

#include <string.h>
#include <sys/utsname.h>

static ctrd_platform *parse(const char *text)
{
	ctrd_platform *platform = NULL;
	ctrd_error *error = NULL;
	if (ctrd_platform_parse(text, &platform, &error) != 0)
		FAIL("%s", ctrd_error_message(error));
	return platform;
}

static ctrd_platform *parse_json(const char *text)
{
	ctrd_platform *platform = NULL;
	ctrd_error *error = NULL;
	if (ctrd_platform_parse_json(text, strlen(text), &platform, &error) != 0)
		FAIL("%s", ctrd_error_message(error));
	return platform;
}

static void check_format(const ctrd_platform *platform, const char *expected)
{
	char *text = NULL;
	CHECK_INT(ctrd_platform_format(platform, &text), 0);
	CHECK_STR(text, expected);
	ctrd_free(text);
}

static void check_json(const ctrd_platform *platform, const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	CHECK_INT(ctrd_platform_json(platform, &text, &length), 0);
	CHECK_STR(text, expected);
	CHECK_INT(strlen(text), length);
	ctrd_free(text);
}

static void check_refused(const char *text, const char *message)
{
	ctrd_platform *platform = NULL;
	ctrd_error *error = NULL;
	CHECK_INT(ctrd_platform_parse(text, &platform, &error), CTRD_EINVAL);
	CHECK_STR(ctrd_error_message(error), message);
	CHECK(platform == NULL);
	ctrd_error_unref(error);
}

static void check_json_refused(const char *text, const char *message)
{
	ctrd_platform *platform = NULL;
	ctrd_error *error = NULL;
	CHECK_INT(ctrd_platform_parse_json(text, strlen(text), &platform, &error), CTRD_EINVAL);
	CHECK_STR(ctrd_error_message(error), message);
	CHECK(platform == NULL);
	ctrd_error_unref(error);
}

TEST(platform_is_parsed_and_normalised)
{
	static const struct {
		const char *text, *parsed, *normalised;
	} rows[] = {
		{"linux/amd64", "linux/amd64", "linux/amd64"},
		{"Linux/AMD64", "linux/amd64", "linux/amd64"},
		{"linux/x86_64", "linux/amd64", "linux/amd64"},
		{"linux/x86-64", "linux/amd64", "linux/amd64"},
		{"linux/amd64/v1", "linux/amd64", "linux/amd64"},
		{"linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v3"},
		{"linux/i386", "linux/386", "linux/386"},
		{"linux/aarch64", "linux/arm64", "linux/arm64"},
		{"linux/arm64", "linux/arm64", "linux/arm64"},
		{"linux/arm64/v8", "linux/arm64/v8", "linux/arm64"},
		{"linux/arm64/8", "linux/arm64/v8", "linux/arm64"},
		{"linux/arm64/v9", "linux/arm64/v9", "linux/arm64/v9"},
		{"linux/arm64/9.0", "linux/arm64/v9", "linux/arm64/v9"},
		{"linux/arm", "linux/arm", "linux/arm/v7"},
		{"linux/armhf", "linux/arm", "linux/arm/v7"},
		{"linux/armel", "linux/arm/v6", "linux/arm/v6"},
		{"linux/arm/7", "linux/arm/v7", "linux/arm/v7"},
		{"linux/arm/v7", "linux/arm/v7", "linux/arm/v7"},
		{"linux/arm/5", "linux/arm/v5", "linux/arm/v5"},
		{"linux/arm/8", "linux/arm/v8", "linux/arm/v8"},
		{"macOS/arm64", "darwin/arm64", "darwin/arm64"},
		{"windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64",
		 "windows(10.0.17763)/amd64"},
		{"some-os/some_arch/x.1", "some-os/some_arch/x.1", "some-os/some_arch/x.1"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ctrd_platform *platform = parse(rows[i].text), *usual = NULL;
		test_note("%s", rows[i].text);
		check_format(platform, rows[i].parsed);
		CHECK_INT(ctrd_platform_normalise(platform, &usual), 0);
		check_format(usual, rows[i].normalised);
		CHECK(ctrd_platform_match(platform, usual));
		ctrd_platform_free(platform);
		ctrd_platform_free(usual);
	}
}

TEST(platform_of_one_word_takes_the_rest_from_the_host)
{
	ctrd_platform *host = NULL;
	CHECK_INT(ctrd_platform_host(&host), 0);
	CHECK(*ctrd_platform_os(host) && *ctrd_platform_architecture(host));
	CHECK_STR(ctrd_platform_os(host), "linux");

	ctrd_platform *platform = parse("linux");
	CHECK(ctrd_platform_match(host, platform));
	ctrd_platform_free(platform);
	platform = parse("windows(10.0.1)");
	CHECK_STR(ctrd_platform_os(platform), "windows");
	CHECK_STR(ctrd_platform_os_version(platform), "10.0.1");
	CHECK_STR(ctrd_platform_architecture(platform), ctrd_platform_architecture(host));
	ctrd_platform_free(platform);
	platform = parse("armel");
	CHECK_STR(ctrd_platform_os(platform), ctrd_platform_os(host));
	CHECK_STR(ctrd_platform_architecture(platform), "arm");
	CHECK_STR(ctrd_platform_variant(platform), "v6");
	ctrd_platform_free(platform);

	/* Empty is the host's too, once normalised. */
	platform = parse_json("{}");
	ctrd_platform *usual = NULL;
	CHECK_INT(ctrd_platform_normalise(platform, &usual), 0);
	CHECK(ctrd_platform_match(host, usual) && ctrd_platform_match(host, platform));
	CHECK_STR(ctrd_platform_os(usual), ctrd_platform_os(host));
	ctrd_platform_free(usual);
	ctrd_platform_free(platform);
	ctrd_platform_free(host);
}

TEST(platform_names_the_processors_of_kernels)
{
	static const struct {
		const char *machine, *arch, *variant;
	} rows[] = {
		{"x86_64", "amd64", ""},	{"i686", "386", ""},	 {"aarch64", "arm64", ""},
		{"armv7l", "arm", "v7"},	{"armv6l", "arm", "v6"}, {"armv5tel", "arm", "v5"},
		{"ppc64le", "ppc64le", ""},	{"s390x", "s390x", ""},	 {"riscv64", "riscv64", ""},
		{"loongarch64", "loong64", ""}, {"something", "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *arch, *variant;
		ctrd__platform_machine(rows[i].machine, &arch, &variant);
		CHECK_STR(arch, rows[i].arch);
		CHECK_STR(variant, rows[i].variant);
	}
}

TEST(platform_refuses_what_is_none)
{
	check_refused(NULL, "platform is NULL");
	check_refused("", "platform \"\": is empty");
	check_refused("linux/*", "platform \"linux/*\": wildcards are not supported");
	check_refused("a/b/c/d", "platform \"a/b/c/d\": has more than three parts");
	check_refused("toaster", "platform \"toaster\": unknown operating system or architecture");
	check_refused("amd64(1)",
		      "platform \"amd64(1)\": unknown operating system or architecture");
	check_refused("linux(1", "platform \"linux(1\": the version must be os(version)");
	check_refused("linux()/arm", "platform \"linux()/arm\": the version must be os(version)");
	check_refused("(", "platform \"(\": the version must be os(version)");
	check_refused("()", "platform \"()\": the version must be os(version)");
	check_refused("linux/",
		      "platform \"linux/\": each part must be one or more of A-Z a-z 0-9 _ . -");
	check_refused("/", "platform \"/\": each part must be one or more of A-Z a-z 0-9 _ . -");
	check_refused(
		"linux/am d64\x01",
		"platform \"linux/am d64?\": each part must be one or more of A-Z a-z 0-9 _ . -");
	CHECK_INT(ctrd_platform_parse("linux/arm", NULL, NULL), CTRD_EINVAL);
}

TEST(platform_is_read_from_json_and_back)
{
	static const char whole[] =
		"{\"architecture\":\"arm\",\"os\":\"windows\",\"os.version\":\"10.0.17763.1\","
		"\"os.features\":[\"win32k\",\"b\"],\"variant\":\"v7\"}";
	ctrd_platform *platform = parse_json(whole);
	check_json(platform, whole);
	check_format(platform, "windows(10.0.17763.1)/arm/v7");
	CHECK_STR(ctrd_platform_os_features(platform)[1], "b");
	CHECK(ctrd_platform_os_features(platform)[2] == NULL);
	ctrd_platform_free(platform);

	platform = parse_json("{\"architecture\":\"AMD64\",\"os\":\"Linux\"}");
	check_json(platform, "{\"architecture\":\"amd64\",\"os\":\"linux\"}");
	ctrd_platform_free(platform);

	/* A member of a later specification, and the way some encoders write nothing. */
	platform = parse_json("{\"os\":\"linux\",\"features\":[1],\"variant\":null,"
			      "\"os.features\":null}");
	check_json(platform, "{\"os\":\"linux\"}");
	check_format(platform, "linux");
	ctrd_platform_free(platform);
	platform = parse_json("{}");
	check_json(platform, "{}");
	char *text = NULL;
	CHECK_INT(ctrd_platform_format(platform, &text), CTRD_EINVAL);
	ctrd_platform_free(platform);

	platform = parse("linux/arm");
	check_json(platform, "{\"architecture\":\"arm\",\"os\":\"linux\"}");
	ctrd_platform_free(platform);
}

TEST(platform_refuses_json_that_is_none)
{
	check_json_refused("[]", "platform: must be an object");
	check_json_refused("{\"os\":",
			   "platform: not JSON: line 1, column 7: the text ends within a "
			   "value");
	check_json_refused("{\"os\":1}", "platform: os: must be a string");
	check_json_refused("{\"os\":\"a/b\"}", "platform: os: must be of A-Z a-z 0-9 _ . -");
	check_json_refused("{\"os.version\":\"1 \"}",
			   "platform: os.version: must be of A-Z a-z 0-9 _ . -");
	check_json_refused("{\"os.features\":\"x\"}",
			   "platform: os.features: must be an array of strings");
	check_json_refused("{\"os.features\":[\"x\",\"\"]}",
			   "platform: os.features[1]: must be a string that is not empty");
	check_json_refused("{\"variant\":\"v7\"}", "platform: variant: needs an architecture");
	CHECK_INT(ctrd_platform_parse_json(NULL, 0, NULL, NULL), CTRD_EINVAL);
}

static int rank(const char *wanted, const char *offered)
{
	ctrd_platform *a = parse(wanted), *b = parse(offered);
	int rank = ctrd_platform_rank(a, b);
	CHECK_INT(ctrd_platform_match(a, b), rank == 1);
	ctrd_platform_free(a);
	ctrd_platform_free(b);
	return rank;
}

TEST(platform_ranks_what_a_processor_runs)
{
	static const struct {
		const char *wanted, *offered;
		int rank;
	} rows[] = {
		{"linux/amd64", "linux/amd64", 1},
		{"linux/amd64", "linux/x86_64/v1", 1},
		{"linux/amd64", "linux/amd64/v2", 0},
		{"linux/amd64", "windows/amd64", 0},
		{"linux/amd64", "linux/arm64", 0},
		{"linux/amd64", "linux/386", 2},
		{"linux/amd64/v3", "linux/amd64/v3", 1},
		{"linux/amd64/v3", "linux/amd64/v2", 2},
		{"linux/amd64/v3", "linux/amd64", 3},
		{"linux/amd64/v3", "linux/386", 4},
		{"linux/386", "linux/amd64", 0},
		{"linux/arm/v7", "linux/arm", 1},
		{"linux/arm/v7", "linux/arm/v6", 2},
		{"linux/arm/v7", "linux/arm/v5", 3},
		{"linux/arm/v7", "linux/arm/v4", 0},
		{"linux/arm/v6", "linux/arm", 0},
		{"linux/arm64", "linux/arm64/v8", 1},
		{"linux/arm64", "linux/arm/v8", 2},
		{"linux/arm64", "linux/arm", 3},
		{"linux/arm64", "linux/arm/v5", 5},
		{"linux/arm", "linux/arm64", 0},
		{"linux/arm64/v8.2", "linux/arm64", 3},
		{"linux/arm64/v9", "linux/arm64/v8.5", 2},
		{"linux/arm64/v9", "linux/arm64", 7},
		{"linux/arm64/v9", "linux/arm64/v8.6", 0},
		{"linux/arm64/v9", "linux/arm/v8", 8},
		{"linux/arm64", "linux/arm64/v9", 0},
		{"linux/arm64/vX", "linux/arm64", 0},
		{"linux/s390x", "linux/s390x", 1},
		{"linux/s390x/z15", "linux/s390x", 0},
		{"macos/arm64", "darwin/aarch64", 1},
		{"windows(10.0.17763.1)/amd64", "windows(10.0.17763.999)/amd64", 1},
		{"windows(10.0.17763)/amd64", "windows/amd64", 1},
		{"windows(10.0.17763)/amd64", "windows(10.0.1776)/amd64", 0},
		{"windows(10.0.17763)/amd64", "windows(10.0.20348.1)/amd64", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_note("%s runs %s", rows[i].wanted, rows[i].offered);
		CHECK_INT(rank(rows[i].wanted, rows[i].offered), rows[i].rank);
	}
}

TEST(platform_needs_the_features_of_the_offered_one)
{
	ctrd_platform *plain = parse("windows/amd64");
	ctrd_platform *rich = parse_json("{\"os\":\"windows\",\"architecture\":\"amd64\","
					 "\"os.features\":[\"win32k\"]}");
	CHECK(ctrd_platform_match(rich, plain) && ctrd_platform_match(rich, rich));
	CHECK(!ctrd_platform_match(plain, rich));
	ctrd_platform_free(plain);
	ctrd_platform_free(rich);
}

TEST(platform_of_null_is_nothing)
{
	ctrd_platform *platform = parse("linux/arm");
	char *text = NULL;
	CHECK(!ctrd_platform_match(platform, NULL) && !ctrd_platform_match(NULL, platform));
	CHECK_INT(ctrd_platform_rank(NULL, NULL), 0);
	CHECK_STR(ctrd_platform_os(NULL), "");
	CHECK_STR(ctrd_platform_os_version(NULL), "");
	CHECK_STR(ctrd_platform_architecture(NULL), "");
	CHECK_STR(ctrd_platform_variant(NULL), "");
	CHECK(ctrd_platform_os_features(NULL)[0] == NULL);
	CHECK(ctrd_platform_free(NULL) == NULL);
	CHECK_INT(ctrd_platform_host(NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_platform_format(NULL, &text), CTRD_EINVAL);
	CHECK_INT(ctrd_platform_json(NULL, &text, NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_platform_normalise(NULL, &platform), CTRD_EINVAL);
	ctrd_platform_free(platform);
}
