/*
 * terminal.c: pseudo-terminals for fake processes. Real ones, so that a size that was set can be asked for.
 */
#include "fake/fake_client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

int ctrd__fake_terminal_resize(int master, uint16_t columns, uint16_t rows)
{
	struct winsize size = {.ws_col = columns, .ws_row = rows};

	return ioctl(master, TIOCSWINSZ, &size) ? -errno : 0;
}

int ctrd__fake_terminal_open(uint16_t columns, uint16_t rows, int *ret_master, int ret_process[3])
{
	int unlocked = 0;
	CTRD__AUTO_CLOSE int master =
		ctrd__fd_above_2(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked))
		return -errno;
	if (columns && rows) {
		int status = ctrd__fake_terminal_resize(master, columns, rows);
		if (status)
			return status;
	}
	CTRD__AUTO_CLOSE int in =
		ctrd__fd_above_2(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (in < 0)
		return -errno;
	CTRD__AUTO_CLOSE int out = ctrd__fd_dup(in);
	if (out < 0)
		return -errno;
	CTRD__AUTO_CLOSE int err = ctrd__fd_dup(in);
	if (err < 0)
		return -errno;
	ret_process[0] = ctrd__take_fd(in);
	ret_process[1] = ctrd__take_fd(out);
	ret_process[2] = ctrd__take_fd(err);
	*ret_master = ctrd__take_fd(master);
	return 0;
}
