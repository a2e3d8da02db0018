/*
 * The master's flags: Mesos' names, types, defaults and old names (facts/flags.csv), said once in
 * master_flags.inc and logging_flags.inc.
 */
#ifndef TEPUI_DAEMON_MASTER_FLAGS_H
#define TEPUI_DAEMON_MASTER_FLAGS_H

#include "common/flags.h"
#include "daemon/flag_rows.h"

/* One member a flag, as flag_rows.h says. Text is NULL, and a number FLAG_UNSET, where a flag is
 * neither given nor has a default. */
struct master_flags {
#define FLAG FLAG_MEMBER
#include "daemon/logging_flags.inc"
#include "daemon/master_flags.inc"
#undef FLAG
};

extern const struct flag master_flags_table[];
extern const size_t master_flags_count;

/*
 * What is wrong with the values themselves, or with two of them together: 0, or -EINVAL with a text
 * that names the flag. Left to whoever uses it is what --min_allocatable_resources and the JSON of
 * flags mean, and what the files of paths hold.
 */
int master_flags_validate(const struct master_flags *flags, struct err *err) WARN_UNUSED;

#endif
