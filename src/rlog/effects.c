#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/rlog.h"

void rlog_effects_init(struct rlog_effects *effects)
{
    net_effects_init(&effects->net);
    rlog_store_ops_init(&effects->store);
    list_init(&effects->answers);
    list_init(&effects->notes);
}

void rlog_effects_deinit(struct rlog_effects *effects)
{
    net_effects_deinit(&effects->net);
    rlog_store_ops_deinit(&effects->store);
    struct rlog_answer *answer;
    while ((answer = rlog_effects_pop_answer(effects)) != NULL) {
        rlog_answer_free(answer);
    }
    struct rlog_note *note;
    while ((note = rlog_effects_pop_note(effects)) != NULL) {
        rlog_note_free(note);
    }
}

struct rlog_answer *rlog_effects_pop_answer(struct rlog_effects *effects)
{
    struct list *link = list_pop_front(&effects->answers);
    return link != NULL ? LIST_ENTRY(link, struct rlog_answer, link) : NULL;
}

struct rlog_answer *rlog_answer_free(struct rlog_answer *answer)
{
    if (answer != NULL) {
        for (size_t i = 0; i < answer->entry_count; i++) {
            blob_unref(answer->entries[i].bytes);
        }
        free(answer->entries);
        free(answer);
    }
    return NULL;
}

struct rlog_note *rlog_effects_pop_note(struct rlog_effects *effects)
{
    struct list *link = list_pop_front(&effects->notes);
    return link != NULL ? LIST_ENTRY(link, struct rlog_note, link) : NULL;
}

struct rlog_note *rlog_note_free(struct rlog_note *note)
{
    if (note != NULL) {
        free(note->text);
        free(note);
    }
    return NULL;
}

struct rlog_answer *rlog_answer(struct rlog_effects *effects, enum rlog_answer_type type,
                                uint64_t token, int status)
{
    struct rlog_answer *answer = xalloc(sizeof(*answer));
    answer->type = type;
    answer->token = token;
    answer->status = status;
    list_push_back(&effects->answers, &answer->link);
    return answer;
}

void rlog_note(struct rlog_effects *effects, enum rlog_note_level level, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct rlog_note *note = xalloc(sizeof(*note));
    note->level = level;
    note->text = xstrdup(text);
    list_push_back(&effects->notes, &note->link);
}
