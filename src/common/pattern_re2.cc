/* The only file that is not C, and as short as it can be. */
#include "common/pattern_re2.h"

#include <re2/re2.h>

#include <cstdio>

static const RE2 *re2_of(const struct pattern *pattern)
{
    return reinterpret_cast<const RE2 *>(pattern);
}

struct pattern *pattern_re2_new(const char *text, size_t size, int64_t size_max, char *ret_error,
                                size_t error_size)
{
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(size_max);
    RE2 *re2 = new RE2(re2::StringPiece(text, size), options);
    if (re2->ok()) {
        return reinterpret_cast<struct pattern *>(re2);
    }
    snprintf(ret_error, error_size, "%s", re2->error().c_str());
    delete re2;
    return nullptr;
}

void pattern_re2_free(struct pattern *pattern)
{
    delete re2_of(pattern);
}

int pattern_re2_program_size(const struct pattern *pattern)
{
    return re2_of(pattern)->ProgramSize();
}

bool pattern_re2_full_match(const struct pattern *pattern, const char *text, size_t size)
{
    return RE2::FullMatch(re2::StringPiece(size > 0 ? text : "", size), *re2_of(pattern));
}
