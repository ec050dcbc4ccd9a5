/*
 * spec.h: build an OCI runtime spec (source: opencontainers/runtime-spec 1.0.2) for people who have none.
 *
 * A new spec for Linux is a confined container: every namespace but user and time, containerd's default capability
 * set, masked and read-only paths, no new privileges, no devices but the standard ones. A builder belongs to one thread
 * at a time. Setters remember their first failure; ctrd_spec_json reports it, so that they may be called without a
 * check each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_SPEC_H
#define CTRD_SPEC_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A spec being built. */
typedef struct ctrd_spec ctrd_spec;

/*
 * Flags of ctrd_spec_new.
 * SECCOMP_DEFAULT: with a seccomp profile that refuses the system calls that containers have no business with.
 * HOST_NETWORK: no network namespace of its own.
 */
#define CTRD_SPEC_SECCOMP_DEFAULT 0x1u
#define CTRD_SPEC_HOST_NETWORK	  0x2u

/**
 * Begin a spec for a Linux container with sane defaults.
 * @param rootfs   path of the root file system
 * @param args     the program and its arguments, NULL-terminated, at least one
 * @param flags    CTRD_SPEC_*
 * @param ret_spec the caller's, to be freed with ctrd_spec_free
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_new(const char *rootfs, const char *const *args, uint32_t flags,
			   ctrd_spec **ret_spec);

/**
 * Free a spec.
 * @param spec may be NULL
 * @return NULL
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_spec *ctrd_spec_free(ctrd_spec *spec);

/**
 * Set an environment variable of the program.
 * @param spec  the spec
 * @param name  without '='
 * @param value its value; NULL removes it
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_env(ctrd_spec *spec, const char *name, const char *value);

/**
 * Set the working directory.
 * @param spec the spec
 * @param cwd  absolute
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_cwd(ctrd_spec *spec, const char *cwd);

/**
 * Set the user.
 * @param spec     the spec
 * @param uid, gid inside the container
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_user(ctrd_spec *spec, uint32_t uid, uint32_t gid);

/**
 * Give the program a terminal, or none. Start it with CTRD_STDIO_TERMINAL then.
 * @param spec     the spec
 * @param terminal 1 or 0
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_terminal(ctrd_spec *spec, int terminal);

/**
 * Make the root file system read-only, or writable.
 * @param spec     the spec
 * @param readonly 1 or 0
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_root_readonly(ctrd_spec *spec, int readonly);

/**
 * Set the host name.
 * @param spec the spec
 * @param name NULL = none
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_hostname(ctrd_spec *spec, const char *name);

/**
 * Bind a file or directory of the host into the container.
 * @param spec        the spec
 * @param source      absolute, on the host
 * @param destination absolute, in the container
 * @param readonly    1 or 0; mounts of the host below source stay as writable as they are
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_add_mount(ctrd_spec *spec, const char *source, const char *destination,
				 int readonly);

/**
 * Give the container a namespace of its own, the host's, or somebody's.
 * @param spec the spec
 * @param type "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
 * @param path NULL = a new one; "" = the host's; else that namespace file
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_namespace(ctrd_spec *spec, const char *type, const char *path);

/**
 * Limit memory.
 * @param spec  the spec
 * @param bytes 0 = no limit
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_memory_limit(ctrd_spec *spec, uint64_t bytes);

/**
 * Limit the number of processes.
 * @param spec the spec
 * @param pids 0 = no limit
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_pids_limit(ctrd_spec *spec, uint64_t pids);

/**
 * Limit CPU time.
 * @param spec      the spec
 * @param millicpus thousandths of one CPU; 0 = no limit
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set_cpu_limit(ctrd_spec *spec, uint64_t millicpus);

/**
 * Replace any part of the spec, for what has no setter.
 * @param spec the spec
 * @param path member names joined by '/', for example "linux/sysctl"; missing objects are made
 * @param json the new value as JSON text; NULL removes the member
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_set(ctrd_spec *spec, const char *path, const char *json);

/**
 * Give the spec as JSON text.
 * @param spec       the spec
 * @param ret_json   NUL-terminated; the caller frees it with ctrd_free
 * @param ret_length bytes without the NUL; may be NULL
 * @param ret_error  the first failure of the setters; may be NULL; the caller's reference
 * @return 0; CTRD_EINVAL; CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_spec_json(ctrd_spec *spec, char **ret_json, size_t *ret_length,
			    ctrd_error **ret_error);

#ifdef __cplusplus
}
#endif

#endif
