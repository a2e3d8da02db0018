#include "common/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/duration.h"
#include "common/xalloc.h"

#define TIMER_WINDOW_NS NS_PER_HOUR
/* Samples are thinned by one at a time, so one more than are kept is held for a moment. */
#define SAMPLES_CAPACITY (METRICS_SAMPLES_MAX + 1)

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_VALUE, METRIC_TIMER };

struct sample {
    int64_t time_ns; /* monotonic, when it was recorded */
    double ms;       /* the duration */
};

struct samples {
    struct sample *items; /* SAMPLES_CAPACITY of them, by time; NULL until the first */
    size_t count;         /* items in use */
    size_t thin_next;     /* the next to go when there are too many; 0 = begin again */
    int64_t window_ns;    /* older ones go; 0 = keep none */
};

struct metric {
    char *name; /* heap; with the unit, for timers */
    enum metric_kind kind;
    int64_t count;          /* COUNTER */
    double value;           /* VALUE; TIMER: the last duration, ms */
    bool has_value;         /* TIMER: something was recorded */
    metrics_gauge_fn *read; /* GAUGE */
    const void *arg;        /* GAUGE: for read */
    struct samples samples; /* TIMER */
};

struct metrics {
    struct metric **items; /* by name */
    size_t count;
    size_t capacity;
};

struct metrics *metrics_new(void)
{
    return xalloc(sizeof(struct metrics));
}

static void metric_free(struct metric *metric)
{
    free(metric->samples.items);
    free(metric->name);
    free(metric);
}

struct metrics *metrics_free(struct metrics *metrics)
{
    if (metrics != NULL) {
        for (size_t i = 0; i < metrics->count; i++) {
            metric_free(metrics->items[i]);
        }
        free(metrics->items);
        free(metrics);
    }
    return NULL;
}

