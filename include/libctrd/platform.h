/*
 * platform.h: what a container image is made for: operating system, architecture, variant (source: the object
 * "platform" of opencontainers/image-spec 1.1).
 *
 * A platform has two forms in text: "os[(os version)][/architecture[/variant]]", and the JSON object {"architecture",
 * "os", "os.version", "os.features", "variant"}, which some daemons take in a header (X-Requested-Platform). "os" is
 * the operating system alone, "platform" always the whole. Names of systems, architectures and variants are kept in
 * lower case. A platform does not change once it is made, so any thread may read it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_PLATFORM_H
#define CTRD_PLATFORM_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A platform. Immutable, opaque. */
typedef struct ctrd_platform ctrd_platform;

/**
 * Read a platform from "os[(os version)][/architecture[/variant]]".
 *
 * One word alone is an operating system, with this host's architecture, or an architecture, with this host's
 * operating system; it must be one that is known. More than one word are taken as they are. Other names of a system
 * or an architecture become the usual one ("macos" darwin, "x86_64" amd64, "aarch64" arm64, "armhf" arm), and so do
 * variants ("linux/arm64/8" is linux/arm64/v8, "linux/arm/v7" and "linux/arm" differ only until they are normalised).
 *
 * @param text         the platform
 * @param ret_platform the caller's, to be freed with ctrd_platform_free
 * @param ret_error    why not; may be NULL; the caller's reference
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_parse(const char *text, ctrd_platform **ret_platform,
				 ctrd_error **ret_error);

/**
 * Read a platform from its JSON object. Members that are not set stay empty; members of other names are ignored, as
 * the image specification demands. Nothing is normalised but the case.
 *
 * @param json         the text, one object
 * @param length       bytes of it
 * @param ret_platform the caller's, to be freed with ctrd_platform_free
 * @param ret_error    why not, with line and column where it is no JSON; may be NULL; the caller's reference
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_parse_json(const char *json, size_t length, ctrd_platform **ret_platform,
				      ctrd_error **ret_error);

/**
 * Tell what this host runs: its operating system, its processor and, of arm, the processor's variant.
 * @param ret_platform the caller's, to be freed with ctrd_platform_free
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_host(ctrd_platform **ret_platform);

/**
 * Give a platform the one form in which equal ones look alike: the usual name of system and architecture, the variant
 * as containerd writes it (arm is arm/v7, arm64/v8 is arm64, amd64/v1 is amd64). An empty operating system or
 * architecture becomes the host's.
 *
 * @param platform     stays as it is
 * @param ret_platform the caller's, to be freed with ctrd_platform_free
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_normalise(const ctrd_platform *platform, ctrd_platform **ret_platform);

/**
 * Give a platform as "os[(os version)][/architecture[/variant]]". The features of its system have no place there.
 * @param platform must have an operating system
 * @param ret_text NUL-terminated; the caller frees it with ctrd_free
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_format(const ctrd_platform *platform, char **ret_text);

/**
 * Give a platform as its JSON object, without the members that are empty.
 * @param platform   the platform
 * @param ret_json   NUL-terminated; the caller frees it with ctrd_free
 * @param ret_length bytes without the NUL; may be NULL
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_json(const ctrd_platform *platform, char **ret_json, size_t *ret_length);

/**
 * Tell whether two platforms are the same one, once normalised. Of the version of the operating system the first three
 * numbers must agree (Windows: major, minor, build), and only if both have one. Features that the offered one needs
 * must be among those of the wanted one.
 *
 * @param wanted  what is looked for
 * @param offered what there is
 * @return 1; 0 when they are not, and when either is NULL
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_match(const ctrd_platform *wanted, const ctrd_platform *offered);

/**
 * Tell how well a processor runs what was made for another: for choosing the best of several images.
 *
 * Like ctrd_platform_match, but an offered architecture may also be an older variant of the wanted one, 386 for amd64,
 * or 32 bit arm for arm64.
 *
 * @param wanted  what there is to run it, often ctrd_platform_host
 * @param offered what it was made for
 * @return 1 = made for exactly this; larger = further away; 0 = does not run
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_platform_rank(const ctrd_platform *wanted, const ctrd_platform *offered);

/**
 * Tell the operating system: "linux", "windows".
 * @param platform may be NULL
 * @return text that lives as long as the platform; "" when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_platform_os(const ctrd_platform *platform);

/**
 * Tell the version of the operating system: "10.0.17763.1".
 * @param platform may be NULL
 * @return text that lives as long as the platform; "" when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_platform_os_version(const ctrd_platform *platform);

/**
 * Tell the features of the operating system that are needed: "win32k".
 * @param platform may be NULL
 * @return NULL-terminated array that lives as long as the platform; never NULL
 * @thread any
 * @since 0.1
 */
CTRD_API const char *const *ctrd_platform_os_features(const ctrd_platform *platform);

/**
 * Tell the architecture: "amd64", "arm64".
 * @param platform may be NULL
 * @return text that lives as long as the platform; "" when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_platform_architecture(const ctrd_platform *platform);

/**
 * Tell the variant of the architecture: "v7".
 * @param platform may be NULL
 * @return text that lives as long as the platform; "" when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_platform_variant(const ctrd_platform *platform);

/**
 * Free a platform.
 * @param platform may be NULL
 * @return NULL
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_platform *ctrd_platform_free(ctrd_platform *platform);

#ifdef __cplusplus
}
#endif

#endif
