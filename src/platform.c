/*
 * platform.c: platforms in their two textual forms, their one canonical form, and which runs what. Not responsible
 * for what the host is (platform_unix.c).
 *
 * Invariant: os, architecture and variant of a platform are empty or words of [a-z0-9_.-], so that every platform with
 * an os can be printed and read back; a variant is never without an architecture.
 */
#include <libctrd/platform.h>

#include "error.h"
#include "platform_host.h"
#include "util/json.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

struct ctrd_platform {
	char *os;
	char *os_version;
	char *arch;
	char *variant;
	char **os_features;
};

/* What two platforms are compared by. */
struct names {
	const char *os;
	const char *arch;
	const char *variant;
};

enum {
	SHOWN_MAX = 64,
	WORDS_MAX = 3,
	ARM_OLDEST = 5,
	ARM64_V9_HAS = 5, /* v9.0 is v8.5 with more */
};

static const char *const known_os[] = {
	"aix",	   "android", "darwin",	 "dragonfly", "freebsd", "hurd",    "illumos",
	"ios",	   "js",      "linux",	 "nacl",      "netbsd",	 "openbsd", "plan9",
	"solaris", "wasip1",  "windows", "zos",	      NULL,
};

static const char *const known_arch[] = {
	"386",	   "amd64",   "amd64p32", "arm",    "armbe",	"arm64",     "arm64be",
	"loong64", "mips",    "mipsle",	  "mips64", "mips64le", "mips64p32", "mips64p32le",
	"ppc",	   "ppc64",   "ppc64le",  "riscv",  "riscv64",	"s390",	     "s390x",
	"sparc",   "sparc64", "wasm",	  NULL,
};

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

/*
 * Canonical names
 */

struct alias {
	const char *arch;
	const char *variant; /* NULL: any */
	const char *usual_arch;
	const char *usual_variant; /* NULL: stays */
};

/* The first that fits counts. Source: containerd/platforms, the rules of its database. */
static const struct alias aliases[] = {
	{"i386", NULL, "386", ""},	   {"amd64", "v1", "amd64", ""},
	{"x86_64", "v1", "amd64", ""},	   {"x86-64", "v1", "amd64", ""},
	{"x86_64", NULL, "amd64", NULL},   {"x86-64", NULL, "amd64", NULL},
	{"arm64", "8", "arm64", ""},	   {"arm64", "v8", "arm64", ""},
	{"arm64", "8.0", "arm64", ""},	   {"arm64", "v8.0", "arm64", ""},
	{"arm64", "9", "arm64", "v9"},	   {"arm64", "9.0", "arm64", "v9"},
	{"arm64", "v9.0", "arm64", "v9"},  {"aarch64", "8", "arm64", ""},
	{"aarch64", "v8", "arm64", ""},	   {"aarch64", "8.0", "arm64", ""},
	{"aarch64", "v8.0", "arm64", ""},  {"aarch64", "9", "arm64", "v9"},
	{"aarch64", "9.0", "arm64", "v9"}, {"aarch64", "v9.0", "arm64", "v9"},
	{"aarch64", NULL, "arm64", NULL},  {"armhf", NULL, "arm", "v7"},
	{"armel", NULL, "arm", "v6"},	   {"arm", "", "arm", "v7"},
	{"arm", "7", "arm", "v7"},	   {"arm", "5", "arm", "v5"},
	{"arm", "6", "arm", "v6"},	   {"arm", "8", "arm", "v8"},
};

static void normalise(struct names *names)
{
	if (strcmp(names->os, "macos") == 0)
		names->os = "darwin";
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		const struct alias *alias = &aliases[i];

		if (strcmp(alias->arch, names->arch) != 0 ||
		    (alias->variant && strcmp(alias->variant, names->variant) != 0))
			continue;
		names->arch = alias->usual_arch;
		if (alias->usual_variant)
			names->variant = alias->usual_variant;
		return;
	}
}

/* Fill what is empty from the host, whose words must live as long as the names. */
static void complete(struct names *names, const struct ctrd__platform_host *host)
{
	if (!*names->os)
		names->os = host->os;
	if (!*names->arch) {
		names->arch = host->arch;
		names->variant = host->variant;
	}
}

/*
 * Making
 */

