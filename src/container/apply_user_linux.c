#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "store/below.h"

#define PASSWD_SIZE_MAX (1 << 20)
#define GROUPS_MAX 65536 /* the kernel's limit */

static int find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    for (size_t size = 1024; size <= PASSWD_SIZE_MAX; size *= 4) {
        CLEANUP(xfreep) char *buf = xalloc(size);
        struct passwd passwd, *found = NULL;
        int error = getpwnam_r(name, &passwd, buf, size, &found);
        if (error == ERANGE) {
            continue;
        }
        if (found == NULL) {
            return error != 0 ? -error : -ENOENT;
        }
        *ret_uid = found->pw_uid;
        *ret_gid = found->pw_gid;
        return 0;
    }
    return -ERANGE;
}

int apply_user(struct apply *apply, const char *name, struct err *err)
{
    uid_t uid = 0;
    gid_t gid = 0;
    if (strcmp(name, "root") == 0 && geteuid() == 0) {
        return 0; /* the most frequent case needs no look into any database */
    }
    int r = find_user(name, &uid, &gid);
    if (r < 0) {
        return err_set(err, r, "Failed to get the uid of user '%s': %s", name,
                       r == -ENOENT ? "not found" : strerror(-r));
    }
    if (uid == geteuid()) {
        return 0;
    }
    int count = 32;
    for (;;) {
        apply->groups = xrealloc(apply->groups, (size_t)count, sizeof(apply->groups[0]));
        int had = count;
        if (getgrouplist(name, gid, apply->groups, &count) >= 0) {
            break;
        }
        count = count > had ? count : had * 2;
        if (count > GROUPS_MAX) {
            return err_set(err, -E2BIG, "User '%s' is in too many groups", name);
        }
    }
    apply->group_count = (size_t)count;
    apply->has_user = true;
    apply->uid = uid;
    apply->gid = gid;
    return 0;
}

int apply_stdio(const struct apply *apply, const char *dir, const char *top_dir, struct err *err)
{
    static const char *const names[] = {"stdout", "stderr"};
    int at = below_open_folder(top_dir, dir);
    if (at < 0) {
        errno = -at;
        return err_errno(err, "Failed to open sandbox '%s'", dir);
    }
    int r = 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        int fd = openat(at, names[i], O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0 || (apply->has_user && fchown(fd, apply->uid, apply->gid) != 0) ||
            dup2(fd, STDOUT_FILENO + i) < 0) {
            r = err_errno(err, "Failed to open '%s/%s'", dir, names[i]);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    close(at);
    return r;
}
