/*
 * What operators set for roles, as readers see it: immutable, so that a snapshot only takes
 * references. Lists are in order of roles.
 */
#ifndef TEPUI_MASTER_ROLE_SETTINGS_H
#define TEPUI_MASTER_ROLE_SETTINGS_H

#include <stdint.h>

#include "common/blob.h"

struct role_settings {
    struct blob *weights; /* encoded Response.GetWeights; NULL = none were set */
    struct blob *quotas;  /* encoded QuotaStatus; NULL = none were set */
    uint64_t version;     /* of both: grows with every change */
};

static inline struct role_settings role_settings_ref(const struct role_settings *settings)
{
    return (struct role_settings){
        .weights = blob_ref(settings->weights),
        .quotas = blob_ref(settings->quotas),
        .version = settings->version,
    };
}

/* Idempotent. */
static inline void role_settings_unref(struct role_settings *settings)
{
    settings->weights = blob_unref(settings->weights);
    settings->quotas = blob_unref(settings->quotas);
}

/* Puts the message (taken over; NULL = none) in the place of one of the two. */
static inline void role_settings_put(struct role_settings *settings, struct blob **at,
                                     struct blob *message)
{
    blob_unref(*at);
    *at = message;
    settings->version++;
}

#endif
