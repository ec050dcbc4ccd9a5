/*
 * What the operating system says, in the library's statuses. Text and causes are the caller's job.
 */
#ifndef CTRD__UTIL_OS_H
#define CTRD__UTIL_OS_H

/* The status for an errno value (positive). 0 has no status of its own: CTRD_EINTERNAL. */
int ctrd__status_from_errno(int err);

#endif
