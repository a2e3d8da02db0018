#include "container/apply_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/xalloc.h"

#define SMALL_FILE_SIZE 4096

static void apply_forget_target(struct apply *apply)
{
    if (apply->has_target) {
        close(apply->target);
        apply->has_target = false;
    }
    free(TAKE_PTR(apply->target_root));
    free(TAKE_PTR(apply->target_path));
}

void apply_deinit(struct apply *apply)
{
    free(apply->groups);
    for (size_t i = 0; i < apply->shared_count; i++) {
        free(apply->shared[i]);
    }
    free(apply->shared);
    apply_forget_target(apply);
    *apply = (struct apply){0};
}

ssize_t apply_read(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    size_t got = 0;
    while (got + 1 < size) {
        ssize_t n = read(fd, buf + got, size - 1 - got);
        if (n < 0) {
            int error = errno;
            close(fd);
            return -error;
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    buf[got] = '\0';
    close(fd);
    return (ssize_t)got;
}

ssize_t apply_read_pids(const char *path, char *buf, size_t size)
{
    ssize_t got = apply_read(path, buf, size);
    if (got < 0 || (size_t)got + 1 < size) {
        return got;
    }
    while (got > 0 && buf[got - 1] != ' ' && buf[got - 1] != '\n') {
        got--;
    }
    buf[got] = '\0';
    return got;
}

int apply_write(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t n = write(fd, value, strlen(value)); /* files of the kernel take it whole */
    int error = n < 0 ? errno : 0;
    close(fd);
    return -error;
}

int apply_mkdir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST) {
        return 0;
    }
    if (errno != ENOENT) {
        return -errno;
    }
    CLEANUP(xfreep) char *parent = xstrdup(path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent) {
        return -ENOENT;
    }
    *slash = '\0';
    int r = apply_mkdir(parent, mode);
    if (r < 0) {
        return r;
    }
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

/* --- cgroups --- */

static int make_cgroup(const struct apply *apply, const struct plan_step *step, struct err *err)
{
    const char *dir = step->text[0];
    if (mkdir(dir, 0755) != 0 && !(errno == EEXIST && step->number[1] != 0)) {
        return err_errno(err, "Failed to create cgroup '%s'", dir);
    }
    if (step->number[0] != 0 && apply->has_user && chown(dir, apply->uid, apply->gid) != 0) {
        return err_errno(err, "Failed to chown cgroup '%s'", dir);
    }
    return 0;
}

static int write_value(const char *path, const char *value, struct err *err)
{
    int r = apply_write(path, value);
    if (r < 0) {
        errno = -r;
        return err_errno(err, "Failed to write '%s' to '%s'", value, path);
    }
    return 0;
}

static bool is_most(const char *value)
{
    return strcmp(value, "-1") == 0 || strcmp(value, "max") == 0;
}

static int raise_value(const char *path, const char *value, struct err *err)
{
    char now[64];
    ssize_t size = apply_read(path, now, sizeof(now));
    if (size < 0) {
        errno = (int)-size;
        return err_errno(err, "Failed to read '%s'", path);
    }
    now[strcspn(now, "\n")] = '\0';
    if (is_most(now)) {
        return 0;
    }
    if (!is_most(value) && strtoll(value, NULL, 10) <= strtoll(now, NULL, 10)) {
        return 0;
    }
    return write_value(path, value, err);
}

static int copy_of_parent(const char *dir, const char *name, struct err *err)
{
    char value[SMALL_FILE_SIZE];
    CLEANUP(xfreep) char *own = xasprintf("%s/%s", dir, name);
    ssize_t size = apply_read(own, value, sizeof(value));
    if (size > 1) {
        return 0;
    }
    CLEANUP(xfreep) char *parents = xasprintf("%s/../%s", dir, name);
    size = apply_read(parents, value, sizeof(value));
    if (size < 0) {
        errno = (int)-size;
        return err_errno(err, "Failed to read '%s'", parents);
    }
    return write_value(own, value, err);
}

static int allow_device(const char *dir, const char *path, const char *access, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return err_errno(err, "Failed to obtain device number of '%s'", path);
    }
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return err_set(err, -ENODEV, "'%s' is not a device", path);
    }
    CLEANUP(xfreep) char *file = xasprintf("%s/devices.allow", dir);
    CLEANUP(xfreep)
    char *value = xasprintf("%c %u:%u %s", S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev),
                            minor(st.st_rdev), access);
    return write_value(file, value, err);
}

/* By its first process having been born there. */
static bool is_in_cgroup(const char *dir)
{
    char text[SMALL_FILE_SIZE];
    if (apply_read("/proc/self/cgroup", text, sizeof(text)) <= 0) {
        return false;
    }
    struct slice rest = slice_from(text);
    struct slice line;
    while (slice_split(&rest, '\n', &line)) {
        if (slice_starts_with(line, SLICE("0::/"))) {
            struct slice path = slice_skip(line, strlen("0::"));
            return path.size > 1 && slice_ends_with(slice_from(dir), path);
        }
    }
    return false;
}