/* The place of the name, or where it belongs. */
static size_t search(const struct metrics *metrics, const char *name)
{
    size_t low = 0;
    size_t high = metrics->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(metrics->items[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct metrics *metrics, size_t at, const char *name)
{
    return at < metrics->count && strcmp(metrics->items[at]->name, name) == 0;
}

struct metric *metrics_find(const struct metrics *metrics, const char *name)
{
    size_t at = search(metrics, name);
    return is_at(metrics, at, name) ? metrics->items[at] : NULL;
}

/* Takes the name over. */
static struct metric *add(struct metrics *metrics, char *name, enum metric_kind kind)
{
    size_t at = search(metrics, name);
    ASSERT(!is_at(metrics, at, name));
    if (metrics->count == metrics->capacity) {
        metrics->capacity = MAX(metrics->capacity * 2, (size_t)64);
        metrics->items = xrealloc(metrics->items, metrics->capacity, sizeof(struct metric *));
    }
    memmove(&metrics->items[at + 1], &metrics->items[at],
            (metrics->count - at) * sizeof(struct metric *));
    struct metric *metric = xalloc(sizeof(*metric));
    metric->name = name;
    metric->kind = kind;
    metrics->items[at] = metric;
    metrics->count++;
    return metric;
}

struct metric *metrics_add_counter(struct metrics *metrics, const char *name)
{
    return add(metrics, xstrdup(name), METRIC_COUNTER);
}

struct metric *metrics_add_gauge(struct metrics *metrics, const char *name, metrics_gauge_fn *read,
                                 const void *arg)
{
    struct metric *metric = add(metrics, xstrdup(name), METRIC_GAUGE);
    metric->read = read;
    metric->arg = arg;
    return metric;
}

struct metric *metrics_add_value(struct metrics *metrics, const char *name)
{
    return add(metrics, xstrdup(name), METRIC_VALUE);
}

struct metric *metrics_add_timer_window(struct metrics *metrics, const char *name,
                                        int64_t window_ns)
{
    struct metric *metric = add(metrics, xasprintf("%s_ms", name), METRIC_TIMER);
    metric->samples.window_ns = window_ns;
    return metric;
}

struct metric *metrics_add_timer(struct metrics *metrics, const char *name)
{
    return metrics_add_timer_window(metrics, name, TIMER_WINDOW_NS);
}

void metrics_remove(struct metrics *metrics, struct metric *metric)
{
    size_t at = search(metrics, metric->name);
    ASSERT(at < metrics->count && metrics->items[at] == metric);
    metrics->count--;
    memmove(&metrics->items[at], &metrics->items[at + 1],
            (metrics->count - at) * sizeof(struct metric *));
    metric_free(metric);
}

/* Samples. */

static void remove_samples(struct samples *samples, size_t at, size_t count)
{
    samples->count -= count;
    memmove(&samples->items[at], &samples->items[at + count],
            (samples->count - at) * sizeof(struct sample));
}

/* Drops what lies before the window. */
static void expire_samples(struct samples *samples, int64_t now_ns)
{
    int64_t start_ns = time_add_ns(now_ns, -samples->window_ns);
    size_t old = 0;
    while (old < samples->count && samples->items[old].time_ns < start_ns) {
        old++;
    }
    remove_samples(samples, 0, old);
    samples->thin_next = samples->thin_next > old ? samples->thin_next - old : 0;
}

/* Drops one sample where there are too many: every second one of the older half in turn, then from
 * the start again. So the far past gets coarser and the window stays covered. */
static void thin_samples(struct samples *samples)
{
    if (samples->count <= METRICS_SAMPLES_MAX) {
        return;
    }
    if (samples->thin_next == 0 || samples->thin_next > samples->count / 2) {
        samples->thin_next = 1;
    }
    remove_samples(samples, samples->thin_next, 1);
    samples->thin_next++;
}

static void add_sample(struct samples *samples, double ms, int64_t now_ns)
{
    if (samples->items == NULL) {
        samples->items = xcalloc(SAMPLES_CAPACITY, sizeof(struct sample));
    }
    expire_samples(samples, now_ns);
    samples->items[samples->count++] = (struct sample){.time_ns = now_ns, .ms = ms};
    thin_samples(samples);
}

/* Values. */

void metric_add(struct metric *metric, int64_t amount)
{
    ASSERT(metric->kind == METRIC_COUNTER);
    metric->count += amount;
}

void metric_set(struct metric *metric, double value)
{
    ASSERT(metric->kind == METRIC_VALUE);
    metric->value = value;
}

void metric_record(struct metric *metric, int64_t duration_ns, int64_t now_ns)
{
    ASSERT(metric->kind == METRIC_TIMER);
    metric->value = (double)duration_ns / (double)NS_PER_MS;
    metric->has_value = true;
    if (metric->samples.window_ns != 0) {
        add_sample(&metric->samples, metric->value, now_ns);
    }
}

double metric_value(const struct metric *metric)
{
    switch (metric->kind) {
    case METRIC_COUNTER:
        return (double)metric->count;
    case METRIC_GAUGE:
        return metric->read(metric->arg);
    case METRIC_VALUE:
    case METRIC_TIMER:
        return metric->value;
    }
    WRONG("kind of a metric");
}

/* Snapshots. */

struct row {
    const char *name; /* the metric's, or in the arena */
    double value;
};

struct rows {
    struct arena arena; /* holds names made for this snapshot */
    struct row *items;  /* heap */
    size_t count;
    size_t capacity;
};

static void add_row(struct rows *rows, const char *name, double value)
{
    if (!isfinite(value)) {
        return;
    }
    if (rows->count == rows->capacity) {
        rows->capacity = MAX(rows->capacity * 2, (size_t)512);
        rows->items = xrealloc(rows->items, rows->capacity, sizeof(struct row));
    }
    rows->items[rows->count++] = (struct row){.name = name, .value = value};
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* Of at least two values in order, `part` within 0 .. 1. */
static double percentile(const double *values, size_t count, double part)
{
    double position = part * (double)(count - 1);
    size_t below = (size_t)position;
    if (below >= count - 1) {
        return values[count - 1];
    }
    return values[below] + (values[below + 1] - values[below]) * (position - (double)below);
}

static void add_timer_rows(struct rows *rows, const struct metric *metric)
{
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"min", 0},    {"max", 1},    {"p25", 0.25}, {"p50", 0.5},    {"p75", 0.75},
                 {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};
    const struct samples *samples = &metric->samples;
    if (metric->has_value) {
        add_row(rows, metric->name, metric->value);
    }
    if (samples->count < 2) {
        return;
    }
    double *values = arena_alloc_array(&rows->arena, samples->count, sizeof(double));
    for (size_t i = 0; i < samples->count; i++) {
        values[i] = samples->items[i].ms;
    }
    qsort(values, samples->count, sizeof(double), compare_doubles);
    add_row(rows, arena_printf(&rows->arena, "%s/count", metric->name), (double)samples->count);
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        add_row(rows, arena_printf(&rows->arena, "%s/%s", metric->name, parts[i].name),
                percentile(values, samples->count, parts[i].part));
    }
}

void metrics_visit(const struct metrics *metrics, metrics_visit_fn *visit, void *arg)
{
    struct rows rows = {0};
    arena_init(&rows.arena, 0);
    for (size_t i = 0; i < metrics->count; i++) {
        if (metrics->items[i]->kind == METRIC_TIMER) {
            add_timer_rows(&rows, metrics->items[i]);
        } else {
            add_row(&rows, metrics->items[i]->name, metric_value(metrics->items[i]));
        }
    }
    if (rows.count != 0) {
        qsort(rows.items, rows.count, sizeof(struct row), compare_rows);
    }
    for (size_t i = 0; i < rows.count; i++) {
        visit(arg, rows.items[i].name, rows.items[i].value);
    }
    free(rows.items);
    arena_deinit(&rows.arena);
}
