/*
 * JSON that the caller hands us: OCI specs, processes and resources. Parses with limits and checks what
 * every backend needs; what only the runtime knows (does a path exist, is a mount type known) stays
 * the runtime's to refuse.
 *
 * A violation is CTRD_EINVAL with a message such as
 *	spec: process.args: must be a non-empty array of strings
 * Text that is too long or nested too deep is CTRD_ERANGE.
 * On failure ret_* but ret_error are untouched; ret_error may be NULL. The tree is the caller's.
 */
#ifndef CTRD_SRC_SPEC_CHECK_H
#define CTRD_SRC_SPEC_CHECK_H

#include <libctrd/base.h>

#include "util/json.h"

/* A whole spec: ctrd_create_options.spec. */
int ctrd__spec_check(const char *text, size_t len, struct ctrd__json **ret_spec,
		     ctrd_error **ret_error);
/* The process of an exec: args are needed, cwd and the rest may come from the container. */
int ctrd__process_check(const char *text, size_t len, struct ctrd__json **ret_process,
			ctrd_error **ret_error);
/* linux.resources of an update. */
int ctrd__resources_check(const char *text, size_t len, struct ctrd__json **ret_resources,
			  ctrd_error **ret_error);

/*
 * Give an exec's process what it lacks of the container's: cwd, user, env, capabilities,
 * noNewPrivileges, rlimits, apparmorProfile, selinuxLabel, oomScoreAdj. Never terminal, args or
 * consoleSize. A member that is null counts as lacking. 0; CTRD_ENOMEM, then `exec` is of no use.
 */
int ctrd__spec_exec_process(const struct ctrd__json *container_process, struct ctrd__json *exec);

#endif
