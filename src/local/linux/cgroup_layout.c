/*
 * Where the hierarchies are mounted, and where the calling process sits in them. Knows nothing of
 * containers.
 *
 * Invariant: a mount that cannot be reached by its name, because another was mounted over it, is not
 * in the layout; of several mounts of one hierarchy the one that shows most is.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/os.h"
#include "util/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOUNTINFO_MAX = 16 * 1024 * 1024, /* hosts with 10,000 mounts have 2 MiB */
	MEMBERSHIP_MAX = 1024 * 1024,
	MOUNTS_MAX = 64,
};

int ctrd__cgroup_fail(int err)
{
	errno = err;
	/* What reading a removed group, or the files of a process that has gone, says. */
	if (err == ENODEV || err == ESRCH)
		return CTRD_ENOTFOUND;
	if (err == EBUSY || err == ENOTEMPTY)
		return CTRD_EPRECONDITION;
	return ctrd__status_from_errno(err);
}

bool ctrd__slice_cut(struct ctrd__slice *rest, char stop, struct ctrd__slice *ret_part)
{
	const char *at = rest->len ? memchr(rest->data, stop, rest->len) : NULL;

	if (!at)
		return false;
	*ret_part = (struct ctrd__slice){rest->data, (size_t)(at - rest->data)};
	rest->len -= ret_part->len + 1;
	rest->data = at + 1;
	return true;
}

bool ctrd__slice_next_line(struct ctrd__slice *rest, struct ctrd__slice *ret_line)
{
	if (!rest->len)
		return false;
	if (!ctrd__slice_cut(rest, '\n', ret_line)) {
		*ret_line = *rest;
		*rest = (struct ctrd__slice){rest->data + rest->len, 0};
	}
	return true;
}

bool ctrd__slice_is(struct ctrd__slice slice, const char *text)
{
	return strlen(text) == slice.len && memcmp(slice.data, text, slice.len) == 0;
}

