#include "master/whitelist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "master/master_state.h"

void master_whitelist_init(struct master *master)
{
    const char *path = master->options.whitelist;
    struct whitelist *whitelist = &master->whitelist;
    timer_init(&whitelist->timer, TIMER_WHITELIST, NULL);
    /* "*" is how older versions said: none. */
    if (path != NULL && strcmp(path, "*") != 0) {
        whitelist->state = WHITELIST_UNREAD;
        timers_set(&master->timers, &whitelist->timer, master->now.mono_ns);
    }
}

static void drop_list(struct whitelist *whitelist)
{
    whitelist->text = blob_unref(whitelist->text);
    free(whitelist->hosts);
    whitelist->hosts = NULL;
    whitelist->count = 0;
}

void master_whitelist_deinit(struct master *master)
{
    timers_cancel(&master->timers, &master->whitelist.timer);
    drop_list(&master->whitelist);
}

void master_whitelist_look(struct master *master)
{
    struct whitelist *whitelist = &master->whitelist;
    const char *path = master->options.whitelist;
    timers_set(&master->timers, &whitelist->timer,
               time_add_ns(master->now.mono_ns, WHITELIST_INTERVAL_NS));
    if (!whitelist->is_asked) {
        whitelist->is_asked = true;
        /* It may be a link to anywhere: the operator's word is all that it needs. */
        (void)file_request_add(&master->effects->files, FILE_DOWNLOAD, WHITELIST_TOKEN, path, path);
    }
}

/* --- the list --- */

static int compare_hosts(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* Takes over the text. */
static void set_list(struct whitelist *whitelist, struct blob *text)
{
    struct slice rest = blob_slice(text);
    struct slice line;
    size_t capacity = 0;
    drop_list(whitelist);
    whitelist->text = text;
    whitelist->state = WHITELIST_READ;
    while (slice_split(&rest, '\n', &line)) {
        line = slice_trim(line);
        if (line.size == 0) {
            continue;
        }
        if (whitelist->count == capacity) {
            capacity = MAX(capacity * 2, (size_t)64);
            whitelist->hosts = xrealloc(whitelist->hosts, capacity, sizeof(line));
        }
        whitelist->hosts[whitelist->count++] = line;
    }
    if (whitelist->count > 0) {
        qsort(whitelist->hosts, whitelist->count, sizeof(line), compare_hosts);
    }
}

static bool is_listed(const struct whitelist *whitelist, const char *hostname)
{
    struct slice key = slice_from(hostname);
    switch (whitelist->state) {
    case WHITELIST_NONE:
    case WHITELIST_MISSING:
        return true;
    case WHITELIST_UNREAD:
        return false;
    case WHITELIST_READ:
        return whitelist->count > 0 && bsearch(&key, whitelist->hosts, whitelist->count,
                                               sizeof(key), compare_hosts) != NULL;
    }
    return false;
}

void master_whitelist_apply(struct master *master, const struct agent *agent)
{
    if (master->whitelist.state != WHITELIST_NONE) {
        master->allocator_ops->set_whitelisted(master->allocator, master->now.mono_ns, agent->slot,
                                               is_listed(&master->whitelist, agent->hostname));
    }
}

static void apply_to_all(struct master *master)
{
    const struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        master_whitelist_apply(master, agent);
    }
}

/* --- answers --- */

static void take_failure(struct master *master, int status)
{
    struct whitelist *whitelist = &master->whitelist;
    if (!whitelist->has_failed) {
        master_log(master, LOG_LEVEL_ERROR, "Error reading whitelist file '%s': %s. Retrying",
                   master->options.whitelist, strerrordesc_np(-status));
    }
    whitelist->has_failed = true;
    if (whitelist->state == WHITELIST_UNREAD) {
        whitelist->state = WHITELIST_MISSING;
        master_log(master, LOG_LEVEL_WARNING, "All agents are offered until there is a whitelist");
        apply_to_all(master);
    }
}

void master_whitelist_answer(struct master *master, const struct file_result *result)
{
    struct whitelist *whitelist = &master->whitelist;
    whitelist->is_asked = false;
    int status = result->status;
    if (status == 0 && blob_slice(result->bytes).size > WHITELIST_SIZE_MAX) {
        status = -EFBIG;
    }
    if (status != 0) {
        take_failure(master, status);
        return;
    }
    whitelist->has_failed = false;
    if (whitelist->state == WHITELIST_READ &&
        slice_equal(blob_slice(result->bytes), blob_slice(whitelist->text))) {
        return;
    }
    set_list(whitelist, result->bytes != NULL ? blob_ref(result->bytes) : blob_from(SLICE("")));
    master_log(master, LOG_LEVEL_INFO, "Updated agent whitelist: %zu hosts", whitelist->count);
    if (whitelist->count == 0) {
        master_log(master, LOG_LEVEL_WARNING, "Whitelist is empty, no offers will be made!");
    }
    apply_to_all(master);
}
