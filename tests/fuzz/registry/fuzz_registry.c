#include "fuzz.h"

#include "registry/registry_codec.h"
#include "registry/registry_maintenance.h"
#include "registry/state_operation.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Machines that are taken down and brought up, at most. */
#define MACHINES_MAX 16

/* What the log holds is read or refused; what was read encodes to something that says the same,
 * also after all of its agents have been away. The first byte chooses: an entry, or a registry. */
static void encode(struct registry *registry, struct buf *out)
{
    size_t size = registry_encoded_size(registry);
    buf_clear(out);
    registry_encode(registry, out);
    ASSERT(out->size == size);
}

static void apply(struct registry *registry, enum registry_op_type type, struct blob *id)
{
    struct registry_ops ops;
    registry_ops_init(&ops);
    struct registry_op *op = registry_ask(&ops, type, 1, blob_ref(id), NULL);
    ASSERT(registry_apply(registry, op));
    registry_ops_deinit(&ops);
}

static void come_and_go(struct registry *registry)
{
    struct registry_agent *agent;
    size_t count = registry->agents.count;
    LIST_FOR_EACH (agent, &registry->admitted, link) {
        apply(registry, REGISTRY_MARK_UNREACHABLE, agent->id);
    }
    ASSERT(list_is_empty(&registry->admitted) && registry->agents.count == count);
}

static bool request(struct registry *registry, enum registry_op_type type, struct slice part)
{
    struct registry_ops ops;
    struct buf body = BUF_INIT;
    registry_ops_init(&ops);
    struct registry_op *op = registry_ask(&ops, type, 1, NULL, NULL);
    wire_put_bytes(&body, 1, part);
    op->request = blob_take(&body);
    bool fits = registry_apply(registry, op);
    registry_ops_deinit(&ops);
    return fits;
}

/* How many machines are in that mode; one of them, in the registry's bytes. */
static size_t count_mode(const struct registry *registry, int mode, struct slice *ret_id)
{
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    size_t count = 0;
    while (registry_maintenance_next(&walk, &machine)) {
        if (machine.mode == mode) {
            *ret_id = machine.id;
            count++;
        }
    }
    return count;
}

/* All machines can be taken down and brought up, each with its namesakes; then no schedule keeps
 * any. */
static void maintain(struct registry *registry)
{
    static const int modes[] = {PB__MACHINE_INFO__MODE__DRAINING, PB__MACHINE_INFO__MODE__DOWN};
    static const enum registry_op_type ops[] = {REGISTRY_START_MAINTENANCE,
                                                REGISTRY_STOP_MAINTENANCE};
    for (size_t i = 0; i < ELEMENTS(modes); i++) {
        struct slice id = {0};
        size_t left = count_mode(registry, modes[i], &id);
        for (size_t n = 0; left > 0 && n < MACHINES_MAX; n++) {
            size_t before = left;
            ASSERT(request(registry, ops[i], id));
            left = count_mode(registry, modes[i], &id);
            ASSERT(left < before);
        }
    }
    struct slice unused;
    bool is_down = count_mode(registry, PB__MACHINE_INFO__MODE__DOWN, &unused) > 0;
    ASSERT(request(registry, REGISTRY_UPDATE_SCHEDULE, SLICE("")) != is_down);
    if (!is_down) {
        struct registry_machine machine;
        struct registry_machine_walk walk = registry_maintenance_begin(registry);
        ASSERT(!registry_maintenance_next(&walk, &machine));
    }
}

static void try_registry(struct slice bytes)
{
    struct registry *registry;
    struct registry *again;
    struct err err = {""};
    CLEANUP(buf_deinit) struct buf first = BUF_INIT;
    CLEANUP(buf_deinit) struct buf second = BUF_INIT;
    if (registry_decode(bytes, 1, &registry, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    encode(registry, &first);
    ASSERT(first.size <= registry->size_max);
    ASSERT(message_check(&pb__internal__registry__descriptor, buf_slice(&first), &err) == 0);
    ASSERT(registry_decode(buf_slice(&first), 2, &again, &err) == 0);
    encode(again, &second);
    ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    ASSERT(again->agents.count == registry->agents.count);
    registry_free(again);

    come_and_go(registry);
    maintain(registry);
    encode(registry, &first);
    ASSERT(registry_decode(buf_slice(&first), 3, &again, &err) == 0);
    ASSERT(again->agents.count == registry->agents.count);
    registry_free(again);
    registry_free(registry);
}

static void try_operation(struct slice bytes)
{
    struct state_operation operation;
    struct state_operation again;
    struct err err = {""};
    static const struct uuid uuid = {{1}};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    if (state_operation_decode(bytes, &operation, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    state_operation_begin_snapshot(operation.name, &uuid, operation.value.size, &out);
    buf_append_slice(&out, operation.value);
    ASSERT(state_operation_decode(buf_slice(&out), &again, &err) == 0);
    ASSERT(again.type == STATE_SNAPSHOT);
    ASSERT(slice_equal(operation.name, again.name) && slice_equal(operation.value, again.value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        struct slice bytes = slice_make(data + 1, size - 1);
        if (data[0] % 2 == 0) {
            try_operation(bytes);
        } else {
            try_registry(bytes);
        }
    }
    return 0;
}
