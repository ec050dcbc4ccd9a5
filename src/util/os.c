/*
 * The one table from errno to status, so that the same failure has the same status wherever it
 * happens. It never touches errno itself: callers name the OS error in their message afterwards.
 */
#include "util/os.h"

#include "libctrd/base.h"

#include <errno.h>

int ctrd__status_from_errno(int err)
{
	switch (err) {
	case ENOENT:
		return CTRD_ENOTFOUND;
	case EEXIST:
		return CTRD_EEXISTS;
	case EACCES:
	case EPERM:
		return CTRD_EDENIED;
	case ENOMEM:
		return CTRD_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
		return CTRD_ERESOURCES;
	case EINVAL:
	case ELOOP:
	case ENOTDIR:
	case ENAMETOOLONG:
		return CTRD_EINVAL;
	case EFBIG:
		return CTRD_ERANGE;
	case ETIMEDOUT:
		return CTRD_EDEADLINE;
	case ENOSYS:
	case EOPNOTSUPP:
		return CTRD_ENOSYS;
	case ECONNREFUSED:
	case EPIPE:
	case ECONNRESET:
		return CTRD_EUNAVAILABLE;
	default:
		return CTRD_EINTERNAL;
	}
}
