#include "sim/sim_disk.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"

struct file {
    char *path;
    enum sim_file_type type;
    struct buf bytes; /* SIM_FILE */
    char *target;     /* SIM_LINK */
};

struct sim_disk {
    struct sim_node *node;
    struct file **files; /* sorted by path */
    size_t count;
    size_t capacity;
    struct store_ops queued; /* not begun */
    struct store_ops group;  /* under way */
    int last_status;         /* of the operation before the next */
    bool busy;
    bool full;
    int64_t restart_ns; /* dies within the next group, for so long; negative = does not */
};

struct sim_disk *sim_disk_new(struct sim_node *node)
{
    struct sim_disk *disk = xalloc(sizeof(*disk));
    disk->node = node;
    disk->restart_ns = -1;
    store_ops_init(&disk->queued);
    store_ops_init(&disk->group);
    return disk;
}

static void file_free(struct file *file)
{
    free(file->path);
    free(file->target);
    buf_deinit(&file->bytes);
    free(file);
}

struct sim_disk *sim_disk_free(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        file_free(disk->files[i]);
    }
    free(disk->files);
    store_ops_deinit(&disk->queued);
    store_ops_deinit(&disk->group);
    free(disk);
    return NULL;
}

/* Index of the first file whose path is not before this one. */
static size_t lower_bound(const struct sim_disk *disk, const char *path)
{
    size_t low = 0;
    size_t high = disk->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(disk->files[middle]->path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct file *find(const struct sim_disk *disk, const char *path)
{
    size_t at = lower_bound(disk, path);
    return at < disk->count && strcmp(disk->files[at]->path, path) == 0 ? disk->files[at] : NULL;
}

static void remove_at(struct sim_disk *disk, size_t at)
{
    file_free(disk->files[at]);
    disk->count--;
    memmove(disk->files + at, disk->files + at + 1, (disk->count - at) * sizeof(struct file *));
}

static struct file *add(struct sim_disk *disk, const char *path, enum sim_file_type type)
{
    size_t at = lower_bound(disk, path);
    if (at < disk->count && strcmp(disk->files[at]->path, path) == 0) {
        if (disk->files[at]->type == type) {
            return disk->files[at];
        }
        remove_at(disk, at);
    }
    if (disk->count == disk->capacity) {
        disk->capacity = MAX(disk->capacity * 2, (size_t)32);
        disk->files = xrealloc(disk->files, disk->capacity, sizeof(struct file *));
    }
    memmove(disk->files + at + 1, disk->files + at, (disk->count - at) * sizeof(struct file *));
    disk->count++;
    struct file *file = xalloc(sizeof(*file));
    file->path = xstrdup(path);
    file->type = type;
    disk->files[at] = file;
    return file;
}

static void make_parents(struct sim_disk *disk, const char *path)
{
    CLEANUP(xfreep) char *parent = xstrdup(path);
    for (char *at = parent + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (find(disk, parent) == NULL) {
            add(disk, parent, SIM_FOLDER);
        }
        *at = '/';
    }
}

static bool is_below(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static void remove_tree(struct sim_disk *disk, const char *path)
{
    size_t at = lower_bound(disk, path);
    while (at < disk->count && strncmp(disk->files[at]->path, path, strlen(path)) == 0) {
        if (is_below(disk->files[at]->path, path)) {
            remove_at(disk, at);
        } else {
            at++;
        }
    }
}

static int rename_tree(struct sim_disk *disk, const char *from, const char *to)
{
    struct file *file = find(disk, from);
    if (file == NULL) {
        return -ENOENT;
    }
    remove_tree(disk, to);
    make_parents(disk, to);
    struct buf moved = BUF_INIT; /* of struct file * */
    for (size_t at = lower_bound(disk, from); at < disk->count;) {
        if (is_below(disk->files[at]->path, from)) {
            buf_append(&moved, &disk->files[at], sizeof(struct file *));
            disk->count--;
            memmove(disk->files + at, disk->files + at + 1,
                    (disk->count - at) * sizeof(struct file *));
        } else if (strncmp(disk->files[at]->path, from, strlen(from)) == 0) {
            at++;
        } else {
            break;
        }
    }
    for (size_t i = 0; i < moved.size / sizeof(struct file *); i++) {
        struct file *old;
        memcpy(&old, moved.data + i * sizeof(old), sizeof(old));
        CLEANUP(xfreep) char *path = xasprintf("%s%s", to, old->path + strlen(from));
        struct file *renamed = add(disk, path, old->type);
        renamed->bytes = old->bytes;
        old->bytes = BUF_INIT;
        renamed->target = TAKE_PTR(old->target);
        file_free(old);
    }
    buf_deinit(&moved);
    return 0;
}

/* Writes the first `size` bytes of what the operation has. */
static void write_file(struct sim_disk *disk, const struct store_op *op, size_t size)
{
    make_parents(disk, op->path);
    struct file *file = add(disk, op->path, SIM_FILE);
    if (op->type == STORE_REPLACE) {
        buf_clear(&file->bytes);
    }
    buf_append(&file->bytes, blob_slice(op->bytes).data, size);
}

static int perform(struct sim_disk *disk, const struct store_op *op)
{
    switch (op->type) {
    case STORE_REPLACE:
    case STORE_APPEND:
        if (disk->full) {
            return -ENOSPC;
        }
        write_file(disk, op, blob_slice(op->bytes).size);
        return 0;
    case STORE_TRUNCATE: {
        struct file *file = find(disk, op->path);
        if (file == NULL || file->type != SIM_FILE) {
            return -ENOENT;
        }
        file->bytes.size = MIN(file->bytes.size, (size_t)op->size);
        return 0;
    }
    case STORE_MKDIR:
        if (disk->full && find(disk, op->path) == NULL) {
            return -ENOSPC;
        }
        make_parents(disk, op->path);
        add(disk, op->path, SIM_FOLDER);
        return 0;
    case STORE_SYMLINK: {
        if (disk->full) {
            return -ENOSPC;
        }
        make_parents(disk, op->path);
        struct file *file = add(disk, op->path, SIM_LINK);
        free(file->target);
        file->target = xstrdup(op->target);
        return 0;
    }
    case STORE_REMOVE:
        remove_tree(disk, op->path);
        return 0;
    case STORE_RENAME:
        return rename_tree(disk, op->path, op->target);
    case STORE_CHOWN:
        return find(disk, op->path) != NULL ? 0 : -ENOENT;
    }
    WRONG("store_op_type");
}

static void begin_group(struct sim_disk *disk);

static void group_done(struct sim *sim UNUSED, void *arg)
{
    struct sim_disk *disk = arg;
    struct sim_node *node = disk->node;
    struct buf dones = BUF_INIT; /* of struct store_done */
    struct store_op *op;
    while ((op = store_op_pop(&disk->group)) != NULL) {
        bool is_canceled = op->chained && disk->last_status != 0;
        disk->last_status = is_canceled ? -ECANCELED : perform(disk, op);
        struct store_done done = {op->token, disk->last_status};
        if (done.token != 0) {
            buf_append(&dones, &done, sizeof(done));
        }
        store_op_free(op);
    }
    disk->busy = false;
    begin_group(disk);
    uint32_t incarnation = node->incarnation;
    for (size_t at = 0; at < dones.size && node->incarnation == incarnation;
         at += sizeof(struct store_done)) {
        struct store_done done;
        memcpy(&done, dones.data + at, sizeof(done));
        if (done.status != 0) {
            sim_trace(sim, node, "a write fails: %s", strerror(-done.status));
        }
        if (node->program->on_store != NULL) {
            node->program->on_store(node->core, node, &done);
        }
    }
    buf_deinit(&dones);
}

static void start_again(struct sim *sim UNUSED, void *arg)
{
    struct sim_node *node = arg;
    if (!sim_is_up(node)) {
        sim_start(node);
    }
}

static void die(struct sim *sim, void *arg)
{
    struct sim_disk *disk = arg;
    if (disk->restart_ns < 0) {
        return; /* all faults have ended meanwhile */
    }
    int64_t at_ns = time_add_ns(sim->now_ns, disk->restart_ns);
    sim_trace(sim, disk->node, "dies with a write under way");
    disk->restart_ns = -1;
    sim_crash(disk->node);
    sim_schedule(sim, at_ns, NULL, start_again, disk->node, NULL);
}

static void begin_group(struct sim_disk *disk)
{
    if (disk->busy || list_is_empty(&disk->queued.list)) {
        return;
    }
    disk->busy = true;
    struct store_op *op;
    while ((op = store_op_pop(&disk->queued)) != NULL) {
        list_push_back(&disk->group.list, &op->link);
    }
    struct sim *sim = disk->node->sim;
    int64_t at_ns =
        sim->now_ns + sim_draw_ns(sim, sim->options.disk_min_ns, sim->options.disk_max_ns);
    if (disk->restart_ns >= 0) {
        sim_schedule(sim, sim_draw_ns(sim, sim->now_ns, at_ns), disk->node, die, disk, NULL);
    }
    sim_schedule(sim, at_ns, disk->node, group_done, disk, NULL);
}

void sim_disk_crash_at_write(struct sim_disk *disk, int64_t restart_ns)
{
    disk->restart_ns = restart_ns;
}

void sim_disk_perform(struct sim_disk *disk, struct store_ops *ops)
{
    struct store_op *op;
    while ((op = store_op_pop(ops)) != NULL) {
        list_push_back(&disk->queued.list, &op->link);
    }
    begin_group(disk);
}

/* Operations that nobody has been told of: there, missing, or torn, each file for itself. What was
 * appended behind a missing or torn piece is missing, too. */
static void crash_op(struct sim_disk *disk, const struct store_op *op, struct buf *broken)
{
    size_t size = strlen(op->path) + 1;
    for (size_t at = 0; at < broken->size; at += strlen(broken->data + at) + 1) {
        if (op->type == STORE_APPEND && strcmp(broken->data + at, op->path) == 0) {
            return;
        }
    }
    uint64_t fate = prng_below(&disk->node->sim->prng, 3);
    if (fate == 0) {
        buf_append(broken, op->path, size);
        return;
    }
    if (op->type == STORE_APPEND && fate == 1 && !disk->full) {
        size_t all = blob_slice(op->bytes).size;
        write_file(disk, op, (size_t)prng_below(&disk->node->sim->prng, all + 1));
        buf_append(broken, op->path, size);
        return;
    }
    disk->last_status = perform(disk, op);
}

void sim_disk_crash(struct sim_disk *disk)
{
    struct store_op *op;
    CLEANUP(buf_deinit) struct buf broken = BUF_INIT; /* paths, each with its terminator */
    bool is_over = false; /* what comes after a sync was not begun before all else was there */
    while ((op = store_op_pop(&disk->group)) != NULL) {
        is_over |= op->after_sync && broken.size > 0;
        if (!is_over && !(op->chained && disk->last_status != 0)) {
            crash_op(disk, op, &broken);
        }
        store_op_free(op);
    }
    disk->last_status = 0;
    while ((op = store_op_pop(&disk->queued)) != NULL) {
        store_op_free(op);
    }
    disk->busy = false;
}

void sim_disk_set_full(struct sim_disk *disk, bool full)
{
    disk->full = full;
}

static struct file *follow(struct sim_disk *disk, const char *path)
{
    struct file *file = find(disk, path);
    for (int hops = 0; file != NULL && file->type == SIM_LINK && hops < 8; hops++) {
        file = find(disk, file->target);
    }
    return file;
}

struct blob *sim_disk_read(struct sim_disk *disk, const char *path)
{
    struct file *file = follow(disk, path);
    return file != NULL && file->type == SIM_FILE ? blob_from(buf_slice(&file->bytes)) : NULL;
}

bool sim_disk_exists(struct sim_disk *disk, const char *path)
{
    return find(disk, path) != NULL;
}

const char *sim_disk_link(struct sim_disk *disk, const char *path)
{
    struct file *file = find(disk, path);
    return file != NULL && file->type == SIM_LINK ? file->target : NULL;
}

void sim_disk_list(struct sim_disk *disk, const char *path, sim_disk_list_fn *fn, void *arg)
{
    struct file *folder = follow(disk, path);
    if (folder == NULL || folder->type != SIM_FOLDER) {
        return;
    }
    size_t prefix = strlen(folder->path);
    for (size_t at = lower_bound(disk, folder->path); at < disk->count; at++) {
        const char *name = disk->files[at]->path;
        if (strncmp(name, folder->path, prefix) != 0) {
            break;
        }
        if (name[prefix] == '/' && strchr(name + prefix + 1, '/') == NULL) {
            fn(arg, name + prefix + 1, disk->files[at]->type);
        }
    }
}
