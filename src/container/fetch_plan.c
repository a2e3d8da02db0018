#include "container/fetch_plan.h"

#include "common/xalloc.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"

#define COMMAND_URIS 1 /* the field's number */

bool fetch_plan_is_needed(const struct blob *command)
{
    struct cursor_field field;
    return command != NULL && cursor_find(blob_slice(command), COMMAND_URIS, &field);
}

static bool is_repeated(const Pb__CommandInfo *command, size_t count,
                        const Pb__CommandInfo__URI *uri)
{
    for (size_t i = 0; i < count; i++) {
        if (message_equal(&command->uris[i]->base, &uri->base)) {
            return true;
        }
    }
    return false;
}

Pb__CommandInfo *fetch_plan_decode(const struct blob *bytes, struct arena *arena)
{
    Pb__CommandInfo *command;
    int r =
        MESSAGE_DECODE(Pb__CommandInfo, pb__command_info, blob_slice(bytes), arena, &command, NULL);
    ASSERT(r == 0);
    size_t kept = 0;
    for (size_t i = 0; i < command->n_uris; i++) {
        if (!is_repeated(command, kept, command->uris[i])) {
            command->uris[kept++] = command->uris[i];
        }
    }
    command->n_uris = kept;
    return command;
}

static Pb__Fetcher__FetcherInfo__Item *
make_item(Pb__CommandInfo__URI *uri, const struct fetch_choice *choice, struct arena *arena)
{
    Pb__Fetcher__FetcherInfo__Item *item =
        MESSAGE_NEW(Pb__Fetcher__FetcherInfo__Item, pb__fetcher__fetcher_info__item, arena);
    item->uri = uri;
    if (choice->entry == NULL) {
        item->action = PB__FETCHER__FETCHER_INFO__ITEM__ACTION__BYPASS_CACHE;
        return item;
    }
    item->action = choice->download ? PB__FETCHER__FETCHER_INFO__ITEM__ACTION__DOWNLOAD_AND_CACHE
                                    : PB__FETCHER__FETCHER_INFO__ITEM__ACTION__RETRIEVE_FROM_CACHE;
    item->cache_filename = arena_strdup(arena, choice->entry->name);
    return item;
}

char *fetch_plan(const struct containerizer_options *options, const Pb__CommandInfo *command,
                 const struct fetch_choice *choices, const char *cache_directory,
                 const char *sandbox, const char *user, struct arena *arena)
{
    Pb__Fetcher__FetcherInfo info = PB__FETCHER__FETCHER_INFO__INIT;
    info.sandbox_directory = arena_strdup(arena, sandbox);
    if (cache_directory != NULL) {
        info.cache_directory = arena_strdup(arena, cache_directory);
    }
    if (user != NULL) {
        info.user = arena_strdup(arena, user);
    }
    if (options->frameworks_home != NULL) {
        info.frameworks_home = arena_strdup(arena, options->frameworks_home);
    }
    if (options->fetcher_stall_timeout_ns != 0) {
        info.stall_timeout = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, arena);
        info.stall_timeout->nanoseconds = options->fetcher_stall_timeout_ns;
    }
    for (size_t i = 0; i < command->n_uris; i++) {
        MESSAGE_APPEND(arena, info.n_items, info.items,
                       make_item(command->uris[i], &choices[i], arena));
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    json_print_message(&info.base, JSON_V0, &out);
    return xstrdup(buf_text(&out));
}
