#include "master/metrics_framework.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/snapshot.h"
#include "wire/message.h"
#include "wire/url.h"

/* A name behind the framework's prefix, and the number of a type or state. */
struct suffix {
    const char *name;
    unsigned number;
};

/* In order of names. */
static const struct suffix calls[] = {
    {"accept", PB__SCHEDULER__CALL__TYPE__ACCEPT},
    {"accept_inverse_offers", PB__SCHEDULER__CALL__TYPE__ACCEPT_INVERSE_OFFERS},
    {"acknowledge", PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE},
    {"acknowledge_operation_status", PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS},
    {"decline", PB__SCHEDULER__CALL__TYPE__DECLINE},
    {"decline_inverse_offers", PB__SCHEDULER__CALL__TYPE__DECLINE_INVERSE_OFFERS},
    {"kill", PB__SCHEDULER__CALL__TYPE__KILL},
    {"message", PB__SCHEDULER__CALL__TYPE__MESSAGE},
    {"reconcile", PB__SCHEDULER__CALL__TYPE__RECONCILE},
    {"reconcile_operations", PB__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS},
    {"request", PB__SCHEDULER__CALL__TYPE__REQUEST},
    {"revive", PB__SCHEDULER__CALL__TYPE__REVIVE},
    {"shutdown", PB__SCHEDULER__CALL__TYPE__SHUTDOWN},
    {"subscribe", PB__SCHEDULER__CALL__TYPE__SUBSCRIBE},
    {"suppress", PB__SCHEDULER__CALL__TYPE__SUPPRESS},
    {"teardown", PB__SCHEDULER__CALL__TYPE__TEARDOWN},
    {"update_framework", PB__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK},
};

static const struct suffix events[] = {
    {"error", PB__SCHEDULER__EVENT__TYPE__ERROR},
    {"failure", PB__SCHEDULER__EVENT__TYPE__FAILURE},
    {"heartbeat", PB__SCHEDULER__EVENT__TYPE__HEARTBEAT},
    {"inverse_offers", PB__SCHEDULER__EVENT__TYPE__INVERSE_OFFERS},
    {"message", PB__SCHEDULER__EVENT__TYPE__MESSAGE},
    {"offers", PB__SCHEDULER__EVENT__TYPE__OFFERS},
    {"rescind", PB__SCHEDULER__EVENT__TYPE__RESCIND},
    {"rescind_inverse_offer", PB__SCHEDULER__EVENT__TYPE__RESCIND_INVERSE_OFFER},
    {"subscribed", PB__SCHEDULER__EVENT__TYPE__SUBSCRIBED},
    {"update", PB__SCHEDULER__EVENT__TYPE__UPDATE},
    {"update_operation_status", PB__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS},
};

static const struct suffix operations[] = {
    {"create", PB__OFFER__OPERATION__TYPE__CREATE},
    {"create_disk", PB__OFFER__OPERATION__TYPE__CREATE_DISK},
    {"destroy", PB__OFFER__OPERATION__TYPE__DESTROY},
    {"destroy_disk", PB__OFFER__OPERATION__TYPE__DESTROY_DISK},
    {"grow_volume", PB__OFFER__OPERATION__TYPE__GROW_VOLUME},
    {"launch", PB__OFFER__OPERATION__TYPE__LAUNCH},
    {"launch_group", PB__OFFER__OPERATION__TYPE__LAUNCH_GROUP},
    {"reserve", PB__OFFER__OPERATION__TYPE__RESERVE},
    {"shrink_volume", PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME},
    {"unreserve", PB__OFFER__OPERATION__TYPE__UNRESERVE},
};

static const struct suffix active[] = {
    {"task_killing", TASK_STATE_KILLING}, {"task_running", TASK_STATE_RUNNING},
    {"task_staging", TASK_STATE_STAGING}, {"task_starting", TASK_STATE_STARTING},
    {"task_unknown", TASK_STATE_UNKNOWN}, {"task_unreachable", TASK_STATE_UNREACHABLE},
};

static const struct suffix terminal[] = {
    {"task_dropped", TASK_STATE_DROPPED}, {"task_error", TASK_STATE_ERROR},
    {"task_failed", TASK_STATE_FAILED},   {"task_finished", TASK_STATE_FINISHED},
    {"task_gone", TASK_STATE_GONE},       {"task_gone_by_operator", TASK_STATE_GONE_BY_OPERATOR},
    {"task_killed", TASK_STATE_KILLED},   {"task_lost", TASK_STATE_LOST},
};

/* One framework's names under way. */
struct naming {
    struct buf name;    /* the prefix, and what is being added to it */
    size_t prefix_size; /* bytes of the prefix */
    metrics_visit_fn *visit;
    void *arg; /* for visit */
};

static void tell(struct naming *naming, const char *group, const char *name, double value)
{
    naming->name.size = naming->prefix_size;
    buf_append_text(&naming->name, group);
    buf_append_text(&naming->name, name);
    naming->visit(naming->arg, buf_text(&naming->name), value);
}

static void tell_group(struct naming *naming, const char *group, const struct suffix *suffixes,
                       size_t count, const uint64_t *numbers)
{
    for (size_t i = 0; i < count; i++) {
        tell(naming, group, suffixes[i].name, (double)numbers[suffixes[i].number]);
    }
}

static double sum(const struct suffix *suffixes, size_t count, const uint64_t *numbers)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all += numbers[suffixes[i].number];
    }
    return (double)all;
}

