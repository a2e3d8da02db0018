/* The messages that the codec is fuzzed with: an input's first byte chooses one. */
#ifndef TEPUI_TESTS_FUZZ_WIRE_DESCS_H
#define TEPUI_TESTS_FUZZ_WIRE_DESCS_H

#include <stdint.h>

#include "common/macro.h"
#include "sample.pb-c.h"
#include "wire/pb.h"

/* What decoding one input may take. */
#define FUZZ_BUDGET ((size_t)4 << 20)

static inline const ProtobufCMessageDescriptor *choose_desc(uint8_t by)
{
    static const ProtobufCMessageDescriptor *const descs[] = {
        &sample__all__descriptor,
        &sample__needy__descriptor,
        &sample__defaults__descriptor,
        &pb__task_info__descriptor,
        &pb__scheduler__call__descriptor,
        &pb__scheduler_v0__call__descriptor,
        &pb__master__call__descriptor,
        &pb__container_id__descriptor,
        &pb__internal__register_slave_message__descriptor,
        &pb__internal__status_update_message__descriptor,
        &pb__internal__run_task_message__descriptor,
        &pb__master__response__descriptor,
    };
    return descs[by % ELEMENTS(descs)];
}

#endif
