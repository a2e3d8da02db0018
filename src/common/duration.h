/*
 * Time as the cores see it: int64 nanoseconds, handed in with each event, never read.
 * Monotonic time is counted from an arbitrary start and drives deadlines; wall time is counted from
 * the Unix epoch and is only ever shown or stored.
 *
 * Text form is that of Mesos' flags and environment: "15secs", "1.5hrs", "500ms", units ns, us, ms,
 * secs, mins, hrs, days, weeks (facts/flags.csv; a unit is required).
 */
#ifndef TEPUI_COMMON_DURATION_H
#define TEPUI_COMMON_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MIN (60 * NS_PER_SEC)
#define NS_PER_HOUR (60 * NS_PER_MIN)
#define NS_PER_DAY (24 * NS_PER_HOUR)
#define NS_PER_WEEK (7 * NS_PER_DAY)

/* A deadline that never comes. */
#define TIME_NEVER INT64_MAX

/* Both clocks, read once at the start of a step. */
struct now {
    int64_t mono_ns; /* monotonic */
    int64_t wall_ns; /* since the Unix epoch */
};

/* a + b, held at the ends of the range. */
int64_t time_add_ns(int64_t a_ns, int64_t b_ns);

/* Seconds as a double (failover_timeout, refuse_seconds) to nanoseconds, held at the ends of the
 * range; false for NaN. */
bool duration_from_secs(double secs, int64_t *ret_ns) WARN_UNUSED;

/* 0, or -EINVAL with the text quoted in err. */
int duration_parse(struct slice text, int64_t *ret_ns, struct err *err) WARN_UNUSED;
/* In the largest unit that divides it, as "15mins" or "90secs". */
void duration_format(int64_t ns, struct buf *out);

/* "512MB", units B, KB, MB, GB, TB in powers of 1024; a unit is required. */
int bytes_parse(struct slice text, int64_t *ret_bytes, struct err *err) WARN_UNUSED;
/* In the largest unit that divides it, as "2GB". */
void bytes_format(int64_t bytes, struct buf *out);

#endif
