#include "master/filters.h"

#include "common/duration.h"

#define REFUSE_DEFAULT_NS (5 * NS_PER_SEC)
#define REFUSE_NS_MAX (365 * NS_PER_DAY)

struct allocator_refusal master_filters_refusal(const Pb__Filters *filters)
{
    int64_t refuse_ns = REFUSE_DEFAULT_NS;
    if (filters != NULL && filters->has_refuse_seconds &&
        !duration_from_secs(filters->refuse_seconds, &refuse_ns)) {
        refuse_ns = REFUSE_DEFAULT_NS;
    }
    if (refuse_ns < 0) {
        refuse_ns = REFUSE_DEFAULT_NS;
    }
    return (struct allocator_refusal){
        .refuse_ns = refuse_ns > REFUSE_NS_MAX ? REFUSE_NS_MAX : refuse_ns,
    };
}
