#include <stdlib.h>

#include "election/college.h"

void college_effects_init(struct college_effects *effects)
{
    list_init(&effects->list);
}

void college_effects_deinit(struct college_effects *effects)
{
    struct college_effect *effect;
    while ((effect = college_effects_pop(effects)) != NULL) {
        college_effect_free(effect);
    }
}

struct college_effect *college_effects_pop(struct college_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct college_effect, link) : NULL;
}

struct college_effect *college_effect_free(struct college_effect *effect)
{
    if (effect != NULL) {
        list_remove(&effect->link);
        blob_unref(effect->bytes);
        free(effect);
    }
    return NULL;
}
