/*
 * The parts that a new spec is put together from. Only spec.c includes this.
 */
#ifndef CTRD_SRC_SPEC_PARTS_H
#define CTRD_SRC_SPEC_PARTS_H

#include "util/json.h"

/* A confined Linux container that lacks root.path and process.args. 0; CTRD_ENOMEM. */
int ctrd__spec_default(struct ctrd__json **ret_spec);

/* linux.seccomp: the default profile for the architecture that this is built for. 0; CTRD_ENOMEM. */
int ctrd__spec_seccomp(struct ctrd__json **ret_seccomp);

#endif