static ctrd_platform *new_platform(const struct names *names, const char *os_version,
				   const char *const *os_features)
{
	ctrd_platform *platform = calloc(1, sizeof(*platform));

	if (!platform)
		return NULL;
	platform->os = strdup(names->os);
	platform->os_version = strdup(os_version);
	platform->arch = strdup(names->arch);
	platform->variant = strdup(names->variant);
	platform->os_features = ctrd__strv_dup(os_features);
	if (!platform->os || !platform->os_version || !platform->arch || !platform->variant ||
	    !platform->os_features)
		return ctrd_platform_free(platform);
	return platform;
}

ctrd_platform *ctrd_platform_free(ctrd_platform *platform)
{
	if (platform) {
		free(platform->os);
		free(platform->os_version);
		free(platform->arch);
		free(platform->variant);
		ctrd__strv_free(platform->os_features);
		free(platform);
	}
	return NULL;
}

static int finish(ctrd_platform *platform, ctrd_platform **ret_platform, ctrd_error **ret_error)
{
	if (!platform)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	*ret_platform = platform;
	return CTRD_OK;
}

static void lower(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 'a' - 'A');
	}
}

static bool is_word_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || c == '.' || c == '-';
}

static bool is_word(const char *text)
{
	const char *p = text;

	while (is_word_char(*p))
		p++;
	return *text && !*p;
}

/*
 * Text
 */

/* The text for a message: cut, without control characters and half UTF-8. */
static int refuse(const char *text, const char *why, ctrd_error **ret_error)
{
	char shown[SHOWN_MAX + 1];
	size_t i = 0;

	for (; text[i] && i < SHOWN_MAX; i++)
		shown[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	shown[i] = '\0';
	return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
						  "platform \"%s%s\": %s", shown,
						  text[i] ? "..." : "", why),
				  ret_error);
}

/* Cut "name(version)" in place; *ret_version is "" without one. False: no such thing. */
static bool cut_version(char *os, const char **ret_version)
{
	char *open = strchr(os, '(');
	size_t len = strlen(os);

	*ret_version = "";
	if (!open)
		return true;
	if (os[len - 1] != ')')
		return false;
	os[len - 1] = '\0';
	*open = '\0';
	*ret_version = open + 1;
	return is_word(open + 1);
}

/* One word is a system or an architecture, the rest is the host's. False: it is neither. */
static bool read_one_word(struct names *names, const struct ctrd__platform_host *host,
			  bool has_version)
{
	struct names as_os = *names, as_arch = {host->os, names->os, ""};

	normalise(&as_os);
	if (is_one_of(as_os.os, known_os)) {
		*names = as_os;
		complete(names, host);
		return true;
	}
	normalise(&as_arch);
	*names = as_arch;
	return !has_version && is_one_of(as_arch.arch, known_arch);
}

/* Variants that go without saying: of arm v7, of arm64 v8 unless it was said. */
static void shorten(struct names *names, size_t words)
{
	if (words < WORDS_MAX && strcmp(names->arch, "arm") == 0 &&
	    strcmp(names->variant, "v7") == 0)
		names->variant = "";
	if (words == WORDS_MAX && strcmp(names->arch, "arm64") == 0 && !*names->variant)
		names->variant = "v8";
}

/* Split at '/' in place; WORDS_MAX + 1 when there are more than WORDS_MAX words. */
static size_t split(char *text, char *words[WORDS_MAX])
{
	size_t count = 0;

	for (char *next = text; next && count <= WORDS_MAX; count++) {
		char *slash = strchr(next, '/');

		if (slash)
			*slash++ = '\0';
		if (count < WORDS_MAX)
			words[count] = next;
		next = slash;
	}
	return count;
}

