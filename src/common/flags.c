#include "common/flags.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/duration.h"
#include "common/flags_env.h"
#include "common/json_wellformed.h"

#define FILE_SCHEME "file://"

/* What was said about one flag, before it is taken in. */
struct mention {
    const char *name;  /* as used, without "no-", in lower case; NULL = not mentioned */
    const char *value; /* NULL = none given */
    bool negated;      /* "no-" stood before it */
    bool alias;        /* it was mentioned by its deprecated name */
};

union flag_value {
    bool boolean;
    int64_t integer; /* also durations and sizes */
    double number;
    const char *text; /* also paths and JSON */
};

/* By name or alias. */
static int find_any(const struct flags *flags, const char *name, bool *ret_alias)
{
    *ret_alias = false;
    int index = flags_find(flags, name);
    for (size_t i = 0; index < 0 && i < flags->count; i++) {
        if (flags->table[i].alias != NULL && strcmp(flags->table[i].alias, name) == 0) {
            *ret_alias = true;
            index = (int)i;
        }
    }
    return index;
}

/* Values: from text to what the program's struct holds. */

static int parse_bool(const char *text, bool *ret_value, struct err *err)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) {
        *ret_value = true;
    } else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0) {
        *ret_value = false;
    } else {
        return err_set(err, -EINVAL, "'%.80s' is not true, false, 1 or 0", text);
    }
    return 0;
}

static int parse_json(const char *text, struct arena *arena, const char **ret_text, struct err *err)
{
    if (text[0] == '/') {
        int r = flags_env_read(text, arena, &text, err);
        if (r != 0) {
            return r;
        }
    }
    struct slice trimmed = slice_trim(slice_from(text));
    if (trimmed.size == 0 || (trimmed.data[0] != '{' && trimmed.data[0] != '[')) {
        return err_set(err, -EINVAL, "a JSON object or array, or a file with one, is expected");
    }
    int r = json_wellformed(trimmed, err);
    if (r == 0) {
        *ret_text = text;
    }
    return r;
}

/* Of numbers in a file the blanks around do not count. */
static struct slice trimmed(const char *text)
{
    return slice_trim(slice_from(text));
}

static int parse_value(enum flag_type type, const char *text, struct arena *arena,
                       union flag_value *ret_value, struct err *err)
{
    if (strncmp(text, FILE_SCHEME, strlen(FILE_SCHEME)) == 0) {
        text += strlen(FILE_SCHEME);
        if (type != FLAG_PATH) {
            int r = flags_env_read(text, arena, &text, err);
            if (r != 0) {
                return r;
            }
        }
    }
    switch (type) {
    case FLAG_BOOL:
        return parse_bool(text, &ret_value->boolean, err);
    case FLAG_INT:
        return slice_parse_int64(trimmed(text), &ret_value->integer)
                   ? 0
                   : err_set(err, -EINVAL, "'%.80s' is not a whole number", text);
    case FLAG_DOUBLE:
        return slice_parse_double(trimmed(text), &ret_value->number)
                   ? 0
                   : err_set(err, -EINVAL, "'%.80s' is not a number", text);
    case FLAG_DURATION:
        return duration_parse(trimmed(text), &ret_value->integer, err);
    case FLAG_BYTES:
        return bytes_parse(trimmed(text), &ret_value->integer, err);
    case FLAG_JSON:
        return parse_json(text, arena, &ret_value->text, err);
    case FLAG_STRING:
    case FLAG_PATH:
        ret_value->text = text;
        return 0;
    }
    WRONG("type of a flag");
}

static void *place_of(const struct flags *flags, size_t index)
{
    return (char *)flags->values + flags->table[index].offset;
}

static void store(struct flags *flags, size_t index, const union flag_value *value)
{
    void *place = place_of(flags, index);
    switch (flags->table[index].type) {
    case FLAG_BOOL:
        *(bool *)place = value->boolean;
        return;
    case FLAG_INT:
    case FLAG_DURATION:
    case FLAG_BYTES:
        *(int64_t *)place = value->integer;
        return;
    case FLAG_DOUBLE:
        *(double *)place = value->number;
        return;
    case FLAG_STRING:
    case FLAG_PATH:
    case FLAG_JSON:
        *(const char **)place = value->text;
        return;
    }
    WRONG("type of a flag");
}