static int join_cgroup(const char *dir, const char *name, bool optional, bool may_be_in,
                       struct err *err)
{
    CLEANUP(xfreep) char *file = xasprintf("%s/%s", dir, name);
    if (may_be_in && is_in_cgroup(dir)) {
        return 0;
    }
    int r = apply_write(file, "0"); /* the writer itself */
    if (r == 0 || (optional && r == -ENOENT)) {
        return 0;
    }
    errno = -r;
    return err_errno(err, "Failed to enter cgroup '%s'", dir);
}

/* --- folders and files --- */

static int make_link(const char *target, const char *link, struct err *err)
{
    if (symlink(target, link) == 0) {
        return 0;
    }
    char now[SMALL_FILE_SIZE];
    ssize_t size = errno == EEXIST ? readlink(link, now, sizeof(now)) : -1;
    if (size == (ssize_t)strlen(target) && memcmp(now, target, (size_t)size) == 0) {
        return 0;
    }
    errno = errno == EINVAL ? EEXIST : errno; /* it is there, and no link */
    return err_errno(err, "Failed to symlink '%s' to '%s'", link, target);
}

static int own_like(const char *path, const char *like, struct err *err)
{
    struct stat st;
    if (stat(like, &st) != 0) {
        return err_errno(err, "Failed to get ownership for '%s'", like);
    }
    if (st.st_uid != 0 && lchown(path, st.st_uid, st.st_gid) != 0) {
        return err_errno(err, "Failed to change the ownership of '%s'", path);
    }
    return 0;
}

/* The names of a path without "." and empty ones; ".." goes back, not above the root. */
static char *normalize(const char *path)
{
    char *out = xalloc(strlen(path) + 2);
    size_t size = 0;
    struct slice rest = slice_from(path);
    struct slice name;
    while (slice_split(&rest, '/', &name)) {
        if (name.size == 0 || slice_is(name, ".")) {
            continue;
        }
        if (slice_is(name, "..")) {
            while (size > 0 && out[--size] != '/') {
            }
            continue;
        }
        out[size++] = '/';
        memcpy(out + size, name.data, name.size);
        size += name.size;
    }
    out[size] = '\0';
    return out;
}

static bool is_allowed(const char *path, const char *folders)
{
    struct slice rest = slice_from(folders);
    struct slice folder;
    while (slice_split(&rest, ':', &folder)) {
        while (folder.size > 1 && folder.data[folder.size - 1] == '/') {
            folder.size--;
        }
        if (folder.size != 0 && slice_starts_with(slice_from(path), folder) &&
            (path[folder.size] == '/' || path[folder.size] == '\0')) {
            return true;
        }
    }
    return false;
}

static int host_path(const char *path, const char *folders, struct err *err)
{
    if (access(path, F_OK) == 0) {
        return 0;
    }
    if (folders == NULL) {
        return err_set(err, -ENOENT, "Path '%s' in HOST_PATH volume does not exist", path);
    }
    CLEANUP(xfreep) char *normal = normalize(path);
    if (!is_allowed(normal, folders)) {
        return err_set(err, -ENOENT,
                       "Path '%s' in HOST_PATH volume does not exist and is not whitelisted for "
                       "creation",
                       path);
    }
    int r = apply_mkdir(normal, 0755);
    if (r < 0) {
        errno = -r;
        return err_errno(err, "Failed to create the host path at '%s'", path);
    }
    return 0;
}

/* Goes down from `root` along `path`, making folders, through no symbolic link and nowhere up: what
 * is below a sandbox belongs to users. The last name becomes a file if it must be; where it led to
 * is `ret_fd`, the caller's to close. */
