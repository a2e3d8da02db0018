#include "wire/message_map.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* Up to so many entries, comparing each with each is quicker than sorting. */
#define COMPARE_ALL_MAX 16

struct place {
    const struct layout_field *key; /* of the entries */
    const ProtobufCMessage *entry;  /* one of them */
    size_t index;                   /* in the map */
};

static int compare_keys(const struct layout_field *key, const ProtobufCMessage *a,
                        const ProtobufCMessage *b)
{
    const void *of_a = layout_member(key, a);
    const void *of_b = layout_member(key, b);
    if (key->type != PROTOBUF_C_TYPE_STRING) {
        return memcmp(of_a, of_b, key->item_size); /* in any order, as long as it is one */
    }
    const char *text_a;
    const char *text_b;
    memcpy(&text_a, of_a, sizeof(text_a));
    memcpy(&text_b, of_b, sizeof(text_b));
    return strcmp(text_a != NULL ? text_a : "", text_b != NULL ? text_b : "");
}

static int compare_places(const void *a, const void *b)
{
    const struct place *of_a = a;
    const struct place *of_b = b;
    int order = compare_keys(of_a->key, of_a->entry, of_b->entry);
    return order != 0 ? order : (of_a->index > of_b->index) - (of_a->index < of_b->index);
}

/* Clears the places of entries that come again later. */
static void clear_by_comparing(const struct layout_field *key, ProtobufCMessage **entries,
                               size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        for (size_t later = i + 1; later < count; later++) {
            if (compare_keys(key, entries[i], entries[later]) == 0) {
                entries[i] = NULL;
                break;
            }
        }
    }
}

static void clear_by_sorting(const struct layout_field *key, ProtobufCMessage **entries,
                             size_t count)
{
    struct place *places = xcalloc(count, sizeof(*places));
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct place){.key = key, .entry = entries[i], .index = i};
    }
    qsort(places, count, sizeof(*places), compare_places);
    for (size_t i = 0; i + 1 < count; i++) {
        if (compare_keys(key, places[i].entry, places[i + 1].entry) == 0) {
            entries[places[i].index] = NULL;
        }
    }
    free(places);
}

size_t message_map_dedupe(const struct layout_field *field, ProtobufCMessage **entries,
                          size_t count)
{
    const struct layout_field *key = &layout_sub(field)->fields[0];
    if (count <= COMPARE_ALL_MAX) {
        clear_by_comparing(key, entries, count);
    } else {
        clear_by_sorting(key, entries, count);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i] != NULL) {
            entries[kept++] = entries[i];
        }
    }
    return kept;
}
