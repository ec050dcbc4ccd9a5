/*
 * spec_default.c: what a container gets that nobody asked anything for. Not responsible for the system
 * call filter (spec_seccomp.c), or for where the container's cgroup is: the backend decides that.
 *
 * Invariant: nothing here needs a privilege that the program starting containers may lack: no limit is
 * raised, no score lowered.
 */
#include "spec_parts.h"

#include <libctrd/base.h>

#include <string.h>

/* Enough for images' usual programs (chown, su, ping, a server on port 80), too little for the kernel. */
#define CAPABILITIES                                                                       \
	"[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FSETID\",\"CAP_FOWNER\",\"CAP_MKNOD\"," \
	"\"CAP_NET_RAW\",\"CAP_SETGID\",\"CAP_SETUID\",\"CAP_SETFCAP\",\"CAP_SETPCAP\","   \
	"\"CAP_NET_BIND_SERVICE\",\"CAP_SYS_CHROOT\",\"CAP_KILL\",\"CAP_AUDIT_WRITE\"]"

/* Not inheritable: a program of another user would gain them from its file's bits. */
static const char process[] =
	"{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},\"args\":[],"
	"\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"],"
	"\"cwd\":\"/\",\"capabilities\":{"
	"\"bounding\":" CAPABILITIES ",\"effective\":" CAPABILITIES ",\"permitted\":" CAPABILITIES
	"},\"noNewPrivileges\":true}";

static const char mounts[] =
	"[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
	"\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\","
	"\"gid=5\"]},"
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
	"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}]";

/* Time is not among them: runc 1.1 does not know it. */
static const char namespaces[] =
	"[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"
	"{\"type\":\"mount\"},{\"type\":\"cgroup\"}]";

#define CHAR_DEVICE(number) "{\"allow\":true,\"type\":\"c\"," number ",\"access\":\"rwm\"}"

static const char resources[] =
	"{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}," /* all others */
	CHAR_DEVICE("\"major\":1,\"minor\":3") ","	      /* null */
	CHAR_DEVICE("\"major\":1,\"minor\":5") ","	      /* zero */
	CHAR_DEVICE("\"major\":1,\"minor\":7") ","	      /* full */
	CHAR_DEVICE("\"major\":1,\"minor\":8") ","	      /* random */
	CHAR_DEVICE("\"major\":1,\"minor\":9") ","	      /* urandom */
	CHAR_DEVICE("\"major\":5,\"minor\":0") ","	      /* tty */
	CHAR_DEVICE("\"major\":5,\"minor\":1") ","	      /* console */
	CHAR_DEVICE("\"major\":5,\"minor\":2") ","	      /* ptmx */
	CHAR_DEVICE("\"major\":136") "]}";		      /* pts, every minor */

/* What tells of the host's hardware, keys and timers. */
static const char masked_paths[] =
	"[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\","
	"\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\",\"/proc/scsi\","
	"\"/sys/firmware\",\"/sys/devices/virtual/powercap\"]";

/* What changes the host when written. */
static const char readonly_paths[] =
	"[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]";

/* Parse one of the texts above into a member. */
static int set(struct ctrd__json *object, const char *key, const char *text)
{
	struct ctrd__json *value = NULL;
	int status = ctrd__json_parse(text, strlen(text), 0, 0, &value, NULL);

	return status < 0 ? status : ctrd__json_object_set(object, key, value);
}

static int set_linux(struct ctrd__json *spec)
{
	struct ctrd__json *part = ctrd__json_new_object();
	int status = ctrd__json_object_set(spec, "linux", part);

	if (status < 0)
		return status;
	status = set(part, "namespaces", namespaces);
	if (!status)
		status = set(part, "resources", resources);
	if (!status)
		status = set(part, "maskedPaths", masked_paths);
	if (!status)
		status = set(part, "readonlyPaths", readonly_paths);
	return status;
}

int ctrd__spec_default(struct ctrd__json **ret_spec)
{
	CTRD__AUTO_JSON struct ctrd__json *spec = ctrd__json_new_object();
	int status = spec ? set(spec, "ociVersion", "\"1.0.2\"") : CTRD_ENOMEM;

	if (!status)
		status = set(spec, "process", process);
	if (!status)
		status = set(spec, "root", "{\"path\":\"\",\"readonly\":false}");
	if (!status)
		status = set(spec, "mounts", mounts);
	if (!status)
		status = set_linux(spec);
	if (!status)
		*ret_spec = ctrd__take_ptr(spec);
	return status;
}
