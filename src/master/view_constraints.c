/* /allocator/offer_constraints_debug: which agents a framework's constraints keep from it, by role,
 * and for which roles it wants no offers. A worker evaluates them all. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/view_parts.h"
#include "wire/message.h"

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_suppressed(const struct framework_record *record, struct arena *arena,
                           struct json_writer *w)
{
    struct slice rest = blob_slice(record->suppressed);
    const char **names = arena_alloc_array(arena, rest.size + 1, sizeof(names[0]));
    size_t count = 0;
    while (rest.size > 0) {
        names[count] = rest.data;
        rest = slice_skip(rest, strlen(names[count]) + 1);
        count++;
    }
    qsort(names, count, sizeof(names[0]), compare_texts);
    json_key(w, "suppressed_roles");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_text(w, names[i]);
    }
    json_end_array(w);
}

static void put_excluded(const struct view_index *index, const struct agent_traits *traits,
                         const struct framework_record *record, const char *role,
                         struct json_writer *w)
{
    json_key_slice(w, slice_from(role));
    json_begin_array(w);
    for (size_t i = 0; record->constraints != NULL && i < index->registered.count; i++) {
        if (!offer_constraints_admit(record->constraints, role, &traits[i])) {
            json_string(w, blob_slice(index->registered.items[i]->id));
        }
    }
    json_end_array(w);
}

static void put_framework(const struct view_index *index, const struct agent_traits *traits,
                          const struct framework_record *record, struct json_writer *w)
{
    CLEANUP(arena_deinit) struct arena arena;
    Pb__FrameworkInfo *info;
    arena_init(&arena, 0);
    int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(record->info),
                                &arena, &info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    bool is_multi = (record->capabilities & FRAMEWORK_MULTI_ROLE) != 0;
    size_t count = is_multi ? info->n_roles : 1;
    const char **roles = arena_alloc_array(&arena, count + 1, sizeof(roles[0]));
    for (size_t i = 0; i < count; i++) {
        roles[i] = is_multi ? info->roles[i] : info->role;
    }
    qsort(roles, count, sizeof(roles[0]), compare_texts);
    json_key_slice(w, blob_slice(record->id));
    json_begin_object(w);
    put_suppressed(record, &arena, w);
    json_key(w, "excluded_by_attribute_constraints");
    json_begin_object(w);
    for (size_t i = 0; i < count; i++) {
        put_excluded(index, traits, record, roles[i], w);
    }
    json_end_object(w);
    json_end_object(w);
}

static struct agent_traits *read_traits(const struct view_index *index)
{
    struct agent_traits *traits = xcalloc(index->registered.count + 1, sizeof(traits[0]));
    for (size_t i = 0; i < index->registered.count; i++) {
        CLEANUP(arena_deinit) struct arena arena;
        Pb__AgentInfo *info;
        arena_init(&arena, 0);
        int failed =
            MESSAGE_DECODE(Pb__AgentInfo, pb__agent_info,
                           blob_slice(index->registered.items[i]->info), &arena, &info, NULL);
        ASSERT(failed == 0); /* it was encoded by us */
        agent_traits_init(&traits[i], info);
    }
    return traits;
}

void master_view_write_constraints(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct json_writer w;
    master_view_index_init(&index, input->snapshot, 0, input->seed);
    struct agent_traits *traits = read_traits(&index);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, "frameworks");
    json_begin_object(&w);
    for (size_t i = 0; i < index.running.count; i++) {
        put_framework(&index, traits, index.running.items[i], &w);
    }
    json_end_object(&w);
    json_end_object(&w);
    for (size_t i = 0; i < index.registered.count; i++) {
        agent_traits_deinit(&traits[i]);
    }
    free(traits);
    master_view_index_deinit(&index);
}