/* --- roles --- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_suppressed(const struct framework_record *record, const char *role)
{
    struct slice rest = blob_slice(record->suppressed);
    struct slice name;
    while (rest.size > 0 && slice_split(&rest, '\0', &name)) {
        if (slice_is(name, role)) {
            return true;
        }
    }
    return false;
}

static void tell_roles(struct naming *naming, const struct framework_record *record,
                       struct arena *arena)
{
    Pb__FrameworkInfo *info;
    int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(record->info),
                                arena, &info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    char *single = info->role != NULL ? info->role : arena_strdup(arena, "*");
    bool multi = (record->capabilities & FRAMEWORK_MULTI_ROLE) != 0;
    char **roles = multi ? info->roles : &single;
    size_t count = multi ? info->n_roles : 1;
    const char **names = arena_alloc_array(arena, count + 1, sizeof(names[0]));
    for (size_t i = 0; i < count; i++) {
        names[i] = arena_printf(arena, "%s/suppressed", roles[i]);
    }
    qsort(names, count, sizeof(names[0]), compare_texts);
    for (size_t i = 0; i < count; i++) {
        const char *role = arena_strndup(arena, names[i], strlen(names[i]) - strlen("/suppressed"));
        tell(naming, "roles/", names[i], is_suppressed(record, role) ? 1 : 0);
    }
}

/* --- a framework --- */

struct entry {
    struct buf prefix;
    const struct framework_record *record;
};

static void tell_framework(struct naming *naming, const struct entry *entry,
                           const struct framework_counts *counts)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    buf_clear(&naming->name);
    buf_append_slice(&naming->name, buf_slice(&entry->prefix));
    naming->prefix_size = naming->name.size;
    tell(naming, "calls", "", sum(calls, ELEMENTS(calls), counts->calls));
    tell_group(naming, "calls/", calls, ELEMENTS(calls), counts->calls);
    tell(naming, "events", "", sum(events, ELEMENTS(events), counts->events));
    tell_group(naming, "events/", events, ELEMENTS(events), counts->events);
    tell(naming, "offers/", "accepted", (double)counts->offers_accepted);
    tell(naming, "offers/", "declined", (double)counts->offers_declined);
    tell(naming, "offers/", "rescinded", (double)counts->offers_rescinded);
    tell(naming, "offers/", "sent", (double)counts->offers_sent);
    tell(naming, "operations", "", sum(operations, ELEMENTS(operations), counts->operations));
    tell_group(naming, "operations/", operations, ELEMENTS(operations), counts->operations);
    tell_roles(naming, entry->record, &arena);
    tell(naming, "subscribed", "", framework_is_connected(entry->record->state) ? 1 : 0);
    tell_group(naming, "tasks/active/", active, ELEMENTS(active), counts->tasks_active);
    tell_group(naming, "tasks/terminal/", terminal, ELEMENTS(terminal), counts->tasks_terminal);
}

static int compare_entries(const void *a, const void *b)
{
    return slice_compare(buf_slice(&((const struct entry *)a)->prefix),
                         buf_slice(&((const struct entry *)b)->prefix));
}

void master_metrics_framework_visit(const struct cow_snapshot *frameworks,
                                    struct framework_counts *const *counts, metrics_visit_fn *visit,
                                    void *arg)
{
    struct naming naming = {.visit = visit, .arg = arg};
    struct entry *entries = xcalloc(frameworks->count + 1, sizeof(entries[0]));
    size_t count = 0;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(frameworks, &slot)) != NULL; slot++) {
        const struct framework_record *record = SNAPSHOT_RECORD(struct framework_record, value);
        struct buf *prefix = &entries[count].prefix;
        buf_append_text(prefix, METRICS_FRAMEWORK_PREFIX);
        url_encode(blob_slice(record->name), "", prefix);
        buf_append_byte(prefix, '/');
        buf_append_slice(prefix, blob_slice(record->id));
        buf_append_byte(prefix, '/');
        entries[count++].record = record;
    }
    qsort(entries, count, sizeof(entries[0]), compare_entries);
    for (size_t i = 0; i < count; i++) {
        tell_framework(&naming, &entries[i], counts[entries[i].record->slot]);
        buf_deinit(&entries[i].prefix);
    }
    free(entries);
    buf_deinit(&naming.name);
}

/* --- principals --- */

struct principal {
    const char *name;
    double messages;
};

static int compare_principals(const void *a, const void *b)
{
    return strcmp(((const struct principal *)a)->name, ((const struct principal *)b)->name);
}

/* Of those whose frameworks run; HTTP calls are no messages. */
void master_metrics_principals_visit(const struct cow_snapshot *frameworks,
                                     struct framework_counts *const *counts,
                                     metrics_visit_fn *visit, void *arg)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    struct principal *items = arena_alloc_array(&arena, frameworks->count + 1, sizeof(items[0]));
    size_t count = 0;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(frameworks, &slot)) != NULL; slot++) {
        const struct framework_record *record = SNAPSHOT_RECORD(struct framework_record, value);
        Pb__FrameworkInfo *info;
        int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(record->info),
                                    &arena, &info, NULL);
        ASSERT(failed == 0); /* it was encoded by us */
        if (record->state != FRAMEWORK_COMPLETED && info->principal != NULL) {
            bool is_driver = record->pid[0] != '\0';
            items[count++] = (struct principal){
                .name = info->principal,
                .messages =
                    is_driver ? sum(calls, ELEMENTS(calls), counts[record->slot]->calls) : 0,
            };
        }
    }
    qsort(items, count, sizeof(items[0]), compare_principals);
    for (size_t i = 0; i < count;) {
        const char *name = items[i].name;
        double messages = 0;
        for (; i < count && strcmp(items[i].name, name) == 0; i++) {
            messages += items[i].messages;
        }
        visit(arg, arena_printf(&arena, "frameworks/%s/messages_processed", name), messages);
        visit(arg, arena_printf(&arena, "frameworks/%s/messages_received", name), messages);
    }
}
