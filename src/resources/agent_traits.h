/*
 * What offer constraints ask of an agent: its name, where it is, and its attributes.
 */
#ifndef TEPUI_RESOURCES_AGENT_TRAITS_H
#define TEPUI_RESOURCES_AGENT_TRAITS_H

#include "common/slice.h"
#include "wire/pb.h"

struct agent_trait {
    char *name;
    char *text; /* NULL = the attribute is no text */
};

/* All texts on the heap. */
struct agent_traits {
    char *hostname;
    char *region; /* of its fault domain; NULL = none */
    char *zone;   /* the same */
    struct agent_trait *items;
    size_t count;
};

void agent_traits_init(struct agent_traits *traits, const Pb__AgentInfo *info);
void agent_traits_deinit(struct agent_traits *traits); /* idempotent */
/* The first attribute of the name, as in the reference; NULL if there is none. */
const struct agent_trait *agent_traits_find(const struct agent_traits *traits, const char *name);

#endif