static void load_defaults(struct flags *flags)
{
    for (size_t i = 0; i < flags->count; i++) {
        const struct flag *flag = &flags->table[i];
        union flag_value value = {0};
        if (flag->type == FLAG_INT || flag->type == FLAG_DURATION || flag->type == FLAG_BYTES) {
            value.integer = FLAG_UNSET;
        }
        if (flag->default_text != NULL) {
            struct err err;
            int r = parse_value(flag->type, flag->default_text, flags->arena, &value, &err);
            ASSERT(r == 0);
        }
        store(flags, i, &value);
        flags->texts[i] = flag->default_text;
    }
}

/* Mentions: from arguments and variables to what was said about which flag. */

/* Without "no-", in lower case, in the arena. No flag's own name begins with "no-". */
static const char *plain_name(struct flags *flags, struct slice raw, bool *ret_negated)
{
    char *name = arena_strndup(flags->arena, raw.data, raw.size);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    *ret_negated = strncmp(name, "no-", 3) == 0;
    return *ret_negated ? name + 3 : name;
}

static int take_argument(struct flags *flags, struct slice argument, struct mention *mentions,
                         struct err *err)
{
    struct slice body = slice_skip(argument, 2);
    ptrdiff_t equals = slice_find(body, '=');
    struct slice raw = equals < 0 ? body : slice_make(body.data, (size_t)equals);
    struct mention mention = {0};
    mention.name = plain_name(flags, raw, &mention.negated);
    if (equals >= 0) {
        struct slice value = slice_skip(body, (size_t)equals + 1);
        mention.value = arena_strndup(flags->arena, value.data, value.size);
    }
    int index = find_any(flags, mention.name, &mention.alias);
    if (index < 0) {
        return err_set(err, -EINVAL, "there is no flag --%.*s", SLICE_ARGS(raw));
    }
    if (mentions[index].name != NULL) {
        return err_set(err, -EINVAL, "--%s is given more than once", flags->table[index].name);
    }
    mentions[index] = mention;
    return 0;
}

static int take_arguments(struct flags *flags, const struct flags_source *source,
                          struct mention *mentions, struct err *err)
{
    int i = 1;
    for (; i < source->argc; i++) {
        struct slice argument = slice_trim(slice_from(source->argv[i]));
        if (slice_is(argument, "--")) {
            i++;
            break;
        }
        if (!slice_starts_with(argument, SLICE("--"))) {
            break;
        }
        int r = take_argument(flags, argument, mentions, err);
        if (r != 0) {
            return r;
        }
    }
    if (source->ret_rest != NULL) {
        *source->ret_rest = MIN(i, source->argc);
    } else if (i < source->argc) {
        return err_set(err, -EINVAL, "'%s' is not a flag", source->argv[i]);
    }
    return 0;
}

static int take_variable(struct flags *flags, struct slice rest, const char *value,
                         struct mention *mentions, const struct mention *arguments, struct err *err)
{
    struct mention mention = {.value = value};
    mention.name = plain_name(flags, rest, &mention.negated);
    int index = find_any(flags, mention.name, &mention.alias);
    if (index < 0 || arguments[index].name != NULL) {
        return 0;
    }
    if (mentions[index].name != NULL) {
        return err_set(err, -EINVAL, "--%s is given more than once in the environment",
                       flags->table[index].name);
    }
    mentions[index] = mention;
    return 0;
}

