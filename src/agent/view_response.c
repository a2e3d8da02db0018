/* GET_STATE, GET_TASKS, GET_EXECUTORS, GET_FRAMEWORKS: JSON with its empty lists, and protobuf. */
#include "agent/view.h"
#include "wire/cursor.h"
#include "wire/json.h"

/* What both forms go through: each task of one phase, each executor, in order. */
typedef void visit_fn(void *arg, const struct blob *bytes);

static void visit_executor_tasks(const struct view_executors *executors, enum task_phase phase,
                                 visit_fn *visit, void *arg)
{
    for (size_t i = 0; i < executors->count; i++) {
        const struct view_tasks *tasks = &executors->items[i].tasks[phase];
        for (size_t j = 0; j < tasks->count; j++) {
            visit(arg, tasks->items[j]);
        }
    }
}

static void visit_tasks(const struct view *view, enum task_phase phase, visit_fn *visit, void *arg)
{
    const struct view_frameworks *all[] = {&view->running, &view->completed};
    for (size_t i = 0; i < ELEMENTS(all); i++) {
        for (size_t j = 0; j < all[i]->count; j++) {
            visit_executor_tasks(&all[i]->items[j].executors, phase, visit, arg);
            visit_executor_tasks(&all[i]->items[j].completed, phase, visit, arg);
        }
    }
}

static void visit_executors(const struct view *view, bool is_completed, visit_fn *visit, void *arg)
{
    const struct view_frameworks *all[] = {&view->running, &view->completed};
    for (size_t i = 0; i < ELEMENTS(all); i++) {
        for (size_t j = 0; j < all[i]->count; j++) {
            const struct view_framework *framework = &all[i]->items[j];
            const struct view_executors *executors =
                is_completed ? &framework->completed : &framework->executors;
            for (size_t k = 0; k < executors->count; k++) {
                visit(arg, executors->items[k].info);
            }
        }
    }
}

static void visit_frameworks(const struct view_frameworks *frameworks, visit_fn *visit, void *arg)
{
    for (size_t i = 0; i < frameworks->count; i++) {
        visit(arg, frameworks->items[i].info);
    }
}

/* --- JSON --- */

static void json_task(void *arg, const struct blob *bytes)
{
    json_message_bytes(arg, &pb__task__descriptor, blob_slice(bytes), JSON_V1);
}

static void json_executor(void *arg, const struct blob *bytes)
{
    json_begin_object(arg);
    json_key(arg, "executor_info");
    json_message_bytes(arg, &pb__executor_info__descriptor, blob_slice(bytes), JSON_V1);
    json_end_object(arg);
}

static void json_framework(void *arg, const struct blob *bytes)
{
    json_begin_object(arg);
    json_key(arg, "framework_info");
    json_message_bytes(arg, &pb__framework_info__descriptor, blob_slice(bytes), JSON_V1);
    json_end_object(arg);
}

static void json_task_list(struct json_writer *w, const struct view *view, const char *key,
                           enum task_phase phase)
{
    json_key(w, key);
    json_begin_array(w);
    visit_tasks(view, phase, json_task, w);
    json_end_array(w);
}

static void json_get_tasks(struct json_writer *w, const struct view *view)
{
    json_key(w, "get_tasks");
    json_begin_object(w);
    json_key(w, "pending_tasks"); /* tasks are with their executor at once here */
    json_begin_array(w);
    json_end_array(w);
    json_task_list(w, view, "queued_tasks", TASK_QUEUED);
    json_task_list(w, view, "launched_tasks", TASK_LAUNCHED);
    json_task_list(w, view, "terminated_tasks", TASK_TERMINATED);
    json_task_list(w, view, "completed_tasks", TASK_COMPLETED);
    json_end_object(w);
}

static void json_get_executors(struct json_writer *w, const struct view *view)
{
    json_key(w, "get_executors");
    json_begin_object(w);
    json_key(w, "executors");
    json_begin_array(w);
    visit_executors(view, false, json_executor, w);
    json_end_array(w);
    json_key(w, "completed_executors");
    json_begin_array(w);
    visit_executors(view, true, json_executor, w);
    json_end_array(w);
    json_end_object(w);
}

