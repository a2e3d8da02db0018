#include "resources/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static const struct slice common_names[RESOURCE_NAMES_COMMON] = {
    [RESOURCE_NAME_CPUS] = {"cpus", 4},
    [RESOURCE_NAME_MEM] = {"mem", 3},
    [RESOURCE_NAME_DISK] = {"disk", 4},
    [RESOURCE_NAME_GPUS] = {"gpus", 4},
};

uint32_t resource_name_common(struct slice text)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (slice_equal(common_names[name], text)) {
            return name;
        }
    }
    return RESOURCE_NAME_NONE;
}

struct slice resource_name_common_text(uint32_t name)
{
    ASSERT(name < RESOURCE_NAMES_COMMON);
    return common_names[name];
}

/* FNV-1a. */
static uint32_t name_hash(struct slice text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (uint8_t)text.data[i]) * 16777619u;
    }
    return hash;
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t name_slot(const struct resource_names *names, struct slice text, uint32_t hash)
{
    uint32_t mask = names->slots_capacity - 1;
    uint32_t at = hash & mask;
    while (names->slots[at] != 0) {
        uint32_t name = names->slots[at] - 1;
        if (names->hashes[name] == hash && slice_equal(names->texts[name], text)) {
            break;
        }
        at = (at + 1) & mask;
    }
    return at;
}

static void grow_slots(struct resource_names *names)
{
    names->slots_capacity = names->slots_capacity != 0 ? names->slots_capacity * 2 : 32;
    free(names->slots);
    names->slots = xcalloc(names->slots_capacity, sizeof(names->slots[0]));
    for (uint32_t name = 0; name < names->count; name++) {
        uint32_t at = name_slot(names, names->texts[name], names->hashes[name]);
        names->slots[at] = name + 1;
    }
}

void resource_names_init(struct resource_names *names)
{
    *names = (struct resource_names){0};
    grow_slots(names);
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        uint32_t given = resource_names_intern(names, common_names[name]);
        ASSERT(given == name);
    }
}

void resource_names_deinit(struct resource_names *names)
{
    for (uint32_t name = 0; name < names->count; name++) {
        free((void *)(uintptr_t)names->texts[name].data);
    }
    free(names->texts);
    free(names->hashes);
    free(names->slots);
    *names = (struct resource_names){0};
}

uint32_t resource_names_intern(struct resource_names *names, struct slice text)
{
    uint32_t hash = name_hash(text);
    uint32_t at = name_slot(names, text, hash);
    if (names->slots[at] != 0) {
        return names->slots[at] - 1;
    }
    if (names->count == RESOURCE_NAMES_MAX) {
        return RESOURCE_NAME_NONE;
    }
    if (names->count == names->capacity) {
        names->capacity = names->capacity != 0 ? names->capacity * 2 : 16;
        names->texts = xrealloc(names->texts, names->capacity, sizeof(names->texts[0]));
        names->hashes = xrealloc(names->hashes, names->capacity, sizeof(names->hashes[0]));
    }
    uint32_t name = names->count++;
    names->texts[name] = slice_make(xstrndup(text.data, text.size), text.size);
    names->hashes[name] = hash;
    names->slots[at] = name + 1;
    if (names->count > names->slots_capacity / 2) {
        grow_slots(names);
    }
    return name;
}

uint32_t resource_names_find(const struct resource_names *names, struct slice text)
{
    uint32_t at = name_slot(names, text, name_hash(text));
    return names->slots[at] != 0 ? names->slots[at] - 1 : RESOURCE_NAME_NONE;
}

struct slice resource_names_text(const struct resource_names *names, uint32_t name)
{
    ASSERT(name < names->count);
    return names->texts[name];
}
