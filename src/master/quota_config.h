/*
 * Quotas in themselves: what is wrong with one, what it guarantees and limits, and how it is shown.
 * Quantities are numbered by a table of names, which gets those that it does not have.
 */
#ifndef TEPUI_MASTER_QUOTA_CONFIG_H
#define TEPUI_MASTER_QUOTA_CONFIG_H

#include "common/arena.h"
#include "common/err.h"
#include "resources/quantities.h"
#include "resources/resource_limits.h"
#include "wire/pb.h"

/* The most that is taken: an exabyte of memory or disk, a trillion of anything else. */
#define QUOTA_MEGABYTES_MAX (INT64_C(1) << 40)
#define QUOTA_OTHERS_MAX INT64_C(1000000000000)
/* Quotas name no new resources once there are that many, since a name is never forgotten, not even
 * that of a quota that is refused: the others are left to agents. */
#define QUOTA_NAMES_MAX (RESOURCE_NAMES_MAX / 2)

struct quota {
    const char *role; /* as long as what it was read from */
    struct quantities guarantees;
    struct resource_limits limits;
};

/* What makes no sense in an amount is no guarantee and no limit. */
void master_quota_config_read(const Pb__Quota__QuotaConfig *config, struct resource_names *names,
                              struct quota *ret_quota);
void master_quota_config_deinit(struct quota *quota);
/* Neither guarantees nor limits: as good as none. */
bool master_quota_config_is_empty(const struct quota *quota);

/* 0, or VALIDATE_E with what is wrong in the reference's words. */
int master_quota_config_validate(const Pb__Quota__QuotaConfig *config, struct resource_names *names,
                                 struct err *err) WARN_UNUSED;
/* The same for what SET_QUOTA guarantees: resources, which are upgraded. */
int master_quota_config_validate_guarantee(const char *role, Pb__Resource **items, size_t count,
                                           struct arena *arena, struct err *err) WARN_UNUSED;
/* Quotas of nested roles have to fit into their parents'. */
int master_quota_config_validate_tree(const struct quota *quotas, size_t count,
                                      const struct resource_names *names,
                                      struct err *err) WARN_UNUSED;
/* Of top level roles: what is guaranteed altogether. ret_total is to be empty. */
void master_quota_config_total(const struct quota *quotas, size_t count,
                               struct quantities *ret_total);

/* What a guarantee of the older kind means: it is the limit, too. In the arena. */
Pb__Quota__QuotaConfig *master_quota_config_of_guarantee(const char *role,
                                                         Pb__Resource *const *items, size_t count,
                                                         struct arena *arena);
/* As it is shown, amounts in order of their names; and its guarantees in the older form. In the
 * arena, but for the role. */
Pb__Quota__QuotaConfig *master_quota_config_show(const struct quota *quota,
                                                 const struct resource_names *names,
                                                 struct arena *arena);
Pb__Quota__QuotaInfo *master_quota_config_show_older(const Pb__Quota__QuotaConfig *shown,
                                                     struct arena *arena);

#endif
