/*
 * --domain, of masters and of agents: the fault domain as JSON of DomainInfo.
 */
#ifndef TEPUI_DAEMON_DOMAIN_FLAG_H
#define TEPUI_DAEMON_DOMAIN_FLAG_H

#include "common/arena.h"
#include "common/err.h"
#include "wire/pb.h"

/* 0, or -EINVAL: it is no DomainInfo, or has no fault domain. NULL text gives NULL. The message and
 * its encoding are in the arena. */
int domain_flag_parse(const char *text, struct arena *arena, const Pb__DomainInfo **ret_domain,
                      struct slice *ret_encoded, struct err *err) WARN_UNUSED;

#endif
