#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/init/init.h"

/* --- capabilities --- */

struct capability_sets {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
};

static int get_sets(struct capability_sets *ret)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0) {
        return -errno;
    }
    ret->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    ret->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    ret->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

static int set_sets(const struct capability_sets *sets)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
        {(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32),
         (uint32_t)(sets->inheritable >> 32)},
    };
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

static int drop_bounding(uint64_t keep)
{
    for (int n = 0; prctl(PR_CAPBSET_READ, n, 0, 0, 0) >= 0; n++) {
        if ((keep >> n & 1) == 0 && prctl(PR_CAPBSET_DROP, n, 0, 0, 0) != 0) {
            return -errno;
        }
    }
    return 0;
}

static int raise_ambient(uint64_t mask)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        return -errno;
    }
    for (int n = 0; n < 64; n++) {
        if ((mask >> n & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) != 0) {
            return -errno;
        }
    }
    return 0;
}

/* Effective ones fill all five sets, unless bounding ones are given; inheritable always equals
 * bounding (facts/observed.md, containers 13). */
static int set_capabilities(const struct plan_step *step, struct err *err)
{
    bool has_effective = (step->number[2] & PLAN_CAPS_EFFECTIVE) != 0;
    uint64_t effective = (uint64_t)step->number[0];
    uint64_t bounding =
        (step->number[2] & PLAN_CAPS_BOUNDING) != 0 ? (uint64_t)step->number[1] : effective;
    struct capability_sets sets = {0};
    int r = get_sets(&sets);
    if (r == 0) {
        sets.effective |= UINT64_C(1) << CAP_SETPCAP; /* cleared with the change of user */
        r = set_sets(&sets);
    }
    if (r == 0) {
        r = drop_bounding(bounding);
    }
    if (r == 0) {
        if (has_effective) {
            sets.effective = sets.permitted = effective;
        }
        sets.inheritable = bounding;
        r = set_sets(&sets);
    }
    if (r == 0 && has_effective) {
        r = raise_ambient(effective);
    }
    errno = -r;
    return r == 0 ? 0 : err_errno(err, "Failed to set process capabilities");
}

/* --- the others --- */

static int set_user(const struct apply *apply, bool keep_capabilities, struct err *err)
{
    if (!apply->has_user) {
        return 0;
    }
    if (keep_capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return err_errno(err, "Failed to set process control for keeping capabilities");
    }
    if (setresgid(apply->gid, apply->gid, apply->gid) != 0) {
        return err_errno(err, "Failed to set gid to %u", apply->gid);
    }
    if (setgroups(apply->group_count, apply->groups) != 0) {
        return err_errno(err, "Failed to set supplementary gids");
    }
    if (setresuid(apply->uid, apply->uid, apply->uid) != 0) {
        return err_errno(err, "Failed to set uid to %u", apply->uid);
    }
    return 0;
}

static int set_limit(const struct plan_step *step, struct err *err)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)step->number[1],
                           .rlim_max = (rlim_t)step->number[2]};
    if (setrlimit((__rlimit_resource_t)step->number[0], &limit) != 0) {
        return err_errno(err, "Failed to set resource limit %d", (int)step->number[0]);
    }
    return 0;
}

static int change_folder(const char *path, struct err *err)
{
    if (chdir(path) != 0) {
        return err_errno(err, "Failed to chdir into current working directory '%s'", path);
    }
    return 0;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* A name without a slash is looked for in the sandbox first, then in PATH (as the original
 * does). */
static char *find_program(const char *name, const char *folders)
{
    if (strchr(name, '/') != NULL) {
        return xstrdup(name);
    }
    char *found = xasprintf("./%s", name);
    struct slice rest = slice_from(folders);
    struct slice folder;
    while (!is_program(found) && slice_split(&rest, ':', &folder)) {
        free(found);
        found = folder.size != 0 ? xasprintf("%.*s/%s", SLICE_ARGS(folder), name)
                                 : xasprintf("./%s", name);
    }
    return found;
}

struct words {
    char **items; /* borrowed from the plan; NULL behind the last */
    size_t count;
};

static void add_word(struct words *words, const char *word)
{
    words->items = xrealloc(words->items, words->count + 2, sizeof(words->items[0]));
    words->items[words->count++] = (char *)(uintptr_t)word;
    words->items[words->count] = NULL;
}

int command_run(struct apply *apply, const struct plan *plan, size_t first, struct err *err)
{
    struct words args = {0}, env = {0};
    bool keep_capabilities = false;
    for (size_t i = first; i < plan->count; i++) {
        keep_capabilities = keep_capabilities || plan->steps[i].type == PLAN_CAPS;
    }
    int r = 0;
    for (size_t i = first; r == 0 && i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->type == PLAN_RLIMIT) {
            r = set_limit(step, err);
        } else if (step->type == PLAN_CHDIR) {
            r = change_folder(step->text[0], err);
        } else if (step->type == PLAN_SETUSER) {
            r = set_user(apply, keep_capabilities, err);
        } else if (step->type == PLAN_CAPS) {
            r = set_capabilities(step, err);
        } else if (step->type == PLAN_NNP) {
            r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                    ? 0
                    : err_errno(err, "Failed to set NO_NEW_PRIVS");
        } else if (step->type == PLAN_ARG) {
            add_word(&args, step->text[0]);
        } else if (step->type == PLAN_ENV) {
            add_word(&env, step->text[0]);
        } else {
            ASSERT(step->type == PLAN_EXEC);
            char *program = find_program(step->text[0], step->text[1]);
            execve(program, args.items, env.items);
            r = err_errno(err, "Failed to execute command '%s'", step->text[0]);
            free(program);
        }
    }
    free(args.items);
    free(env.items);
    return r;
}
