#include "executor/exec_io.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/xalloc.h"

void exec_effects_init(struct exec_effects *effects)
{
    list_init(&effects->list);
}

void exec_effects_deinit(struct exec_effects *effects)
{
    struct exec_effect *effect;
    while ((effect = exec_effect_pop(effects)) != NULL) {
        exec_effect_free(effect);
    }
}

struct exec_effect *exec_effect_add(struct exec_effects *effects, enum exec_effect_type type,
                                    uint64_t token)
{
    struct exec_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    effect->token = token;
    list_push_back(&effects->list, &effect->link);
    return effect;
}

struct exec_effect *exec_effect_add_bytes(struct exec_effects *effects, enum exec_effect_type type,
                                          uint64_t token, struct blob *bytes)
{
    struct exec_effect *effect = exec_effect_add(effects, type, token);
    effect->bytes = bytes;
    return effect;
}

void exec_log(struct exec_effects *effects, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    exec_effect_add(effects, EXEC_LOG, 0)->text = xstrdup(text);
}

void exec_quit(struct exec_effects *effects, int status)
{
    exec_effect_add(effects, EXEC_QUIT, 0)->status = status;
}

struct exec_effect *exec_effect_pop(struct exec_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct exec_effect, link) : NULL;
}

struct exec_command *exec_command_free(struct exec_command *command)
{
    if (command == NULL) {
        return NULL;
    }
    for (char **argument = command->arguments; argument != NULL && *argument != NULL; argument++) {
        free(*argument);
    }
    for (size_t i = 0; i < command->env_count; i++) {
        free(command->env[i].name);
        free(command->env[i].value);
    }
    free(command->arguments);
    free(command->env);
    free(command->value);
    free(command);
    return NULL;
}

struct exec_effect *exec_effect_free(struct exec_effect *effect)
{
    if (effect != NULL) {
        blob_unref(effect->bytes);
        exec_command_free(effect->command);
        free(effect->target);
        free(effect->name);
        free(effect->text);
        free(effect);
    }
    return NULL;
}

void exec_describe_status(int wait_status, struct buf *out)
{
    if (WIFEXITED(wait_status)) {
        buf_printf(out, "exited with status %d", WEXITSTATUS(wait_status));
    } else if (WIFSIGNALED(wait_status)) {
        buf_printf(out, "terminated with signal %s%s", strsignal(WTERMSIG(wait_status)),
                   WCOREDUMP(wait_status) ? " (core dumped)" : "");
    } else {
        buf_printf(out, "ended with wait status %d", wait_status);
    }
}