/* Variables only count for flags that the command line does not mention. */
static int take_variables(struct flags *flags, const struct flags_source *source,
                          const struct mention *arguments, struct mention *mentions,
                          struct err *err)
{
    size_t prefix_size = source->prefix != NULL ? strlen(source->prefix) : 0;
    for (char **variable = source->envp; variable != NULL && *variable != NULL; variable++) {
        const char *equals = strchr(*variable, '=');
        if (prefix_size == 0 || equals == NULL ||
            strncmp(*variable, source->prefix, prefix_size) != 0) {
            continue;
        }
        struct slice rest =
            slice_skip(slice_make(*variable, (size_t)(equals - *variable)), prefix_size);
        int r = take_variable(flags, rest, equals + 1, mentions, arguments, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* The text that a mention stands for. */
static int mention_text(const struct flag *flag, const struct mention *mention,
                        const char **ret_text, struct err *err)
{
    bool empty = mention->value == NULL || mention->value[0] == '\0';
    if (flag->type != FLAG_BOOL) {
        if (mention->negated) {
            return err_set(err, -EINVAL, "--no-%s: only flags that are on or off take 'no-'",
                           mention->name);
        }
        if (mention->value == NULL) {
            return err_set(err, -EINVAL, "--%s needs a value", mention->name);
        }
        *ret_text = mention->value;
    } else if (empty) {
        *ret_text = mention->negated ? "false" : "true";
    } else if (mention->negated) {
        return err_set(err, -EINVAL, "--no-%s takes no value", mention->name);
    } else {
        *ret_text = mention->value;
    }
    return 0;
}

static int load(struct flags *flags, size_t index, const struct mention *mention,
                struct buf *warnings, struct err *err)
{
    const struct flag *flag = &flags->table[index];
    const char *text = NULL;
    int r = mention_text(flag, mention, &text, err);
    if (r != 0) {
        return r;
    }
    ASSERT(text != NULL);
    union flag_value value;
    r = parse_value(flag->type, text, flags->arena, &value, err);
    if (r != 0) {
        return err_wrap(err, r, "--%s", mention->name);
    }
    store(flags, index, &value);
    flags->texts[index] = text;
    flags->given[index] = true;
    if (warnings != NULL && mention->alias) {
        buf_printf(warnings, "--%s is an old name: use --%s\n", mention->name, flag->name);
    }
    if (warnings != NULL && flag->type == FLAG_JSON && text[0] == '/') {
        buf_printf(warnings, "--%s: a file is to be named as file://%s\n", flag->name, text);
    }
    return 0;
}

static int load_all(struct flags *flags, const struct mention *mentions, struct buf *warnings,
                    struct err *err)
{
    for (size_t i = 0; i < flags->count; i++) {
        if (mentions[i].name != NULL) {
            int r = load(flags, i, &mentions[i], warnings, err);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

/* What is to be so once all values are known. */

static bool same_value(const struct flag *flag, const void *place, const char *text,
                       struct arena *arena)
{
    union flag_value value = {0};
    struct err err;
    if (text != NULL) {
        int r = parse_value(flag->type, text, arena, &value, &err);
        ASSERT(r == 0);
    }
    switch (flag->type) {
    case FLAG_BOOL:
        return *(const bool *)place == value.boolean;
    case FLAG_INT:
    case FLAG_DURATION:
    case FLAG_BYTES:
        return *(const int64_t *)place == value.integer;
    case FLAG_DOUBLE:
        return *(const double *)place == value.number;
    case FLAG_STRING:
    case FLAG_PATH:
    case FLAG_JSON:
        return strcmp(*(const char *const *)place, value.text != NULL ? value.text : "") == 0;
    }
    WRONG("type of a flag");
}

/* A value that asks for what is not built yet; "" switches off what has no default. */
static bool asks_for_unbuilt(const struct flags *flags, size_t index)
{
    const struct flag *flag = &flags->table[index];
    if (flag->support != FLAG_OFF_ONLY || !flags->given[index]) {
        return false;
    }
    const void *place = place_of(flags, index);
    if (same_value(flag, place, flag->default_text, flags->arena)) {
        return false;
    }
    return flag->off_text == NULL || !same_value(flag, place, flag->off_text, flags->arena);
}

static bool is_on(const struct flags *flags, const char *name)
{
    int index = flags_find(flags, name);
    return index >= 0 && flags->table[index].type == FLAG_BOOL &&
           *(const bool *)place_of(flags, (size_t)index);
}

static int check_all(const struct flags *flags, struct err *err)
{
    if (is_on(flags, "help") || is_on(flags, "version")) {
        return 0;
    }
    for (size_t i = 0; i < flags->count; i++) {
        const struct flag *flag = &flags->table[i];
        if (flag->required && !flags->given[i]) {
            return err_set(err, -EINVAL, "--%s is required", flag->name);
        }
        if (asks_for_unbuilt(flags, i)) {
            return err_set(err, -EINVAL, "not supported yet: --%s", flag->name);
        }
    }
    return 0;
}

int flags_parse(struct flags *flags, const struct flags_source *source, struct buf *warnings,
                struct err *err)
{
    flags->given = arena_alloc_array(flags->arena, flags->count, sizeof(bool));
    flags->texts = arena_alloc_array(flags->arena, flags->count, sizeof(char *));
    struct mention *arguments =
        arena_alloc_array(flags->arena, flags->count, sizeof(struct mention));
    struct mention *variables =
        arena_alloc_array(flags->arena, flags->count, sizeof(struct mention));
    ASSERT(flags->given != NULL && flags->texts != NULL && arguments != NULL && variables != NULL);

    load_defaults(flags);
    int r = take_arguments(flags, source, arguments, err);
    if (r == 0) {
        r = take_variables(flags, source, arguments, variables, err);
    }
    if (r == 0) {
        r = load_all(flags, variables, warnings, err);
    }
    if (r == 0) {
        r = load_all(flags, arguments, warnings, err);
    }
    return r != 0 ? r : check_all(flags, err);
}
