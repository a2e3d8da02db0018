#include "shape.h"

#include "wire/json_scan.h"

/* A path, and what is there. */
struct fact {
    const char *path; /* "/slaves[]/id" */
    char type;        /* { [ s n b 0 */
};

#define KEYS_MAX 512

/* The keys of one object, as they follow each other. */
struct keys {
    struct keys *next;
    const char *path; /* of the object */
    size_t count;
    const char *names[KEYS_MAX];
};

struct facts {
    struct arena *arena;
    struct fact *items;
    size_t count;
    size_t capacity;
    struct keys *objects;
};

static void add_fact(struct facts *facts, const char *path, char type)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->items[i].type == type && strcmp(facts->items[i].path, path) == 0) {
            return;
        }
    }
    if (facts->count == facts->capacity) {
        size_t capacity = facts->capacity > 0 ? facts->capacity * 2 : 256;
        struct fact *items = arena_alloc_array(facts->arena, capacity, sizeof(items[0]));
        if (facts->count > 0) {
            memcpy(items, facts->items, facts->count * sizeof(items[0]));
        }
        facts->items = items;
        facts->capacity = capacity;
    }
    facts->items[facts->count++] = (struct fact){path, type};
}

static void walk(struct facts *facts, struct json_scan *scan, const char *path);

static void walk_object(struct facts *facts, struct json_scan *scan, const char *path)
{
    struct json_raw raw;
    bool is_first = true;
    bool more;
    struct keys *keys = arena_alloc(facts->arena, sizeof(*keys));
    keys->path = path;
    keys->count = 0;
    keys->next = facts->objects;
    facts->objects = keys;
    assert_true(json_scan_open(scan));
    while (json_scan_more(scan, '}', &is_first, &more) && more) {
        assert_true(json_scan_key(scan, &raw));
        assert_true(keys->count < KEYS_MAX);
        const char *name = arena_strndup(facts->arena, raw.text.data, raw.text.size);
        keys->names[keys->count++] = name;
        walk(facts, scan, arena_printf(facts->arena, "%s/%s", path, name));
    }
}

static void walk(struct facts *facts, struct json_scan *scan, const char *path)
{
    struct json_raw raw;
    bool is_first = true;
    bool more;
    char c = json_scan_peek(scan);
    switch (c) {
    case '{':
        add_fact(facts, path, c);
        walk_object(facts, scan, path);
        break;
    case '[':
        add_fact(facts, path, c);
        assert_true(json_scan_open(scan));
        while (json_scan_more(scan, ']', &is_first, &more) && more) {
            walk(facts, scan, arena_printf(facts->arena, "%s[]", path));
        }
        break;
    case '"':
        add_fact(facts, path, 's');
        assert_true(json_scan_string(scan, &raw));
        break;
    case 't':
    case 'f':
        add_fact(facts, path, 'b');
        assert_true(json_scan_skip(scan));
        break;
    case 'n':
        add_fact(facts, path, '0');
        assert_true(json_scan_skip(scan));
        break;
    default:
        add_fact(facts, path, 'n');
        assert_true(json_scan_skip(scan));
        break;
    }
}

static struct facts facts_of(struct slice text, struct arena *arena)
{
    struct facts facts = {.arena = arena};
    struct json_scan scan;
    json_scan_init(&scan, text);
    walk(&facts, &scan, "");
    json_scan_skip_space(&scan);
    assert_ptr_equal(scan.at, scan.end);
    return facts;
}

static const struct fact *find(const struct facts *facts, const struct fact *wanted)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->items[i].type == wanted->type &&
            strcmp(facts->items[i].path, wanted->path) == 0) {
            return &facts->items[i];
        }
    }
    return NULL;
}

static bool is_ignored(const char *path, const char *const *ignored)
{
    for (size_t i = 0; ignored != NULL && ignored[i] != NULL; i++) {
        size_t size = strlen(ignored[i]);
        if (strncmp(path, ignored[i], size) == 0 &&
            (path[size] == '\0' || path[size] == '/' || path[size] == '[')) {
            return true;
        }
    }
    return false;
}

static size_t position(const struct keys *keys, const char *name)
{
    size_t i = 0;
    while (i < keys->count && strcmp(keys->names[i], name) != 0) {
        i++;
    }
    return i;
}

/* Keys that both objects have stand in the same order in both. */
static void check_keys(const struct keys *ours, const struct keys *golden)
{
    for (size_t i = 0; i + 1 < golden->count; i++) {
        size_t first = position(ours, golden->names[i]);
        for (size_t j = i + 1; first < ours->count && j < golden->count; j++) {
            if (position(ours, golden->names[j]) < first) {
                fail_msg("%s/%s should stand in front of %s", golden->path, golden->names[i],
                         golden->names[j]);
            }
        }
    }
}

static void check_order(const struct facts *facts, const struct facts *golden,
                        const char *const *ignored)
{
    for (const struct keys *g = golden->objects; g != NULL; g = g->next) {
        for (const struct keys *k = facts->objects; k != NULL; k = k->next) {
            if (strcmp(g->path, k->path) == 0 && !is_ignored(g->path, ignored)) {
                check_keys(k, g);
            }
        }
    }
}

struct slice shape_golden(const char *name, struct arena *arena)
{
    const char *path = arena_printf(arena, TEST_DATA_DIR "/golden/master/%s.json", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("no %s", path);
    }
    char *text = arena_alloc(arena, 1 << 20);
    size_t size = fread(text, 1, 1 << 20, file);
    fclose(file);
    return slice_make(text, size);
}

void shape_assert(struct slice text, const char *golden_name, const char *const *ignored,
                  bool ordered)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct facts golden = facts_of(shape_golden(golden_name, &arena), &arena);
    struct facts facts = facts_of(text, &arena);
    for (size_t i = 0; i < golden.count; i++) {
        if (!is_ignored(golden.items[i].path, ignored) && find(&facts, &golden.items[i]) == NULL) {
            fail_msg("%s: no %s of type '%c' in %.*s", golden_name, golden.items[i].path,
                     golden.items[i].type, SLICE_ARGS(text));
        }
    }
    if (ordered) {
        check_order(&facts, &golden, ignored);
    }
    arena_deinit(&arena);
}
