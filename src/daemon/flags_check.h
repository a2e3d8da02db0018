/*
 * Checks that flags of several programs have in common. All return 0, or -EINVAL with a text that
 * begins with the flag's name; text that is NULL is fine.
 */
#ifndef TEPUI_DAEMON_FLAGS_CHECK_H
#define TEPUI_DAEMON_FLAGS_CHECK_H

#include "common/flags.h"

/* No whole number, duration or size of the table is below zero, but for FLAG_UNSET. */
int flags_check_numbers(const struct flag *table, size_t count, const void *values,
                        struct err *err) WARN_UNUSED;
int flags_check_range(const char *flag, int64_t value, int64_t least, int64_t most,
                      const char *range, struct err *err) WARN_UNUSED;
/* The value is one of those in `choices`, a list that ends with NULL. */
int flags_check_choice(const char *flag, const char *value, const char *const *choices,
                       struct err *err) WARN_UNUSED;

int flags_check_ipv4(const char *flag, const char *text, struct err *err) WARN_UNUSED;
int flags_check_port(const char *flag, int64_t port, struct err *err) WARN_UNUSED;
int flags_check_port_text(const char *flag, const char *text, struct err *err) WARN_UNUSED;
/* zk://[user:password@]host1:port1,host2:port2/path, the path other than / (facts/observed.md). */
int flags_check_zk(const char *flag, const char *text, struct err *err) WARN_UNUSED;
/* peers://host1:port1,host2:port2, or the list alone. */
int flags_check_peers(const char *flag, const char *text, bool is_url, struct err *err) WARN_UNUSED;
int flags_check_logging_level(const char *text, struct err *err) WARN_UNUSED;

#endif
