/*
 * Ids of containers, processes and namespaces: one rule for every backend. An id that passed is safe as
 * the name of a file, a cgroup and a socket.
 */
#ifndef CTRD_SRC_ID_H
#define CTRD_SRC_ID_H

#include <libctrd/base.h>

#include <stdbool.h>

/* [A-Za-z0-9]+([._-][A-Za-z0-9]+)*, at most CTRD_ID_MAX bytes. False for NULL. */
bool ctrd__id_is_valid(const char *id);

/* NULL when the id is fine, else CTRD_EINVAL that names `what` ("container id") and what is wrong. */
ctrd_error *ctrd__id_check(const char *what, const char *id);

#endif
