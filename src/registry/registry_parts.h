/*
 * What operators set, as the registry keeps it: encoded fields of mesos.internal.Registry, of which
 * a change replaces, adds or drops those that it is about. All others stay as they were written,
 * bytes that we do not know included.
 *
 * Requests were made by a master, which has checked what is in them. The functions return whether
 * the change fitted: false if there is no room for it (REGISTRY_SIZE_MAX), and then nothing
 * changed.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_PARTS_H
#define TEPUI_REGISTRY_REGISTRY_PARTS_H

#include "registry/registry.h"

/* Call.UpdateWeights: of several weights for one role the last counts. */
bool registry_parts_update_weights(struct registry *registry, struct slice request);
/* Call.UpdateQuota: a config without guarantees and limits removes what there is. A quota of the
 * older form (before QUOTA_V2) leaves with the first change of its role. The registry needs
 * QUOTA_V2 while there is any config. */
bool registry_parts_update_quota(struct registry *registry, struct slice request);

/* Registry.minimum_capabilities with or without one of that name: masters that lack it refuse to
 * lead. */
void registry_parts_require(struct registry *registry, struct slice capability, bool needed);

/* Puts the bytes (taken over) in the place of a part's; empty ones leave nothing. False if there is
 * no room for them. */
bool registry_parts_replace(struct registry *registry, enum registry_part part,
                            struct buf *bytes) WARN_UNUSED;

#endif
