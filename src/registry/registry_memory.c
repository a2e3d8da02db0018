#include "registry/registry_memory.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "registry/registry_codec.h"

struct registry_memory {
    struct registry *registry;
    struct blob *value;          /* what the last READ gave; NULL = none */
    struct registry_ops waiting; /* oldest first */
};

struct registry_memory *registry_memory_new(uint64_t seed)
{
    struct registry_memory *memory = xalloc(sizeof(*memory));
    memory->registry = registry_new(seed);
    registry_ops_init(&memory->waiting);
    return memory;
}

struct registry_memory *registry_memory_free(struct registry_memory *memory)
{
    if (memory != NULL) {
        registry_ops_deinit(&memory->waiting);
        registry_free(memory->registry);
        blob_unref(memory->value);
        free(memory);
    }
    return NULL;
}

void registry_memory_put(struct registry_memory *memory, struct registry_op *op)
{
    list_push_back(&memory->waiting.list, &op->link);
}

static void read_all(struct registry_memory *memory, struct registry_event *event)
{
    struct buf value = BUF_INIT;
    (void)registry_encoded_size(memory->registry);
    registry_encode(memory->registry, &value);
    blob_unref(memory->value);
    memory->value = blob_take(&value);
    event->value_owner = memory->value;
    event->value = blob_slice(memory->value);
}

bool registry_memory_next(struct registry_memory *memory, struct registry_event *ret_event)
{
    struct registry_op *op = registry_ops_pop(&memory->waiting);
    if (op == NULL) {
        return false;
    }
    *ret_event = (struct registry_event){
        .type = op->type,
        .token = op->token,
        .applied = registry_apply(memory->registry, op),
        .registry = op->type == REGISTRY_RECOVER ? memory->registry : NULL,
    };
    if (op->type == REGISTRY_READ) {
        read_all(memory, ret_event);
    }
    registry_op_free(op);
    return true;
}