static void json_get_frameworks(struct json_writer *w, const struct view *view)
{
    json_key(w, "get_frameworks");
    json_begin_object(w);
    json_key(w, "frameworks");
    json_begin_array(w);
    visit_frameworks(&view->running, json_framework, w);
    json_end_array(w);
    json_key(w, "completed_frameworks");
    json_begin_array(w);
    visit_frameworks(&view->completed, json_framework, w);
    json_end_array(w);
    json_end_object(w);
}

void view_write_response_json(const struct view *view, struct buf *out)
{
    struct json_writer writer;
    struct json_writer *w = &writer;
    json_writer_init(w, out);
    json_begin_object(w);
    switch (view->content) {
    case VIEW_STATE:
        WRONG("not a response");
    case VIEW_GET_STATE:
        json_key_text(w, "type", "GET_STATE");
        json_key(w, "get_state");
        json_begin_object(w);
        json_get_tasks(w, view);
        json_get_executors(w, view);
        json_get_frameworks(w, view);
        json_end_object(w);
        break;
    case VIEW_GET_TASKS:
        json_key_text(w, "type", "GET_TASKS");
        json_get_tasks(w, view);
        break;
    case VIEW_GET_EXECUTORS:
        json_key_text(w, "type", "GET_EXECUTORS");
        json_get_executors(w, view);
        break;
    case VIEW_GET_FRAMEWORKS:
        json_key_text(w, "type", "GET_FRAMEWORKS");
        json_get_frameworks(w, view);
        break;
    }
    json_end_object(w);
}

/* --- protobuf: stored bytes are spliced --- */

struct splice {
    struct buf *out;
    uint32_t number; /* of the repeated field */
    bool is_wrapped; /* each is in a message of its own, as field 1 */
};

static void splice(void *arg, const struct blob *bytes)
{
    const struct splice *to = arg;
    if (!to->is_wrapped) {
        wire_put_bytes(to->out, to->number, blob_slice(bytes));
        return;
    }
    size_t begun = wire_begin(to->out, to->number);
    wire_put_bytes(to->out, 1, blob_slice(bytes));
    wire_end(to->out, begun);
}

static void bytes_get_tasks(struct buf *out, const struct view *view, uint32_t number)
{
    size_t begun = wire_begin(out, number);
    for (enum task_phase phase = TASK_QUEUED; phase <= TASK_COMPLETED; phase++) {
        /* queued 2, launched 3, terminated 4, completed 5 */
        struct splice to = {out, (uint32_t)(2 + (phase - TASK_QUEUED)), false};
        visit_tasks(view, phase, splice, &to);
    }
    wire_end(out, begun);
}

static void bytes_get_executors(struct buf *out, const struct view *view, uint32_t number)
{
    size_t begun = wire_begin(out, number);
    struct splice running = {out, 1, true};
    visit_executors(view, false, splice, &running);
    struct splice completed = {out, 2, true};
    visit_executors(view, true, splice, &completed);
    wire_end(out, begun);
}

static void bytes_get_frameworks(struct buf *out, const struct view *view, uint32_t number)
{
    size_t begun = wire_begin(out, number);
    struct splice running = {out, 1, true};
    visit_frameworks(&view->running, splice, &running);
    struct splice completed = {out, 2, true};
    visit_frameworks(&view->completed, splice, &completed);
    wire_end(out, begun);
}

void view_write_response_bytes(const struct view *view, struct buf *out)
{
    switch (view->content) {
    case VIEW_STATE:
        WRONG("not a response");
    case VIEW_GET_STATE: {
        wire_put_varint(out, 1, PB__AGENT__RESPONSE__TYPE__GET_STATE);
        size_t begun = wire_begin(out, 9);
        bytes_get_tasks(out, view, 1);
        bytes_get_executors(out, view, 2);
        bytes_get_frameworks(out, view, 3);
        wire_end(out, begun);
        break;
    }
    case VIEW_GET_TASKS:
        wire_put_varint(out, 1, PB__AGENT__RESPONSE__TYPE__GET_TASKS);
        bytes_get_tasks(out, view, 13);
        break;
    case VIEW_GET_EXECUTORS:
        wire_put_varint(out, 1, PB__AGENT__RESPONSE__TYPE__GET_EXECUTORS);
        bytes_get_executors(out, view, 12);
        break;
    case VIEW_GET_FRAMEWORKS:
        wire_put_varint(out, 1, PB__AGENT__RESPONSE__TYPE__GET_FRAMEWORKS);
        bytes_get_frameworks(out, view, 11);
        break;
    }
}
