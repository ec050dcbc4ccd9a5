/*
 * spec_seccomp.c: the default system call filter. It refuses (EPERM) what is not listed: everything that
 * changes the host (mounts, modules, clocks, kexec), makes namespaces, reaches keys or tracing of the
 * kernel, or has no use in a container and a record of holes. Not responsible for capabilities: calls
 * that these guard well enough are let through.
 *
 * Invariant: clone3 answers ENOSYS, never EPERM: its flags are behind a pointer that a filter cannot
 * read, and C libraries fall back to clone, whose flags are checked here.
 */
#include "spec_parts.h"

#include <libctrd/base.h>

#include <errno.h>

/* Separated by blanks. Names that an architecture does not have are skipped by runtimes. */
static const char *const allowed[] = {
	/* files: open, read, write, close */
	"open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev "
	"pwrite64 pwritev pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 ioctl fsync fdatasync "
	"sync syncfs sync_file_range sync_file_range2 arm_sync_file_range truncate truncate64 "
	"ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 arm_fadvise64_64 readahead sendfile "
	"sendfile64 copy_file_range splice tee vmsplice flock memfd_create memfd_secret",
	/* files: names, attributes, directories */
	"stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat oldstat oldlstat oldfstat statx "
	"statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 chmod fchmod fchmodat "
	"fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat utime utimes utimensat "
	"utimensat_time64 futimesat mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat "
	"readlink readlinkat unlink unlinkat rename renameat renameat2 getcwd chdir fchdir chroot "
	"umask getdents getdents64 readdir getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr "
	"listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr name_to_handle_at",
	/* waiting for files and events */
	"select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create "
	"epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 "
	"eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64 "
	"timerfd_settime timerfd_settime64 inotify_init inotify_init1 inotify_add_watch "
	"inotify_rm_watch fanotify_mark io_setup io_destroy io_submit io_cancel io_getevents "
	"io_pgetevents io_pgetevents_time64",
	/* memory */
	"brk mmap mmap2 munmap mremap mprotect pkey_alloc pkey_free pkey_mprotect madvise "
	"process_madvise process_mrelease mincore msync mlock mlock2 munlock mlockall munlockall "
	"membarrier remap_file_pages map_shadow_stack cachestat",
	/* processes and threads; ptrace reaches no further than the container's own processes */
	"fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid "
	"getpgid getpgrp setpgid getsid setsid set_tid_address set_thread_area get_thread_area "
	"arch_prctl prctl rseq set_robust_list get_robust_list pidfd_open pidfd_getfd "
	"pidfd_send_signal ptrace process_vm_readv process_vm_writev restart_syscall seccomp "
	"landlock_create_ruleset landlock_add_rule landlock_restrict_self capget capset",
	/* users and groups */
	"getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 setuid setuid32 setgid "
	"setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid "
	"setresgid32 getresuid getresuid32 getresgid getresgid32 setfsuid setfsuid32 setfsgid "
	"setfsgid32 getgroups getgroups32 setgroups setgroups32",
	/* signals */
	"kill tkill tgkill signal sigaction rt_sigaction sigprocmask rt_sigprocmask sigpending "
	"rt_sigpending sigsuspend rt_sigsuspend sigreturn rt_sigreturn rt_sigqueueinfo "
	"rt_tgsigqueueinfo rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack pause alarm getitimer "
	"setitimer",
	/* locks and time; clocks are read only, but by those with the capability for it */
	"futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue nanosleep clock_gettime "
	"clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 "
	"gettimeofday time times timer_create timer_delete timer_getoverrun timer_gettime "
	"timer_gettime64 timer_settime timer_settime64 adjtimex clock_adjtime clock_adjtime64",
	/* scheduling and limits */
	"sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam "
	"sched_getscheduler sched_setscheduler sched_getattr sched_setattr sched_get_priority_max "
	"sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority "
	"setpriority nice ioprio_get ioprio_set getrlimit ugetrlimit setrlimit prlimit64 getrusage "
	"getcpu",
	/* network */
	"socketpair socketcall bind listen accept accept4 connect shutdown getsockname getpeername "
	"getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg "
	"recvmmsg_time64 pipe pipe2",
	/* messages between processes */
	"ipc shmget shmat shmdt shmctl semget semop semctl semtimedop semtimedop_time64 msgget msgsnd "
	"msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive "
	"mq_timedreceive_time64 mq_notify mq_getsetattr",
	/* about the system */
	"uname olduname oldolduname sysinfo getrandom",
/* what only some architectures have */
#if defined(__i386__) || defined(__x86_64__)
	"modify_ldt",
#elif defined(__arm__) || defined(__aarch64__)
	"breakpoint cacheflush set_tls get_tls",
#elif defined(__s390x__)
	"s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
#elif defined(__powerpc64__)
	"swapcontext",
#elif defined(__riscv)
	"riscv_flush_icache riscv_hwprobe",
#endif
};

/*
 * The native architecture, then what its kernel also runs. x32 is left out: no image uses it, and a
 * second set of numbers for every call is a second chance for mistakes.
 */
static const char *const architectures[] = {
#if defined(__x86_64__)
	"SCMP_ARCH_X86_64",
	"SCMP_ARCH_X86",
#elif defined(__i386__)
	"SCMP_ARCH_X86",
#elif defined(__aarch64__)
	"SCMP_ARCH_AARCH64",
	"SCMP_ARCH_ARM",
#elif defined(__arm__)
	"SCMP_ARCH_ARM",
#elif defined(__s390x__)
	"SCMP_ARCH_S390X",
	"SCMP_ARCH_S390",
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	"SCMP_ARCH_PPC64LE",
#elif defined(__riscv) && __riscv_xlen == 64
	"SCMP_ARCH_RISCV64",
#else
#error "which seccomp architecture is this?"
#endif
};

