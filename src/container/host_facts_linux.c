#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/cgroups_plan.h"
#include "container/host_linux.h"
#include "container/mountinfo_linux.h"

#define CGROUPS_HIERARCHY "/sys/fs/cgroup"
#define CGROUPS_ROOT "mesos"
#define SYSTEMD_RUNTIME_DIRECTORY "/run/systemd/system"
#define AGENT_LEAF "agent" /* what would be in the way above containers is in this cgroup */
#define SMALL_FILE_SIZE 4096
#define PROC_SIZE 16384
#define CLEARING_ROUNDS 16 /* so often processes are looked for that are above containers */

/* A text that the facts may point at. */
static const char *keep(struct containerizer_host *host, char *text)
{
    ASSERT(host->string_count < ELEMENTS(host->strings));
    host->strings[host->string_count++] = text;
    return text;
}

static void add_hierarchy(struct containerizer_host *host, const char *controllers,
                          const char *path)
{
    struct containerizer_facts *facts = &host->facts;
    for (size_t i = 0; i < facts->hierarchy_count; i++) {
        if (strcmp(facts->hierarchies[i].controllers, controllers) == 0) {
            return; /* mounted twice */
        }
    }
    if (facts->hierarchy_count < CONTAINERIZER_HIERARCHIES_MAX) {
        struct containerizer_hierarchy *h = &facts->hierarchies[facts->hierarchy_count++];
        h->controllers = keep(host, xstrdup(controllers));
        h->path = keep(host, xstrdup(path));
    }
}