int ctrd_platform_parse(const char *text, ctrd_platform **ret_platform, ctrd_error **ret_error)
{
	if (!text || !ret_platform)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
							  "%s is NULL",
							  text ? "ret_platform" : "platform"),
					  ret_error);
	if (!*text)
		return refuse(text, "is empty", ret_error);
	if (strchr(text, '*'))
		return refuse(text, "wildcards are not supported", ret_error);

	char *CTRD__AUTO_FREE copy = strdup(text);
	char *words[WORDS_MAX] = {NULL};
	const char *version = "";
	struct ctrd__platform_host host;

	if (!copy)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	size_t count = split(copy, words);

	if (count > WORDS_MAX)
		return refuse(text, "has more than three parts", ret_error);
	if (!cut_version(words[0], &version))
		return refuse(text, "the version must be os(version)", ret_error);
	for (size_t i = 0; i < count; i++) {
		if (!is_word(words[i]))
			return refuse(text, "each part must be one or more of A-Z a-z 0-9 _ . -",
				      ret_error);
		lower(words[i]);
	}
	struct names names = {words[0], count > 1 ? words[1] : "", count > 2 ? words[2] : ""};

	if (count == 1) {
		ctrd__platform_host(&host);
		if (!read_one_word(&names, &host, *version))
			return refuse(text, "unknown operating system or architecture", ret_error);
	} else {
		normalise(&names);
	}
	shorten(&names, count);
	return finish(new_platform(&names, version, NULL), ret_platform, ret_error);
}

int ctrd_platform_format(const ctrd_platform *platform, char **ret_text)
{
	CTRD__AUTO_STR struct ctrd__str str = CTRD__STR_INIT;

	if (!platform || !ret_text || !*platform->os)
		return CTRD_EINVAL;
	ctrd__str_append(&str, platform->os);
	if (*platform->os_version)
		ctrd__str_appendf(&str, "(%s)", platform->os_version);
	if (*platform->arch)
		ctrd__str_appendf(&str, "/%s", platform->arch);
	if (*platform->variant)
		ctrd__str_appendf(&str, "/%s", platform->variant);
	char *text = ctrd__str_take(&str);

	if (!text)
		return CTRD_ENOMEM;
	*ret_text = text;
	return CTRD_OK;
}

/*
 * JSON
 */

#define REFUSE_JSON(ret_error, ...)                                      \
	ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, \
					   "platform: " __VA_ARGS__),    \
			   ret_error)

/* A word, "" when it is not there (or null, which is how some encoders write that). */
static int read_word(const struct ctrd__json *object, const char *key, char **ret_word,
		     ctrd_error **ret_error)
{
	const struct ctrd__json *member = ctrd__json_object_get(object, key);
	const char *text = ctrd__json_string(member);

	if (!member || ctrd__json_is(member, CTRD__JSON_NULL))
		text = "";
	if (!text)
		return REFUSE_JSON(ret_error, "%s: must be a string", key);
	if (*text && !is_word(text))
		return REFUSE_JSON(ret_error, "%s: must be of A-Z a-z 0-9 _ . -", key);
	*ret_word = strdup(text);
	return *ret_word ? CTRD_OK : ctrd__error_return(ctrd__error_nomem(), ret_error);
}

