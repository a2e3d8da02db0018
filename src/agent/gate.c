#include "agent/gate.h"

void gate_init(struct gate *gate)
{
    *gate = (struct gate){0};
    list_init(&gate->waits);
}

uint64_t gate_token(struct gate *gate)
{
    return ++gate->last_token;
}

void gate_wait_init(struct gate_wait *wait, enum gate_kind kind)
{
    *wait = (struct gate_wait){.kind = kind};
    list_init(&wait->link);
}

void gate_wait_for(struct gate *gate, struct gate_wait *wait, uint64_t token)
{
    ASSERT(token == gate->last_token && token > gate->done_token);
    list_remove(&wait->link);
    wait->token = token;
    wait->status = 0;
    list_push_back(&gate->waits, &wait->link);
}

void gate_cancel(struct gate_wait *wait)
{
    list_remove(&wait->link);
    wait->token = 0;
}

void gate_done(struct gate *gate, uint64_t token, int status)
{
    ASSERT(token > gate->done_token && token <= gate->last_token);
    gate->done_token = token;
    struct gate_wait *wait;
    LIST_FOR_EACH (wait, &gate->waits, link) {
        if (wait->token >= token) {
            if (wait->token == token) {
                wait->status = status;
            }
            break;
        }
    }
}

struct gate_wait *gate_pop(struct gate *gate)
{
    struct list *first = gate->waits.next;
    if (first == &gate->waits) {
        return NULL;
    }
    struct gate_wait *wait = LIST_ENTRY(first, struct gate_wait, link);
    if (wait->token > gate->done_token) {
        return NULL;
    }
    gate_cancel(wait);
    return wait;
}
