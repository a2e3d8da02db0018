#include "resources/agent_traits.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void agent_traits_init(struct agent_traits *traits, const Pb__AgentInfo *info)
{
    const Pb__DomainInfo__FaultDomain *domain =
        info->domain != NULL ? info->domain->fault_domain : NULL;
    *traits = (struct agent_traits){
        .hostname = xstrdup(info->hostname),
        .region = domain != NULL ? xstrdup(domain->region->name) : NULL,
        .zone = domain != NULL ? xstrdup(domain->zone->name) : NULL,
        .items =
            info->n_attributes > 0 ? xcalloc(info->n_attributes, sizeof(struct agent_trait)) : NULL,
        .count = info->n_attributes,
    };
    for (size_t i = 0; i < traits->count; i++) {
        const Pb__Attribute *attribute = info->attributes[i];
        bool is_text = attribute->type == PB__VALUE__TYPE__TEXT && attribute->text != NULL;
        traits->items[i] = (struct agent_trait){
            .name = xstrdup(attribute->name),
            .text = is_text ? xstrdup(attribute->text->value) : NULL,
        };
    }
}

void agent_traits_deinit(struct agent_traits *traits)
{
    for (size_t i = 0; i < traits->count; i++) {
        free(traits->items[i].name);
        free(traits->items[i].text);
    }
    free(traits->items);
    free(traits->hostname);
    free(traits->region);
    free(traits->zone);
    *traits = (struct agent_traits){0};
}

const struct agent_trait *agent_traits_find(const struct agent_traits *traits, const char *name)
{
    for (size_t i = 0; i < traits->count; i++) {
        if (strcmp(traits->items[i].name, name) == 0) {
            return &traits->items[i];
        }
    }
    return NULL;
}
