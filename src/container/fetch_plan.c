#include "container/fetch_plan.h"

#include "common/xalloc.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

#define COMMAND_URIS 1 /* the field's number */

bool fetch_plan_is_needed(const struct blob *command)
{
    struct cursor_field field;
    return command != NULL && cursor_find(blob_slice(command), COMMAND_URIS, &field);
}

static bool is_repeated(const Pb__CommandInfo *command, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (message_equal(&command->uris[i]->base, &command->uris[index]->base)) {
            return true;
        }
    }
    return false;
}

char *fetch_plan(const struct containerizer_options *options, const struct blob *command_bytes,
                 const char *sandbox, const char *user)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__CommandInfo *command;
    int r = MESSAGE_DECODE(Pb__CommandInfo, pb__command_info, blob_slice(command_bytes), &arena,
                           &command, NULL);
    ASSERT(r == 0); /* launch_plan() has checked it */
    Pb__Fetcher__FetcherInfo info = PB__FETCHER__FETCHER_INFO__INIT;
    info.sandbox_directory = arena_strdup(&arena, sandbox);
    info.user = user != NULL ? arena_strdup(&arena, user) : NULL;
    info.frameworks_home =
        options->frameworks_home != NULL ? arena_strdup(&arena, options->frameworks_home) : NULL;
    if (options->fetcher_stall_timeout_ns != 0) {
        info.stall_timeout = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, &arena);
        info.stall_timeout->nanoseconds = options->fetcher_stall_timeout_ns;
    }
    for (size_t i = 0; i < command->n_uris; i++) {
        if (is_repeated(command, i)) { /* facts/observed.md, tasks 18 */
            continue;
        }
        Pb__Fetcher__FetcherInfo__Item *item =
            MESSAGE_NEW(Pb__Fetcher__FetcherInfo__Item, pb__fetcher__fetcher_info__item, &arena);
        item->uri = command->uris[i];
        item->action = PB__FETCHER__FETCHER_INFO__ITEM__ACTION__BYPASS_CACHE;
        MESSAGE_APPEND(&arena, info.n_items, info.items, item);
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    json_print_message(&info.base, JSON_V0, &out);
    return xstrdup(buf_text(&out));
}