static int open_below(const char *root, const char *path, bool last_is_file, uid_t uid, gid_t gid,
                      int *ret_fd, struct err *err)
{
    int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) {
        return err_errno(err, "Failed to open '%s'", root);
    }
    struct slice rest = slice_from(path);
    struct slice part;
    int r = 0;
    while (r == 0 && slice_split(&rest, '/', &part)) {
        if (part.size == 0 || slice_is(part, ".")) {
            continue;
        }
        CLEANUP(xfreep) char *name = xstrndup(part.data, part.size);
        bool file = rest.data == NULL && last_is_file;
        int next = -1;
        if (strcmp(name, "..") == 0) {
            errno = EXDEV;
        } else if (file) {
            next = openat(at, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
        } else if (mkdirat(at, name, 0755) == 0) {
            next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (next >= 0 && uid != 0 && fchownat(next, "", uid, gid, AT_EMPTY_PATH) != 0) {
                close(next);
                next = -1;
            }
        } else if (errno == EEXIST) {
            next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (next < 0) {
            r = err_errno(err, "Failed to create '%s' in '%s'", path, root);
        } else {
            close(at);
            at = next;
        }
    }
    if (r != 0) {
        close(at);
        return r;
    }
    *ret_fd = at;
    return 0;
}

static int make_below(const char *root, const char *path, bool last_is_file, uid_t uid, gid_t gid,
                      struct err *err)
{
    int fd;
    int r = open_below(root, path, last_is_file, uid, gid, &fd, err);
    if (r == 0) {
        close(fd);
    }
    return r;
}

static int make_target(struct apply *apply, const char *root, const char *path, const char *source,
                       struct err *err)
{
    struct stat st, there;
    if (stat(source, &st) != 0) {
        return err_errno(err, "Failed to stat the volume '%s'", source);
    }
    CLEANUP(xfreep) char *target = xasprintf("%s/%s", root, path);
    if (apply->is_live) {
        apply_forget_target(apply);
        int r = open_below(root, path, !S_ISDIR(st.st_mode), 0, 0, &apply->target, err);
        if (r == 0) {
            apply->has_target = true;
            apply->target_root = xstrdup(root);
            apply->target_path = TAKE_PTR(target);
        }
        return r;
    }
    if (stat(target, &there) == 0 && there.st_dev == st.st_dev && there.st_ino == st.st_ino) {
        return 0; /* it is mounted already */
    }
    return make_below(root, path, !S_ISDIR(st.st_mode), 0, 0, err);
}

static int make_folder(const char *root, const char *path, struct err *err)
{
    CLEANUP(xfreep) char *whole = xasprintf("%s/%s", root, path);
    if (access(whole, F_OK) == 0) {
        return 0;
    }
    struct stat st;
    if (stat(root, &st) != 0) {
        return err_errno(err, "Failed to stat '%s'", root);
    }
    return make_below(root, path, false, st.st_uid, st.st_gid, err);
}

static int must_exist(const char *path, const char *why, struct err *err)
{
    if (access(path, F_OK) == 0) {
        return 0;
    }
    return err_set(err, -errno, "'%s': %s", path, why);
}

static int set_oom_score(int64_t score, struct err *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)score);
    return write_value("/proc/self/oom_score_adj", text, err);
}

static int set_terminal(struct err *err)
{
    return ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0 ? 0 : err_errno(err, "Failed to set control tty");
}

int apply_step(struct apply *apply, const struct plan_step *step, struct err *err)
{
    const char *const *text = step->text;
    switch (step->type) {
    case PLAN_USER:
        return apply_user(apply, text[0], err);
    case PLAN_CGROUP:
        return make_cgroup(apply, step, err);
    case PLAN_WRITE:
        return write_value(text[0], text[1], err);
    case PLAN_RAISE:
        return raise_value(text[0], text[1], err);
    case PLAN_COPY:
        return copy_of_parent(text[0], text[1], err);
    case PLAN_DEVICE:
        return allow_device(text[0], text[1], text[2], err);
    case PLAN_JOIN:
        return join_cgroup(text[0], text[1], step->number[0] != 0, step->number[1] != 0, err);
    case PLAN_STDIO:
        return apply_stdio(apply, text[0], text[1], err);
    case PLAN_PTY:
        return apply_terminal(apply, step, err);
    case PLAN_LINK:
        return make_link(text[0], text[1], err);
    case PLAN_SOURCE:
        return host_path(text[0], text[1], err);
    case PLAN_FOLDER:
        return make_folder(text[0], text[1], err);
    case PLAN_TARGET:
        return make_target(apply, text[0], text[1], text[2], err);
    case PLAN_OWN:
        return own_like(text[0], text[1], err);
    case PLAN_EXISTS:
        return must_exist(text[0], text[1], err);
    case PLAN_SHARED:
        return apply_shared(apply, text[0], err);
    case PLAN_OOM:
        return set_oom_score(step->number[0], err);
    case PLAN_TTY:
        return set_terminal(err);
    case PLAN_ENTER:
        return apply_enter(step, err);
    case PLAN_SLAVE:
        return apply_slave(apply, err);
    case PLAN_MOUNT:
        return apply_mount(apply, step, err);
    case PLAN_BORROW:
        return apply_borrow(text[0], text[1], err);
    case PLAN_WAIT:
    case PLAN_SWEEP:
    case PLAN_FORK:
    case PLAN_RLIMIT:
    case PLAN_CHDIR:
    case PLAN_SETUSER:
    case PLAN_CAPS:
    case PLAN_NNP:
    case PLAN_ARG:
    case PLAN_ENV:
    case PLAN_EXEC:
    case PLAN_STEP_TYPES:
        break;
    }
    WRONG("a step that is not done to the host");
}
