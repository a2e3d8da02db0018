/*
 * Environments of processes: names with values, of which the last set counts.
 */
#ifndef TEPUI_AGENT_ENVIRONMENT_H
#define TEPUI_AGENT_ENVIRONMENT_H

#include "common/slice.h"
#include "container/container.h"
#include "wire/pb.h"

/* What a process finds when nobody says otherwise. */
#define ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Sets a variable of the spec, replacing one of the same name. Copies both. */
void environment_set(struct container_spec *spec, const char *name, const char *value);
void environment_set_duration(struct container_spec *spec, const char *name, int64_t ns);
bool environment_has(const struct container_spec *spec, const char *name);
/* The variables of a message: values, and secrets that are given by value. */
void environment_set_all(struct container_spec *spec, const Pb__Environment *environment);
/* PATH, if it is not set. */
void environment_finish(struct container_spec *spec);

#endif
