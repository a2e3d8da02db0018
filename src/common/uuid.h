/*
 * Version 4 UUIDs, drawn from the core's own generator.
 */
#ifndef TEPUI_COMMON_UUID_H
#define TEPUI_COMMON_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/prng.h"
#include "common/slice.h"

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 /* with the terminator */

struct uuid {
    uint8_t bytes[UUID_SIZE];
};

void uuid_random(struct prng *prng, struct uuid *ret_uuid);
/* Lower case, with dashes. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);
bool uuid_parse(struct slice text, struct uuid *ret_uuid) WARN_UNUSED;
/* Exactly 16 bytes. */
bool uuid_from_bytes(struct slice bytes, struct uuid *ret_uuid) WARN_UNUSED;

#endif