/* "rw,cpu,cpuacct" without what is not a controller; NULL if nothing is left. */
static char *controllers_of(const char *options)
{
    static const char *const others[] = {
        "rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "favordynmods"};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct slice rest = slice_from(options);
    struct slice word;
    while (slice_split(&rest, ',', &word)) {
        bool other = slice_starts_with(word, SLICE("release_agent="));
        for (size_t i = 0; i < ELEMENTS(others); i++) {
            other = other || slice_is(word, others[i]);
        }
        if (!other) {
            buf_printf(&out, "%s%.*s", out.size != 0 ? "," : "", SLICE_ARGS(word));
        }
    }
    return out.size != 0 ? xstrdup(buf_text(&out)) : NULL;
}

static bool has_systemd(const struct containerizer_options *options)
{
    const char *dir = options->systemd_runtime_directory != NULL
                          ? options->systemd_runtime_directory
                          : SYSTEMD_RUNTIME_DIRECTORY;
    struct stat st;
    return options->systemd_enable_support && stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

static void find_v1(struct containerizer_host *host, const struct mountinfo *info)
{
    for (size_t i = 0; i < info->count; i++) {
        const struct mountinfo_entry *entry = &info->entries[i];
        if (strcmp(entry->type, "cgroup") != 0 || entry->options == NULL) {
            continue;
        }
        CLEANUP(xfreep) char *controllers = controllers_of(entry->options);
        if (controllers == NULL) {
            continue;
        }
        /* Of the named ones systemd's alone is of interest, so that systemd finds our processes
         * where it expects those that it does not know (the original since 1.6). */
        if (strncmp(controllers, "name=", 5) != 0 ||
            (strcmp(controllers, "name=systemd") == 0 && has_systemd(&host->options))) {
            add_hierarchy(host, controllers, entry->point);
        }
    }
}

/* Whether the kernel has that v1 controller, mounted or free to be. */
static bool kernel_has(const char *controller)
{
    char text[PROC_SIZE];
    if (apply_read("/proc/cgroups", text, sizeof(text)) < 0) {
        return false;
    }
    char *save;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char name[64];
        int hierarchy, count, enabled;
        if (sscanf(line, "%63s %d %d %d", name, &hierarchy, &count, &enabled) == 4 &&
            strcmp(name, controller) == 0) {
            return enabled != 0;
        }
    }
    return false;
}

/* cgroup2 at /sys/fs/cgroup itself is the one; beside v1 (systemd's hybrid layout) it is not, and
 * the host counts as v1 (facts/observed.md, containers 1: the original refuses it). */
static enum containerizer_cgroups find_cgroups(struct containerizer_host *host,
                                               const struct mountinfo *info)
{
    const char *at = host->options.cgroups_hierarchy != NULL ? host->options.cgroups_hierarchy
                                                             : CGROUPS_HIERARCHY;
    for (size_t i = 0; i < info->count; i++) {
        const struct mountinfo_entry *entry = &info->entries[i];
        if (strcmp(entry->type, "cgroup2") == 0 &&
            (strcmp(entry->point, at) == 0 || strcmp(entry->point, CGROUPS_HIERARCHY) == 0)) {
            add_hierarchy(host, "", entry->point);
            return CGROUPS_V2;
        }
    }
    find_v1(host, info);
    return kernel_has("freezer") ? CGROUPS_V1 : CGROUPS_NONE;
}

/* Where we are in the v2 hierarchy, without the first slash ("" = its top); NULL if there is
 * none. */
static char *own_cgroup(void)
{
    char text[PROC_SIZE];
    ssize_t size = apply_read("/proc/self/cgroup", text, sizeof(text));
    const char *line = size > 0 ? strstr(text, "0::/") : NULL;
    if (line == NULL) {
        return NULL;
    }
    line += strlen("0::/");
    return xstrndup(line, strcspn(line, "\n"));
}

static bool is_relative(const char *root)
{
    return root != NULL && root[0] == '.';
}

/* The cgroup that `path`, "." or "../name", leads to from our own; the leaf that we were put into
 * at an earlier start is not meant. */
static int follow(const char *path, struct buf *ret_root, struct err *err)
{
    CLEANUP(xfreep) char *own = own_cgroup();
    struct slice at = slice_from(own != NULL ? own : "");
    if (slice_is(at, AGENT_LEAF) || slice_ends_with(at, SLICE("/" AGENT_LEAF))) {
        at.size -= MIN(at.size, strlen("/" AGENT_LEAF));
    }
    buf_append_slice(ret_root, at);
    struct slice rest = slice_from(path);
    struct slice name;
    while (slice_split(&rest, '/', &name)) {
        if (slice_is(name, "..")) {
            if (ret_root->size == 0) {
                return err_set(err, CONTAINERIZER_E_OPTIONS,
                               "--cgroups_root=%s leads out of the hierarchy, from '/%s'", path,
                               own != NULL ? own : "");
            }
            const char *slash = memrchr(ret_root->data, '/', ret_root->size);
            ret_root->size = slash != NULL ? (size_t)(slash - ret_root->data) : 0;
        } else if (name.size != 0 && !slice_is(name, ".")) {
            buf_printf(ret_root, "/%.*s", SLICE_ARGS(name));
        }
    }
    return 0;
}

/* A root that begins with "." is told from our own cgroup, for units with Delegate=yes
 * (packaging/tepui-agent.service). On v1 nothing is delegated: the same unit file then means the
 * usual place. */
static int find_root(struct containerizer_host *host, struct err *err)
{
    const char *given = host->options.cgroups_root;
    CLEANUP(buf_deinit) struct buf followed = BUF_INIT;
    struct slice root = slice_from(given != NULL ? given : CGROUPS_ROOT);
    if (is_relative(given) && host->facts.cgroups != CGROUPS_V2) {
        root = SLICE(CGROUPS_ROOT);
    } else if (is_relative(given)) {
        int r = follow(given, &followed, err);
        if (r != 0) {
            return r;
        }
        root = buf_slice(&followed);
    }
    while (root.size != 0 && root.data[0] == '/') {
        root = slice_skip(root, 1);
    }
    while (root.size != 0 && root.data[root.size - 1] == '/') {
        root.size--;
    }
    if (root.size == 0) {
        return err_set(err, CONTAINERIZER_E_OPTIONS, "--cgroups_root must name a cgroup");
    }
    host->facts.cgroups_root = keep(host, xstrndup(root.data, root.size));
    return 0;
}

int host_find_facts(struct containerizer_host *host, struct err *err)
{
    struct containerizer_facts *facts = &host->facts;
    facts->uid = geteuid();
    struct sysinfo system;
    if (sysinfo(&system) == 0) {
        facts->node_mem_bytes = (int64_t)system.totalram * system.mem_unit;
    }
    facts->node_cpus_milli = sysconf(_SC_NPROCESSORS_ONLN) * 1000;
    struct mountinfo info;
    int r = mountinfo_read(&info, err);
    if (r == 0) {
        facts->cgroups = find_cgroups(host, &info);
        r = find_root(host, err);
    }
    mountinfo_deinit(&info);
    return r;
}

/* --- preparing the host --- */

static int made(int r, const char *path, struct err *err)
{
    errno = -r;
    return r == 0 ? 0 : err_errno(err, "Failed to create '%s'", path);
}

static int mount_v1(struct containerizer_host *host, const char *controller, struct err *err)
{
    const char *at = host->options.cgroups_hierarchy != NULL ? host->options.cgroups_hierarchy
                                                             : CGROUPS_HIERARCHY;
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", at, controller);
    if (!kernel_has(controller)) {
        return err_set(err, CONTAINERIZER_E_OPTIONS, "The kernel has no cgroup controller '%s'",
                       controller);
    }
    int r = made(apply_mkdir(path, 0755), path, err);
    if (r != 0) {
        return r;
    }
    if (mount(controller, path, "cgroup", 0, controller) != 0) {
        return err_errno(err, "Failed to mount cgroups hierarchy at '%s'", path);
    }
    add_hierarchy(host, controller, path);
    return 0;
}

/* A cpuset without CPUs and memory takes no process: each level gets what the one above has. */
static int fill_cpusets(const char *mount, const char *root, struct err *err)
{
    CLEANUP(xfreep) char *dir = xasprintf("%s/%s", mount, root);
    struct apply apply = {0};
    for (char *at = dir + strlen(mount); at != NULL; at = strchr(at + 1, '/')) {
        char *end = strchr(at + 1, '/');
        CLEANUP(xfreep)
        char *level = end != NULL ? xstrndup(dir, (size_t)(end - dir)) : xstrdup(dir);
        static const char *const names[] = {"cpuset.cpus", "cpuset.mems"};
        for (size_t i = 0; i < ELEMENTS(names); i++) {
            struct plan_step step = {.type = PLAN_COPY, .text = {level, names[i]}};
            int r = apply_step(&apply, &step, err);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

static int prepare_hierarchy(struct containerizer_host *host, const char *controller,
                             struct err *err)
{
    if (cgroups_plan_mount(&host->facts, controller) == NULL) {
        int r = mount_v1(host, controller, err);
        if (r != 0) {
            return r;
        }
    }
    const char *mount = cgroups_plan_mount(&host->facts, controller);
    CLEANUP(xfreep) char *root = xasprintf("%s/%s", mount, host->facts.cgroups_root);
    int r = made(apply_mkdir(root, 0755), root, err);
    if (r == 0 && strcmp(controller, "cpuset") == 0) {
        r = fill_cpusets(mount, host->facts.cgroups_root, err);
    }
    if (r == 0 && strcmp(controller, "memory") == 0) { /* newer kernels know nothing else */
        CLEANUP(xfreep) char *file = xasprintf("%s/memory.use_hierarchy", root);
        apply_write(file, "1");
    }
    return r;
}

static int check_freezer(const struct containerizer_host *host, struct err *err)
{
    const char *mount = cgroups_plan_mount(&host->facts, "freezer");
    for (size_t i = 0; i < host->facts.hierarchy_count; i++) {
        const struct containerizer_hierarchy *h = &host->facts.hierarchies[i];
        if (h->path == mount && strcmp(h->controllers, "freezer") != 0) {
            return err_set(err, CONTAINERIZER_E_OPTIONS,
                           "Unexpected controllers beside the freezer in its hierarchy: %s",
                           h->controllers);
        }
    }
    return 0;
}

static int join(const char *dir, struct err *err)
{
    CLEANUP(xfreep) char *procs = xasprintf("%s/cgroup.procs", dir);
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    int r = made(apply_mkdir(dir, 0755), dir, err);
    if (r == 0 && (r = apply_write(procs, pid)) != 0) {
        errno = -r;
        return err_errno(err, "Failed to put the agent into cgroup '%s'", dir);
    }
    return r;
}

/* --agent_subsystems: the agent's own cgroup, "slave" (facts/observed.md, containers 2). */
static int join_v1(struct containerizer_host *host, struct err *err)
{
    struct slice rest = slice_from(host->options.agent_subsystems);
    struct slice name;
    while (slice_split(&rest, ',', &name)) {
        name = slice_trim(name);
        if (name.size == 0) {
            continue;
        }
        CLEANUP(xfreep) char *controller = xstrndup(name.data, name.size);
        int r = prepare_hierarchy(host, controller, err);
        if (r != 0) {
            return r;
        }
        CLEANUP(xfreep)
        char *dir = xasprintf("%s/%s/slave", cgroups_plan_mount(&host->facts, controller),
                              host->facts.cgroups_root);
        r = join(dir, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int prepare_v1(struct containerizer_host *host, struct err *err)
{
    struct cgroups_scope scope = {&host->options, &host->facts, &host->isolators};
    int r = prepare_hierarchy(host, "freezer", err);
    if (r == 0) {
        r = check_freezer(host, err);
    }
    if (r == 0 && cgroups_plan_mount(&host->facts, "name=systemd") != NULL) {
        r = prepare_hierarchy(host, "name=systemd", err);
    }
    const char *name;
    for (size_t i = 0; r == 0 && (name = cgroups_plan_controller(&scope, i)) != NULL; i++) {
        r = prepare_hierarchy(host, name, err);
    }
    if (r == 0 && host->options.agent_subsystems != NULL) {
        r = join_v1(host, err);
    }
    return r;
}

static bool lists(const char *file, const char *controller)
{
    char text[SMALL_FILE_SIZE];
    if (apply_read(file, text, sizeof(text)) < 0) {
        return false;
    }
    char *save;
    for (char *word = strtok_r(text, " \n", &save); word != NULL;
         word = strtok_r(NULL, " \n", &save)) {
        if (strcmp(word, controller) == 0) {
            return true;
        }
    }
    return false;
}

/* Controllers come down level by level, from the top of the hierarchy to our root. */
static int enable_v2(const char *mount, const char *root, const char *controller, struct err *err)
{
    CLEANUP(xfreep) char *dir = xasprintf("%s/%s", mount, root);
    char *at = dir + strlen(mount);
    for (;;) {
        CLEANUP(xfreep) char *file = xasprintf("%.*s/cgroup.subtree_control", (int)(at - dir), dir);
        CLEANUP(xfreep) char *value = xasprintf("+%s", controller);
        int r = lists(file, controller) ? 0 : apply_write(file, value);
        if (r != 0) {
            errno = -r;
            return err_errno(err, "Failed to enable controller '%s' in '%s'", controller, file);
        }
        if (*at == '\0') {
            return 0;
        }
        char *next = strchr(at + 1, '/');
        at = next != NULL ? next : at + strlen(at);
    }
}

static bool is_above(struct slice cgroup, struct slice other)
{
    return cgroup.size == 0 || (slice_starts_with(other, cgroup) &&
                                (other.size == cgroup.size || other.data[cgroup.size] == '/'));
}

/* Puts every process of `dir` itself into its leaf: the one that holds a unit's cgroup, and
 * ours. */
static int clear_v2(const char *dir, const char *leaf, struct err *err)
{
    CLEANUP(xfreep) char *from = xasprintf("%s/cgroup.procs", dir);
    CLEANUP(xfreep) char *to = xasprintf("%s/cgroup.procs", leaf);
    char text[PROC_SIZE], *save;
    for (int round = 0; round < CLEARING_ROUNDS; round++) {
        if (apply_read_pids(from, text, sizeof(text)) <= 0) {
            return 0;
        }
        int r = made(apply_mkdir(leaf, 0755), leaf, err);
        for (char *pid = strtok_r(text, "\n", &save); r == 0 && pid != NULL;
             pid = strtok_r(NULL, "\n", &save)) {
            int moved = apply_write(to, pid);
            if (moved != 0 && moved != -ESRCH) {
                errno = -moved;
                r = err_errno(err, "Failed to move process %s to cgroup '%s'", pid, leaf);
            }
        }
        if (r != 0) {
            return r;
        }
    }
    return err_set(err, -EBUSY, "Processes of cgroup '%s' fork faster than they can be moved", dir);
}

/* A cgroup with controlled children may hold no process: those of the root go into a leaf beside
 * the containers, and so do we, unless we are elsewhere altogether, such as in a unit of our
 * own. */
static int prepare_v2(struct containerizer_host *host, struct err *err)
{
    struct cgroups_scope scope = {&host->options, &host->facts, &host->isolators};
    const char *mount = cgroups_plan_mount(&host->facts, "");
    const char *root = host->facts.cgroups_root;
    CLEANUP(xfreep) char *dir = xasprintf("%s/%s", mount, root);
    CLEANUP(xfreep) char *leaf = xasprintf("%s/" AGENT_LEAF, dir);
    CLEANUP(xfreep) char *own = own_cgroup();
    int r = 0;
    if (!is_relative(host->options.cgroups_root)) {
        r = made(apply_mkdir(dir, 0755), dir, err);
    } else if (access(dir, F_OK) != 0) {
        r = err_errno(err, "--cgroups_root=%s: no cgroup '%s'", host->options.cgroups_root, dir);
    }
    if (r == 0 && own != NULL && is_above(slice_from(own), slice_from(root))) {
        r = join(leaf, err);
    }
    if (r == 0) {
        r = clear_v2(dir, leaf, err);
    }
    const char *name;
    for (size_t i = 0; r == 0 && (name = cgroups_plan_controller(&scope, i)) != NULL; i++) {
        r = enable_v2(mount, root, name, err);
    }
    return r;
}

/* work_dir becomes a mount of its own that is shared, and with nobody above it: so what is mounted
 * in sandboxes is seen in containers and on the host alike (facts/observed.md, containers 16). */
static int share_work_dir(struct containerizer_host *host, struct err *err)
{
    char *dir = realpath(host->options.work_dir, NULL);
    struct mountinfo info;
    int r = dir != NULL ? mountinfo_read(&info, err)
                        : err_errno(err, "Failed to find '%s'", host->options.work_dir);
    if (dir == NULL) {
        return r;
    }
    const struct mountinfo_entry *entry = r == 0 ? mountinfo_holding(&info, dir) : NULL;
    bool needed = entry != NULL && !entry->shared;
    for (size_t i = 0; entry != NULL && !needed && i < info.count; i++) {
        const struct mountinfo_entry *other = &info.entries[i];
        size_t size = strlen(other->point);
        bool above = size == 1 || (strncmp(dir, other->point, size) == 0 && dir[size] == '/');
        needed = other != entry && above && other->shared && other->peers == entry->peers;
    }
    if (r == 0 && needed) {
        bool itself = strcmp(entry->point, dir) == 0;
        if ((!itself && mount(dir, dir, NULL, MS_BIND, NULL) != 0) ||
            mount(NULL, dir, NULL, MS_PRIVATE, NULL) != 0 ||
            mount(NULL, dir, NULL, MS_SHARED, NULL) != 0) {
            r = err_errno(err, "Failed to make '%s' a shared mount", dir);
        }
    }
    mountinfo_deinit(&info);
    free(dir);
    return r;
}

int host_prepare(struct containerizer_host *host, struct err *err)
{
    CLEANUP(xfreep) char *containers = xasprintf("%s/containers", host->options.runtime_dir);
    int r = made(apply_mkdir(containers, 0755), containers, err);
    if (r == 0 && host->isolators.is_linux) {
        r = host->facts.cgroups == CGROUPS_V1 ? prepare_v1(host, err) : prepare_v2(host, err);
    }
    if (r == 0 && isolators_have(&host->isolators, ISOLATOR_FILESYSTEM_LINUX)) {
        r = share_work_dir(host, err);
    }
    return r;
}
