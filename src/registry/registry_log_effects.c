#include <stdlib.h>

#include "registry/registry_log.h"

void registry_log_effects_init(struct registry_log_effects *effects)
{
    list_init(&effects->answers);
    list_init(&effects->requests);
    list_init(&effects->notes);
    effects->job = NULL;
}

void registry_log_effects_deinit(struct registry_log_effects *effects)
{
    struct registry_log_answer *answer;
    struct registry_log_request *request;
    struct registry_log_note *note;
    while ((answer = registry_log_pop_answer(effects)) != NULL) {
        registry_log_answer_free(answer);
    }
    while ((request = registry_log_pop_request(effects)) != NULL) {
        registry_log_request_free(request);
    }
    while ((note = registry_log_pop_note(effects)) != NULL) {
        registry_log_note_free(note);
    }
}

struct registry_log_request *registry_log_pop_request(struct registry_log_effects *effects)
{
    struct list *link = list_pop_front(&effects->requests);
    return link != NULL ? LIST_ENTRY(link, struct registry_log_request, link) : NULL;
}

struct registry_log_request *registry_log_request_free(struct registry_log_request *request)
{
    if (request != NULL) {
        blob_unref(request->bytes);
        free(request);
    }
    return NULL;
}

struct registry_log_answer *registry_log_pop_answer(struct registry_log_effects *effects)
{
    struct list *link = list_pop_front(&effects->answers);
    return link != NULL ? LIST_ENTRY(link, struct registry_log_answer, link) : NULL;
}

struct registry_log_answer *registry_log_answer_free(struct registry_log_answer *answer)
{
    if (answer != NULL) {
        blob_unref(answer->value_owner);
        free(answer->why);
        free(answer);
    }
    return NULL;
}

struct registry_log_note *registry_log_pop_note(struct registry_log_effects *effects)
{
    struct list *link = list_pop_front(&effects->notes);
    return link != NULL ? LIST_ENTRY(link, struct registry_log_note, link) : NULL;
}

struct registry_log_note *registry_log_note_free(struct registry_log_note *note)
{
    if (note != NULL) {
        free(note->text);
        free(note);
    }
    return NULL;
}