static bool slice_equals(struct ctrd__slice a, struct ctrd__slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool ctrd__slice_number(struct ctrd__slice slice, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (ctrd__slice_is(slice, "max")) {
		*ret_value = UINT64_MAX;
		return true;
	}
	if (!slice.len)
		return false;
	for (size_t i = 0; i < slice.len; i++) {
		unsigned int digit;

		if (!isdigit((unsigned char)slice.data[i]))
			return false;
		digit = (unsigned int)(slice.data[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return true;
}

bool ctrd__slice_lists(struct ctrd__slice list, struct ctrd__slice element)
{
	struct ctrd__slice part;

	while (ctrd__slice_cut(&list, ',', &part))
		if (slice_equals(part, element))
			return true;
	return slice_equals(list, element);
}

bool ctrd__cgroup_path_is_sane(struct ctrd__slice path)
{
	struct ctrd__slice part;
	bool more = true;

	if (!path.len || path.data[0] != '/' || memchr(path.data, '\0', path.len))
		return false;
	if (path.len == 1)
		return true;
	path.data++;
	path.len--;
	while (more) {
		more = ctrd__slice_cut(&path, '/', &part);
		if (!more)
			part = path;
		if (!part.len || ctrd__slice_is(part, ".") || ctrd__slice_is(part, ".."))
			return false;
	}
	return true;
}

bool ctrd__cgroup_next_membership(struct ctrd__slice *rest, struct ctrd__cgroup_membership *ret)
{
	static const char deleted[] = " (deleted)";
	struct ctrd__slice line, number;

	while (ctrd__slice_next_line(rest, &line)) {
		struct ctrd__cgroup_membership m;

		if (!ctrd__slice_cut(&line, ':', &number) ||
		    !ctrd__slice_cut(&line, ':', &m.controllers))
			continue;
		m.path = line;
		/* A group of this name may be there again, and would be another. */
		if (line.len >= sizeof(deleted) - 1 &&
		    memcmp(line.data + line.len - (sizeof(deleted) - 1), deleted,
			   sizeof(deleted) - 1) == 0)
			continue;
		/* ".." is outside of what our cgroup namespace shows. */
		if (!ctrd__cgroup_path_is_sane(m.path))
			continue;
		*ret = m;
		return true;
	}
	return false;
}

static struct ctrd__slice slice_of(const char *text)
{
	return (struct ctrd__slice){text, strlen(text)};
}

const struct ctrd__cgroup_mount *ctrd__cgroup_mount_of(
	const struct ctrd__cgroup_layout *layout, const struct ctrd__cgroup_membership *membership)
{
	struct ctrd__slice rest = membership->controllers;
	struct ctrd__slice first;

	for (size_t i = 0; i < layout->count; i++)
		if (ctrd__slice_is(membership->controllers, layout->mounts[i].controllers))
			return &layout->mounts[i];
	/*
	 * A text of another boot or machine may join them otherwise. Controllers are in one
	 * hierarchy each: any of them names it.
	 */
	if (!ctrd__slice_cut(&rest, ',', &first))
		first = rest;
	for (size_t i = 0; i < layout->count; i++)
		if (ctrd__slice_lists(slice_of(layout->mounts[i].controllers), first))
			return &layout->mounts[i];
	return NULL;
}

bool ctrd__cgroup_below_mount(const struct ctrd__cgroup_mount *mount, struct ctrd__slice path,
			      struct ctrd__slice *ret_below)
{
	size_t root_len = strlen(mount->root);

	if (strcmp(mount->root, "/") == 0)
		root_len = 0;
	if (path.len < root_len || memcmp(path.data, mount->root, root_len) != 0)
		return false;
	path.data += root_len;
	path.len -= root_len;
	if (path.len && path.data[0] != '/')
		return false;
	if (path.len == 1)
		path.len = 0;
	*ret_below = path;
	return true;
}

int ctrd__cgroup_read_memberships(const struct ctrd__cgroup_layout *layout, pid_t pid,
				  char **ret_text, size_t *ret_len)
{
	CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;
	int r;

	if (pid)
		ctrd__str_appendf(&path, "%s/proc/%d/cgroup", layout->prefix, (int)pid);
	else
		ctrd__str_appendf(&path, "%s/proc/self/cgroup", layout->prefix);
	if (path.oom)
		return ctrd__cgroup_fail(ENOMEM);
	r = ctrd__file_read_at(AT_FDCWD, path.data, MEMBERSHIP_MAX, ret_text, ret_len);
	if (r < 0 && errno == ESRCH)
		return CTRD_ENOTFOUND;
	return r;
}

/* One line of mountinfo. */
struct mount_line {
	uint64_t id;
	uint64_t parent;
	struct ctrd__slice root;
	struct ctrd__slice point;
	struct ctrd__slice type;
	struct ctrd__slice options; /* of the file system */
};

static bool parse_mount_line(struct ctrd__slice line, struct mount_line *ret)
{
	struct ctrd__slice id, parent, part, source;

	memset(ret, 0, sizeof(*ret));
	if (!ctrd__slice_cut(&line, ' ', &id) || !ctrd__slice_cut(&line, ' ', &parent) ||
	    !ctrd__slice_cut(&line, ' ', &part) || !ctrd__slice_cut(&line, ' ', &ret->root) ||
	    !ctrd__slice_cut(&line, ' ', &ret->point) || !ctrd__slice_cut(&line, ' ', &part))
		return false;
	/* Any number of optional fields, then "-". */
	do {
		if (!ctrd__slice_cut(&line, ' ', &part))
			return false;
	} while (!ctrd__slice_is(part, "-"));
	if (!ctrd__slice_cut(&line, ' ', &ret->type) || !ctrd__slice_cut(&line, ' ', &source))
		return false;
	ret->options = line;
	return ctrd__slice_number(id, &ret->id) && ctrd__slice_number(parent, &ret->parent) &&
	       ret->root.len && ret->root.data[0] == '/' && ret->point.len &&
	       ret->point.data[0] == '/';
}

/* Whether all of path is at or below top. */
static bool is_at_or_below(struct ctrd__slice path, struct ctrd__slice top)
{
	if (ctrd__slice_is(top, "/"))
		return true;
	return path.len >= top.len && memcmp(path.data, top.data, top.len) == 0 &&
	       (path.len == top.len || path.data[top.len] == '/');
}

struct mount_lines {
	struct mount_line *lines;
	size_t count;
};

static bool is_ancestor(const struct mount_lines *all, uint64_t ancestor,
			const struct mount_line *line)
{
	uint64_t id = line->parent;

	/* As many steps as there are mounts: the text might hold a circle. */
	for (size_t step = 0; step < all->count; step++) {
		size_t i;

		if (id == ancestor)
			return true;
		for (i = 0; i < all->count && all->lines[i].id != id; i++)
			;
		if (i == all->count || all->lines[i].parent == id)
			return false;
		id = all->lines[i].parent;
	}
	return false;
}

/* Whether a later mount covers the name of this one. Mounts it is mounted on do not. */
static bool is_hidden(const struct mount_lines *all, size_t index)
{
	const struct mount_line *line = &all->lines[index];

	for (size_t i = index + 1; i < all->count; i++)
		if (is_at_or_below(line->point, all->lines[i].point) &&
		    !is_ancestor(all, all->lines[i].id, line))
			return true;
	return false;
}

static int read_mount_lines(struct ctrd__slice text, struct mount_lines *ret)
{
	struct ctrd__slice rest = text, line;
	struct mount_line *lines;
	size_t count = 0, room = 0;

	while (ctrd__slice_next_line(&rest, &line))
		room++;
	lines = calloc(room + 1, sizeof(*lines));
	if (!lines)
		return ctrd__cgroup_fail(ENOMEM);
	rest = text;
	while (ctrd__slice_next_line(&rest, &line))
		if (parse_mount_line(line, &lines[count]))
			count++;
	*ret = (struct mount_lines){lines, count};
	return CTRD_OK;
}

/* Names as the kernel lets them be: they stand between commas and colons in other texts. */
static bool is_name(struct ctrd__slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.data[i]) &&
		    (!text.data[i] || !strchr("._-=", text.data[i])))
			return false;
	return text.len > 0;
}

/* The controllers among the options of a v1 mount: all that is not an option of the file system. */
static void append_controllers(struct ctrd__str *str, struct ctrd__slice options)
{
	static const char *const no_controllers[] = {
		"rw",	"ro",		"xattr",	  "noprefix", "clone_children",
		"none", "favordynmods", "cpuset_v2_mode", "all",      "seclabel"};
	bool more = true;

	while (more) {
		struct ctrd__slice part;
		bool skip = false;

		more = ctrd__slice_cut(&options, ',', &part);
		if (!more)
			part = options;
		for (size_t i = 0; i < sizeof(no_controllers) / sizeof(*no_controllers); i++)
			skip = skip || ctrd__slice_is(part, no_controllers[i]);
		if (memchr(part.data, '=', part.len) &&
		    (part.len < 5 || memcmp(part.data, "name=", 5) != 0))
			skip = true;
		if (skip || !is_name(part))
			continue;
		if (str->len)
			ctrd__str_append_char(str, ',');
		ctrd__str_append_n(str, part.data, part.len);
	}
}

/* Undo the octal escapes that the kernel writes for blanks and backslashes. */
static void append_unescaped(struct ctrd__str *str, struct ctrd__slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *p = text.data + i;

		if (*p == '\\' && i + 3 < text.len && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			ctrd__str_append_char(
				str, (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')));
			i += 3;
		} else {
			ctrd__str_append_char(str, *p);
		}
	}
}

static void mount_done(struct ctrd__cgroup_mount *mount)
{
	free(mount->controllers);
	free(mount->point);
	free(mount->root);
	*mount = (struct ctrd__cgroup_mount){NULL, NULL, NULL};
}

static int make_mount(const char *prefix, const struct mount_line *line,
		      struct ctrd__cgroup_mount *ret)
{
	CTRD__AUTO_STR struct ctrd__str controllers = CTRD__STR_INIT;
	CTRD__AUTO_STR struct ctrd__str point = CTRD__STR_INIT;
	CTRD__AUTO_STR struct ctrd__str root = CTRD__STR_INIT;

	if (ctrd__slice_is(line->type, "cgroup"))
		append_controllers(&controllers, line->options);
	ctrd__str_append(&point, prefix);
	append_unescaped(&point, line->point);
	append_unescaped(&root, line->root);
	ret->controllers = ctrd__str_take(&controllers);
	ret->point = ctrd__str_take(&point);
	ret->root = ctrd__str_take(&root);
	if (ret->controllers && ret->point && ret->root)
		return CTRD_OK;
	mount_done(ret);
	return ctrd__cgroup_fail(ENOMEM);
}

/* Add the mount, or put it in place of one of the same hierarchy that shows less. Takes it. */
static int add_mount(struct ctrd__cgroup_layout *layout, struct ctrd__cgroup_mount *mount)
{
	struct ctrd__cgroup_mount *bigger;

	for (size_t i = 0; i < layout->count; i++) {
		struct ctrd__cgroup_mount *old = &layout->mounts[i];

		if (strcmp(old->controllers, mount->controllers) != 0)
			continue;
		if (strlen(mount->root) < strlen(old->root)) {
			struct ctrd__cgroup_mount swap = *old;

			*old = *mount;
			*mount = swap;
		}
		mount_done(mount);
		return CTRD_OK;
	}
	bigger = layout->count < MOUNTS_MAX
			 ? realloc(layout->mounts, (layout->count + 1) * sizeof(*bigger))
			 : NULL;
	if (!bigger) {
		mount_done(mount);
		return ctrd__cgroup_fail(ENOMEM);
	}
	layout->mounts = bigger;
	layout->mounts[layout->count++] = *mount;
	return CTRD_OK;
}

static enum ctrd__cgroup_kind kind_of(const struct ctrd__cgroup_layout *layout)
{
	bool v1 = false, v2 = false;

	for (size_t i = 0; i < layout->count; i++) {
		const char *controllers = layout->mounts[i].controllers;

		if (!*controllers)
			v2 = true;
		/* A hierarchy with a name and no controller is a service manager's note book. */
		else if (strncmp(controllers, "name=", 5) != 0)
			v1 = true;
	}
	if (v1)
		return v2 ? CTRD__CGROUP_HYBRID : CTRD__CGROUP_V1;
	return v2 ? CTRD__CGROUP_V2 : CTRD__CGROUP_NONE;
}

static int fill_layout(struct ctrd__cgroup_layout *layout, const struct mount_lines *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct ctrd__cgroup_mount mount = {NULL, NULL, NULL};
		const struct mount_line *line = &all->lines[i];
		bool v1 = ctrd__slice_is(line->type, "cgroup");
		int r;

		if ((!v1 && !ctrd__slice_is(line->type, "cgroup2")) || is_hidden(all, i))
			continue;
		r = make_mount(layout->prefix, line, &mount);
		if (r < 0)
			return r;
		/* Mounted from outside of our cgroup namespace: no path can be told. */
		if (!ctrd__cgroup_path_is_sane(slice_of(mount.root)) ||
		    (v1 && !*mount.controllers)) {
			mount_done(&mount);
			continue;
		}
		r = add_mount(layout, &mount);
		if (r < 0)
			return r;
	}
	return CTRD_OK;
}

static void free_lines(struct mount_lines *all)
{
	ctrd__free_ptr(&all->lines);
}

int ctrd__cgroup_layout_parse(const char *prefix, const char *mountinfo, size_t len,
			      struct ctrd__cgroup_layout *ret_layout)
{
	CTRD__CLEANUP(free_lines) struct mount_lines all = {NULL, 0};
	CTRD__CLEANUP(ctrd__cgroup_layout_done)
	struct ctrd__cgroup_layout layout = {NULL, NULL, 0, CTRD__CGROUP_NONE};
	int r;

	layout.prefix = strdup(prefix);
	if (!layout.prefix)
		return ctrd__cgroup_fail(ENOMEM);
	r = read_mount_lines((struct ctrd__slice){mountinfo, len}, &all);
	if (r == CTRD_OK)
		r = fill_layout(&layout, &all);
	if (r < 0)
		return r;
	layout.kind = kind_of(&layout);
	*ret_layout = layout;
	layout = (struct ctrd__cgroup_layout){NULL, NULL, 0, CTRD__CGROUP_NONE};
	return CTRD_OK;
}

int ctrd__cgroup_layout_read(const char *prefix, struct ctrd__cgroup_layout *ret_layout)
{
	CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;
	char *CTRD__AUTO_FREE text = NULL;
	size_t len;
	int r;

	ctrd__str_append(&path, prefix);
	ctrd__str_append(&path, "/proc/self/mountinfo");
	if (path.oom)
		return ctrd__cgroup_fail(ENOMEM);
	r = ctrd__file_read_at(AT_FDCWD, path.data, MOUNTINFO_MAX, &text, &len);
	if (r < 0)
		return r;
	return ctrd__cgroup_layout_parse(prefix, text, len, ret_layout);
}

void ctrd__cgroup_layout_done(struct ctrd__cgroup_layout *layout)
{
	int saved = errno;

	for (size_t i = 0; i < layout->count; i++)
		mount_done(&layout->mounts[i]);
	free(layout->mounts);
	free(layout->prefix);
	*layout = (struct ctrd__cgroup_layout){NULL, NULL, 0, CTRD__CGROUP_NONE};
	errno = saved;
}

int ctrd__cgroup_self_escape_paths(const struct ctrd__cgroup_layout *layout, char ***ret_dirs)
{
	char *CTRD__AUTO_FREE text = NULL;
	char **CTRD__AUTO_STRV dirs = NULL;
	struct ctrd__cgroup_membership m;
	struct ctrd__slice rest;
	size_t len, count = 0;
	int r;

	r = ctrd__cgroup_read_memberships(layout, 0, &text, &len);
	if (r < 0)
		return r;
	dirs = calloc(layout->count + 1, sizeof(*dirs));
	if (!dirs)
		return ctrd__cgroup_fail(ENOMEM);
	rest = (struct ctrd__slice){text, len};
	while (count < layout->count && ctrd__cgroup_next_membership(&rest, &m)) {
		const struct ctrd__cgroup_mount *mount = ctrd__cgroup_mount_of(layout, &m);
		CTRD__AUTO_STR struct ctrd__str dir = CTRD__STR_INIT;
		struct ctrd__slice below;

		if (!mount || !ctrd__cgroup_below_mount(mount, m.path, &below) || !below.len)
			continue;
		ctrd__str_append(&dir, mount->point);
		ctrd__str_append_n(&dir, below.data, below.len);
		dirs[count] = ctrd__str_take(&dir);
		if (!dirs[count])
			return ctrd__cgroup_fail(ENOMEM);
		count++;
	}
	*ret_dirs = ctrd__take_ptr(dirs);
	return CTRD_OK;
}