enum {
	/* CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; CLONE_NEWTIME is for unshare and clone3 alone */
	NAMESPACE_FLAGS = 0x7e020000,
#ifdef __s390x__
	CLONE_FLAGS_ARG = 1,
#else
	CLONE_FLAGS_ARG = 0,
#endif
	ADDRESS_FAMILY_VSOCK =
		40, /* not part of any network namespace: it reaches the hypervisor */
};

/* An argument that a call is compared by. */
struct condition {
	int index;
	uint64_t value;
	uint64_t value_two;
	const char *op;
};

/* A call that is allowed with certain arguments only. A call with several rows: any may hold. */
static const struct {
	const char *name;
	struct condition condition;
} conditional[] = {
	{"clone", {CLONE_FLAGS_ARG, NAMESPACE_FLAGS, 0, "SCMP_CMP_MASKED_EQ"}},
	{"socket", {0, ADDRESS_FAMILY_VSOCK, 0, "SCMP_CMP_NE"}},
	/* Linux, 32 bit, UNAME26, both, and the question which it is */
	{"personality", {0, 0x0, 0, "SCMP_CMP_EQ"}},
	{"personality", {0, 0x8, 0, "SCMP_CMP_EQ"}},
	{"personality", {0, 0x20000, 0, "SCMP_CMP_EQ"}},
	{"personality", {0, 0x20008, 0, "SCMP_CMP_EQ"}},
	{"personality", {0, 0xffffffff, 0, "SCMP_CMP_EQ"}},
};

static int append_names(struct ctrd__json *names, const char *list)
{
	while (*list) {
		char name[32];
		size_t len = 0;

		while (*list && *list != ' ' && len < sizeof(name) - 1)
			name[len++] = *list++;
		name[len] = '\0';
		while (*list == ' ')
			list++;
		int status = ctrd__json_array_append(names, ctrd__json_new_string(name));

		if (status < 0)
			return status;
	}
	return 0;
}

/* A rule {"names":[],"action":action} at the end of rules; NULL without memory. */
static struct ctrd__json *append_rule(struct ctrd__json *rules, const char *action,
				      const char *names)
{
	struct ctrd__json *rule = ctrd__json_new_object();

	if (ctrd__json_array_append(rules, rule) < 0 ||
	    ctrd__json_object_set(rule, "names", ctrd__json_new_array()) < 0 ||
	    append_names(ctrd__json_object_get(rule, "names"), names) < 0 ||
	    ctrd__json_object_set(rule, "action", ctrd__json_new_string(action)) < 0)
		return NULL;
	return rule;
}

static int append_condition(struct ctrd__json *rule, const struct condition *condition)
{
	struct ctrd__json *args = ctrd__json_new_array();
	struct ctrd__json *arg = ctrd__json_new_object();
	int status = ctrd__json_object_set(rule, "args", args);

	if (status < 0) {
		ctrd__json_free(arg);
		return status;
	}
	status = ctrd__json_array_append(args, arg);
	if (!status)
		status = ctrd__json_object_set(arg, "index", ctrd__json_new_int(condition->index));
	if (!status)
		status = ctrd__json_object_set(arg, "value", ctrd__json_new_uint(condition->value));
	if (!status)
		status = ctrd__json_object_set(arg, "valueTwo",
					       ctrd__json_new_uint(condition->value_two));
	if (!status)
		status = ctrd__json_object_set(arg, "op", ctrd__json_new_string(condition->op));
	return status;
}

static int append_rules(struct ctrd__json *rules)
{
	struct ctrd__json *rule = append_rule(rules, "SCMP_ACT_ALLOW", "");

	if (!rule)
		return CTRD_ENOMEM;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int status = append_names(ctrd__json_object_get(rule, "names"), allowed[i]);

		if (status < 0)
			return status;
	}
	for (size_t i = 0; i < sizeof(conditional) / sizeof(conditional[0]); i++) {
		rule = append_rule(rules, "SCMP_ACT_ALLOW", conditional[i].name);
		int status = rule ? append_condition(rule, &conditional[i].condition) : CTRD_ENOMEM;

		if (status < 0)
			return status;
	}
	rule = append_rule(rules, "SCMP_ACT_ERRNO", "clone3");
	return rule ? ctrd__json_object_set(rule, "errnoRet", ctrd__json_new_int(ENOSYS))
		    : CTRD_ENOMEM;
}

int ctrd__spec_seccomp(struct ctrd__json **ret_seccomp)
{
	CTRD__AUTO_JSON struct ctrd__json *seccomp = ctrd__json_new_object();
	struct ctrd__json *arches = ctrd__json_new_array();
	struct ctrd__json *rules = ctrd__json_new_array();
	int status = ctrd__json_object_set(seccomp, "architectures", arches);
	int rules_status = ctrd__json_object_set(seccomp, "syscalls", rules);

	if (status < 0 || rules_status < 0)
		return CTRD_ENOMEM;
	status = ctrd__json_object_set(seccomp, "defaultAction",
				       ctrd__json_new_string("SCMP_ACT_ERRNO"));
	for (size_t i = 0; !status && i < sizeof(architectures) / sizeof(architectures[0]); i++)
		status = append_names(arches, architectures[i]);
	if (!status)
		status = append_rules(rules);
	if (!status)
		*ret_seccomp = ctrd__take_ptr(seccomp);
	return status;
}
