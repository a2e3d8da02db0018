/*
 * Who may log in with which secret: the content of --credentials,
 * {"credentials": [{"principal": ..., "secret": ...}]} (facts/observed.md, high availability 21).
 * A missing secret is an empty one; of equal principals the last counts.
 */
#ifndef TEPUI_AUTH_CREDENTIALS_H
#define TEPUI_AUTH_CREDENTIALS_H

#include "common/arena.h"
#include "common/err.h"
#include "common/slice.h"
#include "wire/pb.h"

struct credentials {
    const Pb__Credentials *list; /* in the arena it was read into; NULL = none: nobody is let in */
};

/* 0, or -EINVAL for what is not a list of credentials, also for an empty text. */
int credentials_parse(struct slice json, struct arena *arena, struct credentials *ret_credentials,
                      struct err *err) WARN_UNUSED;

/* False if there is no such principal. */
bool credentials_find(const struct credentials *credentials, struct slice principal,
                      struct slice *ret_secret) WARN_UNUSED;

#endif