static int read_features(const struct ctrd__json *object, char ***ret_features,
			 ctrd_error **ret_error)
{
	const struct ctrd__json *array = ctrd__json_object_get(object, "os.features");
	size_t count = ctrd__json_count(array);

	if (array && !ctrd__json_is(array, CTRD__JSON_ARRAY) &&
	    !ctrd__json_is(array, CTRD__JSON_NULL))
		return REFUSE_JSON(ret_error, "os.features: must be an array of strings");
	CTRD__AUTO_STRV char **features = calloc(count + 1, sizeof(*features));

	if (!features)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	for (size_t i = 0; i < count; i++) {
		const char *text = ctrd__json_string(ctrd__json_array_get(array, i));

		if (!text || !*text)
			return REFUSE_JSON(ret_error,
					   "os.features[%zu]: must be a string that is not empty",
					   i);
		features[i] = strdup(text);
		if (!features[i])
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	*ret_features = ctrd__take_ptr(features);
	return CTRD_OK;
}

static int from_object(const struct ctrd__json *object, ctrd_platform **ret_platform,
		       ctrd_error **ret_error)
{
	char *CTRD__AUTO_FREE os = NULL;
	char *CTRD__AUTO_FREE version = NULL;
	char *CTRD__AUTO_FREE arch = NULL;
	char *CTRD__AUTO_FREE variant = NULL;
	CTRD__AUTO_STRV char **features = NULL;
	int r = read_word(object, "os", &os, ret_error);

	if (!r)
		r = read_word(object, "os.version", &version, ret_error);
	if (!r)
		r = read_word(object, "architecture", &arch, ret_error);
	if (!r)
		r = read_word(object, "variant", &variant, ret_error);
	if (!r)
		r = read_features(object, &features, ret_error);
	if (r < 0)
		return r;
	if (*variant && !*arch)
		return REFUSE_JSON(ret_error, "variant: needs an architecture");
	lower(os);
	lower(arch);
	lower(variant);
	const struct names names = {os, arch, variant};

	return finish(new_platform(&names, version, (const char *const *)features), ret_platform,
		      ret_error);
}

int ctrd_platform_parse_json(const char *json, size_t length, ctrd_platform **ret_platform,
			     ctrd_error **ret_error)
{
	CTRD__AUTO_JSON struct ctrd__json *object = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";

	if (!json || !ret_platform)
		return REFUSE_JSON(ret_error, "%s is NULL", json ? "ret_platform" : "json");
	int r = ctrd__json_parse(json, length, 0, 0, &object, err);

	if (r == CTRD_ENOMEM)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	if (r < 0)
		return REFUSE_JSON(ret_error, "not JSON: %s", err);
	if (!ctrd__json_is(object, CTRD__JSON_OBJECT))
		return REFUSE_JSON(ret_error, "must be an object");
	return from_object(object, ret_platform, ret_error);
}

static int put_word(struct ctrd__json *object, const char *key, const char *word)
{
	return *word ? ctrd__json_object_set(object, key, ctrd__json_new_string(word)) : CTRD_OK;
}

static int put_features(struct ctrd__json *object, char *const *features)
{
	CTRD__AUTO_JSON struct ctrd__json *array = NULL;

	if (!*features)
		return CTRD_OK;
	array = ctrd__json_new_array();
	if (!array)
		return CTRD_ENOMEM;
	for (; *features; features++) {
		if (ctrd__json_array_append(array, ctrd__json_new_string(*features)) < 0)
			return CTRD_ENOMEM;
	}
	return ctrd__json_object_set(object, "os.features", ctrd__take_ptr(array));
}

int ctrd_platform_json(const ctrd_platform *platform, char **ret_json, size_t *ret_length)
{
	CTRD__AUTO_JSON struct ctrd__json *object = NULL;

	if (!platform || !ret_json)
		return CTRD_EINVAL;
	object = ctrd__json_new_object();
	if (!object || put_word(object, "architecture", platform->arch) < 0 ||
	    put_word(object, "os", platform->os) < 0 ||
	    put_word(object, "os.version", platform->os_version) < 0 ||
	    put_features(object, platform->os_features) < 0 ||
	    put_word(object, "variant", platform->variant) < 0)
		return CTRD_ENOMEM;
	return ctrd__json_print(object, ret_json, ret_length);
}

/*
 * The host, and what runs where
 */

int ctrd_platform_host(ctrd_platform **ret_platform)
{
	struct ctrd__platform_host host;
	struct names names = {"", "", ""};

	if (!ret_platform)
		return CTRD_EINVAL;
	ctrd__platform_host(&host);
	complete(&names, &host);
	normalise(&names);
	return finish(new_platform(&names, "", NULL), ret_platform, NULL);
}

int ctrd_platform_normalise(const ctrd_platform *platform, ctrd_platform **ret_platform)
{
	struct ctrd__platform_host host;

	if (!platform || !ret_platform)
		return CTRD_EINVAL;
	struct names names = {platform->os, platform->arch, platform->variant};

	ctrd__platform_host(&host);
	complete(&names, &host);
	normalise(&names);
	return finish(new_platform(&names, platform->os_version,
				   (const char *const *)platform->os_features),
		      ret_platform, NULL);
}

/* Bytes of the first three numbers of a version. */
static size_t build_len(const char *version)
{
	size_t len = 0;

	for (int dots = 0; version[len]; len++) {
		if (version[len] == '.' && ++dots == 3)
			break;
	}
	return len;
}

static bool is_system_fit(const ctrd_platform *wanted, const ctrd_platform *offered)
{
	size_t len = build_len(wanted->os_version);

	if (*wanted->os_version && *offered->os_version &&
	    (build_len(offered->os_version) != len ||
	     strncmp(wanted->os_version, offered->os_version, len) != 0))
		return false;
	for (char *const *feature = offered->os_features; *feature; feature++) {
		if (!is_one_of(*feature, (const char *const *)wanted->os_features))
			return false;
	}
	return true;
}

/* "v9.2" to 9 and 2; false when it is nothing of that form. */
static bool read_level(const char *variant, int *ret_major, int *ret_minor)
{
	int *into = ret_major;
	int digits = 0;

	*ret_major = 0;
	*ret_minor = 0;
	if (*variant++ != 'v')
		return false;
	for (; *variant; variant++) {
		if (*variant == '.' && into == ret_major && digits) {
			into = ret_minor;
			digits = 0;
		} else if (*variant >= '0' && *variant <= '9' && digits < 2) {
			*into = *into * 10 + (*variant - '0');
			digits++;
		} else {
			return false;
		}
	}
	return digits > 0;
}

/* How far below one variant the other is, in variants that come first; -1: it is not below. */
static int arm64_distance(const char *wanted, const char *offered)
{
	int major, minor, of_major, of_minor;

	if (!read_level(*wanted ? wanted : "v8", &major, &minor) ||
	    !read_level(*offered ? offered : "v8", &of_major, &of_minor) || major > 9 ||
	    of_major < 8)
		return -1;
	if (major == of_major)
		return of_minor <= minor ? minor - of_minor : -1;
	if (major == 9 && of_major == 8 && of_minor <= minor + ARM64_V9_HAS)
		return minor + 1 + (minor + ARM64_V9_HAS - of_minor);
	return -1;
}

static int plain_distance(const char *wanted, const char *offered, const char *unsaid, int oldest)
{
	int level, of_level, minor, of_minor;

	if (!read_level(*wanted ? wanted : unsaid, &level, &minor) ||
	    !read_level(*offered ? offered : unsaid, &of_level, &of_minor) || minor || of_minor ||
	    of_level > level || of_level < oldest)
		return -1;
	return level - of_level;
}

static int distance(const struct names *wanted, const struct names *offered)
{
	bool from_amd64 = strcmp(wanted->arch, "amd64") == 0;
	bool from_arm64 = strcmp(wanted->arch, "arm64") == 0;

	if (strcmp(wanted->arch, offered->arch) == 0) {
		if (strcmp(wanted->variant, offered->variant) == 0)
			return 0;
		if (from_amd64)
			return plain_distance(wanted->variant, offered->variant, "v1", 1);
		if (from_arm64)
			return arm64_distance(wanted->variant, offered->variant);
		if (strcmp(wanted->arch, "arm") == 0)
			return plain_distance(wanted->variant, offered->variant, "v7", ARM_OLDEST);
		return -1;
	}
	if (from_amd64 && strcmp(offered->arch, "386") == 0 && !*offered->variant) {
		int to_last = plain_distance(wanted->variant, "v1", "v1", 1);

		return to_last < 0 ? 1 : to_last + 1;
	}
	if (from_arm64 && strcmp(offered->arch, "arm") == 0) {
		int to_last = arm64_distance(wanted->variant, "v8");
		int below = plain_distance("v8", offered->variant, "v7", ARM_OLDEST);

		return below < 0 ? -1 : (to_last < 0 ? 0 : to_last) + 1 + below;
	}
	return -1;
}

int ctrd_platform_rank(const ctrd_platform *wanted, const ctrd_platform *offered)
{
	struct ctrd__platform_host host;

	if (!wanted || !offered)
		return 0;
	struct names want = {wanted->os, wanted->arch, wanted->variant};
	struct names offer = {offered->os, offered->arch, offered->variant};

	ctrd__platform_host(&host);
	complete(&want, &host);
	complete(&offer, &host);
	normalise(&want);
	normalise(&offer);
	if (strcmp(want.os, offer.os) != 0 || !is_system_fit(wanted, offered))
		return 0;
	return distance(&want, &offer) + 1;
}

int ctrd_platform_match(const ctrd_platform *wanted, const ctrd_platform *offered)
{
	return ctrd_platform_rank(wanted, offered) == 1;
}

const char *ctrd_platform_os(const ctrd_platform *platform)
{
	return platform ? platform->os : "";
}

const char *ctrd_platform_os_version(const ctrd_platform *platform)
{
	return platform ? platform->os_version : "";
}

const char *const *ctrd_platform_os_features(const ctrd_platform *platform)
{
	static const char *const none[] = {NULL};

	return platform ? (const char *const *)platform->os_features : none;
}

const char *ctrd_platform_architecture(const ctrd_platform *platform)
{
	return platform ? platform->arch : "";
}

const char *ctrd_platform_variant(const ctrd_platform *platform)
{
	return platform ? platform->variant : "";
}
