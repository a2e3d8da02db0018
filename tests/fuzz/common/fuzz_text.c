/* Short texts with a form: what is parsed can be shown and parsed again with the same result. */
#include "common/duration.h"
#include "common/uuid.h"
#include "fuzz.h"

static void check_duration(struct slice text)
{
    int64_t ns;
    int64_t again;
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT;
    if (duration_parse(text, &ns, NULL) == 0) {
        duration_format(ns, &shown);
        ASSERT(duration_parse(buf_slice(&shown), &again, NULL) == 0 && again == ns);
    }
}

static void check_bytes(struct slice text)
{
    int64_t bytes;
    int64_t again;
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT;
    if (bytes_parse(text, &bytes, NULL) == 0) {
        ASSERT(bytes >= 0);
        bytes_format(bytes, &shown);
        ASSERT(bytes_parse(buf_slice(&shown), &again, NULL) == 0 && again == bytes);
    }
}

static void check_uuid(struct slice text)
{
    struct uuid uuid;
    char shown[UUID_TEXT_SIZE];
    if (uuid_parse(text, &uuid)) {
        uuid_format(&uuid, shown);
        ASSERT(slice_equal_nocase(text, slice_from(shown)));
    }
}

static void check_numbers(struct slice text)
{
    int64_t number;
    uint64_t unsigned_number;
    double real;
    bool is_number = slice_parse_int64(text, &number);
    bool is_unsigned = slice_parse_uint64(text, &unsigned_number);
    bool is_real = slice_parse_double(text, &real);
    ASSERT(!is_number || is_real);
    ASSERT(!(is_number && number > 0) || (is_unsigned && unsigned_number == (uint64_t)number));
}

static void check_split(struct slice text)
{
    struct slice rest = text;
    struct slice part;
    size_t size = 0;
    size_t parts = 0;
    while (slice_split(&rest, ',', &part)) {
        ASSERT(slice_find(part, ',') < 0);
        size += part.size;
        parts++;
    }
    ASSERT(parts == 0 || size + parts - 1 == text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    check_duration(text);
    check_bytes(text);
    check_uuid(text);
    check_numbers(text);
    check_split(text);
    ASSERT(slice_trim(text).size <= size);
    return 0;
}
