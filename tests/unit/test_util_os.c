/*
 * util/os.h and util/clock.h: the table of statuses, and that the clocks run.
 */
#include "libctrd/base.h"
#include "support/test.h"
#include "util/clock.h"
#include "util/os.h"

#include <errno.h>
#include <time.h>

TEST(errno_has_a_status)
{
	static const struct {
		int err;
		int status;
	} table[] = {
		{ENOENT, CTRD_ENOTFOUND},    {EEXIST, CTRD_EEXISTS},
		{EACCES, CTRD_EDENIED},	     {EPERM, CTRD_EDENIED},
		{ENOMEM, CTRD_ENOMEM},	     {ENOSPC, CTRD_ERESOURCES},
		{EDQUOT, CTRD_ERESOURCES},   {EMFILE, CTRD_ERESOURCES},
		{ENFILE, CTRD_ERESOURCES},   {EINVAL, CTRD_EINVAL},
		{ELOOP, CTRD_EINVAL},	     {ENOTDIR, CTRD_EINVAL},
		{ENAMETOOLONG, CTRD_EINVAL}, {ETIMEDOUT, CTRD_EDEADLINE},
		{ENOSYS, CTRD_ENOSYS},	     {EOPNOTSUPP, CTRD_ENOSYS},
		{EPIPE, CTRD_EUNAVAILABLE},  {ECONNREFUSED, CTRD_EUNAVAILABLE},
		{EFBIG, CTRD_ERANGE},	     {ECONNRESET, CTRD_EUNAVAILABLE},
		{EIO, CTRD_EINTERNAL},	     {0, CTRD_EINTERNAL},
		{99999, CTRD_EINTERNAL},
	};

	errno = EBUSY;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		CHECK_INT(ctrd__status_from_errno(table[i].err), table[i].status);
	CHECK_INT(errno, EBUSY);
}

TEST(clocks_advance)
{
	int64_t before = ctrd__now_mono_ns();
	int64_t real = ctrd__now_real_ns();
	time_t now = time(NULL);

	CHECK(ctrd__now_mono_ns() >= before);
	CHECK(real / 1000000000 >= now - 2 && real / 1000000000 <= now + 2);
}
