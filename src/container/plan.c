#include "container/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

static const char magic[8] = {'T', 'P', 'P', 'L', 'A', 'N', '0', '1'};

static const char *const names[PLAN_STEP_TYPES] = {
    [PLAN_USER] = "user",     [PLAN_CGROUP] = "cgroup", [PLAN_WRITE] = "write",
    [PLAN_RAISE] = "raise",   [PLAN_COPY] = "copy",     [PLAN_DEVICE] = "device",
    [PLAN_JOIN] = "join",     [PLAN_STDIO] = "stdio",   [PLAN_LINK] = "link",
    [PLAN_SOURCE] = "source", [PLAN_FOLDER] = "folder", [PLAN_TARGET] = "target",
    [PLAN_OWN] = "own",       [PLAN_EXISTS] = "exists", [PLAN_SHARED] = "shared",
    [PLAN_OOM] = "oom",       [PLAN_WAIT] = "wait",     [PLAN_TTY] = "tty",
    [PLAN_ENTER] = "enter",   [PLAN_SLAVE] = "slave",   [PLAN_MOUNT] = "mount",
    [PLAN_BORROW] = "borrow", [PLAN_SWEEP] = "sweep",   [PLAN_FORK] = "fork",
    [PLAN_RLIMIT] = "rlimit", [PLAN_CHDIR] = "chdir",   [PLAN_SETUSER] = "setuser",
    [PLAN_CAPS] = "caps",     [PLAN_NNP] = "nnp",       [PLAN_ARG] = "arg",
    [PLAN_ENV] = "env",       [PLAN_EXEC] = "exec",     [PLAN_PTY] = "pty",
};

void plan_init(struct plan *plan)
{
    *plan = (struct plan){0};
    arena_init(&plan->arena, 0);
}

void plan_deinit(struct plan *plan)
{
    arena_deinit(&plan->arena);
    free(plan->steps);
    *plan = (struct plan){0};
}

static struct plan_step *add(struct plan *plan, enum plan_step_type type)
{
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity != 0 ? plan->capacity * 2 : 64;
        plan->steps = xrealloc(plan->steps, plan->capacity, sizeof(plan->steps[0]));
    }
    struct plan_step *step = &plan->steps[plan->count++];
    *step = (struct plan_step){.type = type};
    return step;
}

static const char *copy(struct plan *plan, const char *text)
{
    return text != NULL ? arena_strdup(&plan->arena, text) : NULL;
}

struct plan_step *plan_add(struct plan *plan, enum plan_step_type type, const char *text0,
                           const char *text1)
{
    struct plan_step *step = add(plan, type);
    step->text[0] = copy(plan, text0);
    step->text[1] = copy(plan, text1);
    return step;
}

static const char *format(struct plan *plan, const char *fmt, va_list args)
{
    char *text = NULL;
    int size = vasprintf(&text, fmt, args);
    ASSERT(size >= 0);
    const char *copied = copy(plan, text);
    free(text);
    return copied;
}

struct plan_step *plan_addf(struct plan *plan, enum plan_step_type type, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = format(plan, fmt, args);
    va_end(args);
    struct plan_step *step = add(plan, type);
    step->text[0] = text;
    return step;
}

const char *plan_text(struct plan *plan, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = format(plan, fmt, args);
    va_end(args);
    return text;
}

void plan_write(struct plan *plan, enum plan_step_type type, const char *dir, const char *name,
                int64_t value)
{
    const char *text = plan_text(plan, "%lld", (long long)value);
    plan_addf(plan, type, "%s/%s", dir, name)->text[1] = text;
}

static void put_varint(struct buf *out, uint64_t value)
{
    while (value >= 0x80) {
        buf_append_byte(out, (char)(value | 0x80));
        value >>= 7;
    }
    buf_append_byte(out, (char)value);
}

void plan_encode(const struct plan *plan, struct buf *out)
{
    buf_append(out, magic, sizeof(magic));
    put_varint(out, plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        buf_append_byte(out, (char)step->type);
        for (int t = 0; t < PLAN_TEXTS; t++) {
            if (step->text[t] == NULL) {
                put_varint(out, 0);
                continue;
            }
            size_t size = strlen(step->text[t]) + 1;
            put_varint(out, size);
            buf_append(out, step->text[t], size); /* with its terminator */
        }
        for (int n = 0; n < PLAN_NUMBERS; n++) {
            uint64_t value = (uint64_t)step->number[n];
            put_varint(out, (value << 1) ^ (step->number[n] < 0 ? UINT64_MAX : 0));
        }
    }
}

static bool get_varint(struct slice *s, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (s->size == 0) {
            return false;
        }
        uint8_t byte = (uint8_t)s->data[0];
        *s = slice_skip(*s, 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool get_text(struct slice *s, struct plan *plan, const char **ret)
{
    uint64_t size;
    if (!get_varint(s, &size) || size > s->size) {
        return false;
    }
    if (size == 0) {
        *ret = NULL;
        return true;
    }
    if (memchr(s->data, '\0', size) != s->data + size - 1) {
        return false;
    }
    *ret = arena_strndup(&plan->arena, s->data, size - 1);
    *s = slice_skip(*s, size);
    return true;
}

static bool get_step(struct slice *s, struct plan *plan)
{
    if (s->size == 0 || (uint8_t)s->data[0] >= PLAN_STEP_TYPES) {
        return false;
    }
    struct plan_step step = {.type = (enum plan_step_type)s->data[0]};
    *s = slice_skip(*s, 1);
    for (int t = 0; t < PLAN_TEXTS; t++) {
        if (!get_text(s, plan, &step.text[t])) {
            return false;
        }
    }
    for (int n = 0; n < PLAN_NUMBERS; n++) {
        uint64_t value;
        if (!get_varint(s, &value)) {
            return false;
        }
        step.number[n] = (int64_t)((value >> 1) ^ (~(value & 1) + 1));
    }
    *add(plan, step.type) = step;
    return true;
}

int plan_decode(struct slice bytes, struct plan *plan)
{
    plan_init(plan);
    uint64_t count = 0;
    bool fine = bytes.size >= sizeof(magic) && bytes.size <= PLAN_SIZE_MAX &&
                memcmp(bytes.data, magic, sizeof(magic)) == 0;
    if (fine) {
        bytes = slice_skip(bytes, sizeof(magic));
        fine = get_varint(&bytes, &count) && count <= PLAN_STEPS_MAX;
    }
    for (uint64_t i = 0; fine && i < count; i++) {
        fine = get_step(&bytes, plan);
    }
    if (!fine || bytes.size != 0) {
        plan_deinit(plan);
        return -EBADMSG;
    }
    return 0;
}

void plan_format(const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        buf_append_text(out, names[step->type]);
        for (int t = 0; t < PLAN_TEXTS; t++) {
            if (step->text[t] != NULL) {
                buf_printf(out, " %s", step->text[t]);
            }
        }
        bool any = false;
        for (int n = 0; n < PLAN_NUMBERS; n++) {
            any = any || step->number[n] != 0;
        }
        int last = PLAN_NUMBERS;
        while (any && last > 0 && step->number[last - 1] == 0) {
            last--;
        }
        for (int n = 0; any && n < last; n++) {
            buf_printf(out, " %lld", (long long)step->number[n]);
        }
        buf_append_byte(out, '\n');
    }
}
