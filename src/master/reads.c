#include "master/reads.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/http_files.h"
#include "master/master_state.h"
#include "master/metrics_view.h"
#include "master/subscribers.h"

struct reads *master_reads_new(struct master *master)
{
    struct reads *reads = xalloc(sizeof(*reads));
    map_init(&reads->subscribers, master_subscriber_key, prng_next(&master->prng));
    master_view_answers_init(&reads->views, reads->subscribers.seed[0]);
    list_init(&reads->subscriber_order);
    list_init(&reads->metrics_waiting);
    list_init(&reads->looks);
    timer_init(&reads->views_timer, TIMER_VIEWS, NULL);
    timer_init(&reads->metrics_timer, TIMER_METRICS, NULL);
    timer_init(&reads->verbosity_timer, TIMER_VERBOSITY, NULL);
    return reads;
}

struct reads *master_reads_free(struct master *master)
{
    struct reads *reads = master->reads;
    if (reads != NULL) {
        master_subscribers_drop_all(master);
        master_metrics_drop_waiting(master);
        master_files_drop_all(master);
        timers_cancel(&master->timers, &reads->views_timer);
        timers_cancel(&master->timers, &reads->metrics_timer);
        timers_cancel(&master->timers, &reads->verbosity_timer);
        master_view_answers_deinit(&reads->views);
        map_deinit(&reads->subscribers);
        free(reads);
    }
    return NULL;
}

static void set_verbosity(struct master *master, int level)
{
    master->reads->verbosity = level;
    master->effects->sets_verbosity = true;
    master->effects->verbosity = level;
}

void master_reads_set_verbosity(struct master *master, int level, int64_t duration_ns)
{
    set_verbosity(master, level);
    timers_set(&master->timers, &master->reads->verbosity_timer,
               time_add_ns(master->now.mono_ns, duration_ns));
}

void master_reads_reset_verbosity(struct master *master)
{
    set_verbosity(master, 0);
}
