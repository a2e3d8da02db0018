#include "common/storeio.h"

#include <stdlib.h>

#include "common/xalloc.h"

void store_ops_init(struct store_ops *ops)
{
    list_init(&ops->list);
}

void store_ops_deinit(struct store_ops *ops)
{
    struct store_op *op;
    while ((op = store_op_pop(ops)) != NULL) {
        store_op_free(op);
    }
}

static struct store_op *push(struct store_ops *ops, enum store_op_type type, uint64_t token,
                             const char *path)
{
    struct store_op *op = xalloc(sizeof(*op));
    op->type = type;
    op->token = token;
    op->path = xstrdup(path);
    op->durable = token != 0;
    list_push_back(&ops->list, &op->link);
    return op;
}

struct store_op *store_replace(struct store_ops *ops, uint64_t token, const char *path,
                               struct blob *bytes)
{
    struct store_op *op = push(ops, STORE_REPLACE, token, path);
    op->bytes = bytes;
    return op;
}

struct store_op *store_append(struct store_ops *ops, uint64_t token, const char *path,
                              struct blob *bytes)
{
    struct store_op *op = push(ops, STORE_APPEND, token, path);
    op->bytes = bytes;
    return op;
}

struct store_op *store_truncate(struct store_ops *ops, uint64_t token, const char *path,
                                uint64_t size)
{
    struct store_op *op = push(ops, STORE_TRUNCATE, token, path);
    op->size = size;
    return op;
}

struct store_op *store_mkdir(struct store_ops *ops, uint64_t token, const char *path, uint32_t mode)
{
    struct store_op *op = push(ops, STORE_MKDIR, token, path);
    op->mode = mode;
    return op;
}

struct store_op *store_symlink(struct store_ops *ops, uint64_t token, const char *path,
                               const char *target)
{
    struct store_op *op = push(ops, STORE_SYMLINK, token, path);
    op->target = xstrdup(target);
    return op;
}

struct store_op *store_remove(struct store_ops *ops, uint64_t token, const char *path)
{
    return push(ops, STORE_REMOVE, token, path);
}

struct store_op *store_rename(struct store_ops *ops, uint64_t token, const char *path,
                              const char *target)
{
    struct store_op *op = push(ops, STORE_RENAME, token, path);
    op->target = xstrdup(target);
    return op;
}

struct store_op *store_op_pop(struct store_ops *ops)
{
    struct list *link = list_pop_front(&ops->list);
    return link != NULL ? LIST_ENTRY(link, struct store_op, link) : NULL;
}

struct store_op *store_op_free(struct store_op *op)
{
    if (op != NULL) {
        blob_unref(op->bytes);
        free(op->path);
        free(op->target);
        free(op->root);
        free(op);
    }
    return NULL;
}
