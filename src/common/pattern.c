#include "common/pattern.h"

#include <stdlib.h>

#include "common/pattern_tree.h"
#include "common/xalloc.h"

enum instruction_kind {
    INSTRUCTION_MATCH, /* the end: the text matches if it ends here, too */
    INSTRUCTION_SET,   /* a character of the set, then next */
    INSTRUCTION_ASSERT,
    INSTRUCTION_SPLIT, /* next or other */
};

struct instruction {
    uint32_t kind;  /* enum instruction_kind */
    uint32_t next;  /* its place in the program */
    uint32_t other; /* SPLIT: place; SET: place of its first range; ASSERT: which */
    uint32_t count; /* SET: ranges */
};

struct pattern {
    struct instruction *program; /* heap; [0] is MATCH */
    size_t program_size;
    struct pattern_range *ranges; /* heap */
    size_t range_count;
    uint32_t start;
};

/* --- from the tree to the program, from its end to its beginning --- */

struct compiler {
    struct pattern *pattern;
    struct arena *arena;
    size_t program_max;
    size_t size_max;
    bool is_full; /* a limit was reached: what is emitted does not count any more */
};

static size_t size_of(const struct pattern *pattern)
{
    return pattern->program_size * sizeof(struct instruction) +
           pattern->range_count * sizeof(struct pattern_range);
}

static uint32_t emit(struct compiler *c, struct instruction instruction)
{
    struct pattern *pattern = c->pattern;
    if (c->is_full || pattern->program_size >= c->program_max ||
        size_of(pattern) + sizeof(instruction) > c->size_max) {
        c->is_full = true;
        return 0;
    }
    if ((pattern->program_size & (pattern->program_size - 1)) == 0) {
        size_t capacity = MAX((size_t)1, pattern->program_size * 2);
        pattern->program = xrealloc(pattern->program, capacity, sizeof(instruction));
    }
    pattern->program[pattern->program_size] = instruction;
    return (uint32_t)pattern->program_size++;
}

static void place_set(struct compiler *c, struct pattern_set *set)
{
    struct pattern *pattern = c->pattern;
    size_t count = pattern->range_count + set->count;
    if (set->place != 0 || c->is_full) {
        return;
    }
    if (size_of(pattern) + set->count * sizeof(set->items[0]) > c->size_max) {
        c->is_full = true;
        return;
    }
    pattern->ranges = xrealloc(pattern->ranges, count + 1, sizeof(set->items[0]));
    for (size_t i = 0; i < set->count; i++) {
        pattern->ranges[pattern->range_count + i] = set->items[i];
    }
    set->place = (uint32_t)pattern->range_count + 1;
    pattern->range_count = count;
}

static uint32_t emit_node(struct compiler *c, struct pattern_node *node, uint32_t next);

static uint32_t emit_sequence(struct compiler *c, const struct pattern_node *node, uint32_t next)
{
    size_t count = 0;
    size_t i = 0;
    struct pattern_node *child;
    for (child = node->children; child != NULL; child = child->next) {
        count++;
    }
    struct pattern_node **parts = arena_alloc_array(c->arena, count, sizeof(struct pattern_node *));
    for (child = node->children; child != NULL; child = child->next) {
        parts[i++] = child;
    }
    while (count > 0 && !c->is_full) {
        next = emit_node(c, parts[--count], next);
    }
    return next;
}

static uint32_t emit_split(struct compiler *c, uint32_t next, uint32_t other)
{
    return emit(c, (struct instruction){INSTRUCTION_SPLIT, next, other, 0});
}

static uint32_t emit_choice(struct compiler *c, const struct pattern_node *node, uint32_t next)
{
    uint32_t entry = emit_node(c, node->children, next);
    for (struct pattern_node *child = node->children->next; child != NULL && !c->is_full;
         child = child->next) {
        entry = emit_split(c, emit_node(c, child, next), entry);
    }
    return entry;
}

/* A loop that is left to `next`: its split, or with `once` its body. */
static uint32_t emit_loop(struct compiler *c, struct pattern_node *body, bool once, uint32_t next)
{
    uint32_t split = emit_split(c, 0, next);
    uint32_t entry = emit_node(c, body, split);
    if (!c->is_full) {
        c->pattern->program[split].next = entry;
    }
    return once ? entry : split;
}

static uint32_t emit_repeat(struct compiler *c, const struct pattern_node *node, uint32_t next)
{
    uint32_t entry = next;
    int min = node->min;
    if (node->max == PATTERN_ENDLESS) {
        entry = emit_loop(c, node->children, min > 0, next);
        min = MAX(0, min - 1);
    }
    for (int i = node->min; i < node->max && !c->is_full; i++) {
        entry = emit_split(c, emit_node(c, node->children, entry), next);
    }
    for (int i = 0; i < min && !c->is_full; i++) {
        entry = emit_node(c, node->children, entry);
    }
    return entry;
}

/* Where to begin for the node followed by what is at `next`. Deep as groups are: their number is
 * limited. */
static uint32_t emit_node(struct compiler *c, struct pattern_node *node, uint32_t next)
{
    switch (node->kind) {
    case PATTERN_EMPTY:
        return next;
    case PATTERN_SET:
        place_set(c, node->set);
        return emit(c, (struct instruction){INSTRUCTION_SET, next, node->set->place - 1,
                                            (uint32_t)node->set->count});
    case PATTERN_ASSERT:
        return emit(c, (struct instruction){INSTRUCTION_ASSERT, next, node->assertion, 0});
    case PATTERN_SEQUENCE:
        return emit_sequence(c, node, next);
    case PATTERN_CHOICE:
        return emit_choice(c, node, next);
    case PATTERN_REPEAT:
        return emit_repeat(c, node, next);
    }
    return next;
}

static int compile(struct pattern_node *root, const struct pattern_limits *limits,
                   struct arena *arena, struct pattern *pattern, struct err *err)
{
    int64_t most = MIN(limits->program_max, (int64_t)PATTERN_PROGRAM_MAX);
    struct compiler c = {.pattern = pattern,
                         .arena = arena,
                         .program_max = (size_t)MAX(most, 0),
                         .size_max = limits->size_max};
    uint32_t end = emit(&c, (struct instruction){INSTRUCTION_MATCH, 0, 0, 0});
    pattern->start = emit_node(&c, root, end);
    if (!c.is_full) {
        return 0;
    }
    if (pattern->program_size >= c.program_max) {
        return err_set(err, PATTERN_E,
                       "it is too complex: its program is larger than the %lld instructions "
                       "allowed",
                       (long long)limits->program_max);
    }
    return err_set(err, PATTERN_E, "it is too large: it needs more than the %zu bytes allowed",
                   limits->size_max);
}

int pattern_new(struct slice text, const struct pattern_limits *limits,
                struct pattern **ret_pattern, struct err *err)
{
    CLEANUP(arena_deinit) struct arena arena;
    struct pattern_node *root;
    arena_init(&arena, 0);
    if (text.size > PATTERN_TEXT_SIZE_MAX) {
        return err_set(err, PATTERN_E, "it is longer than %zu bytes", PATTERN_TEXT_SIZE_MAX);
    }
    int r = pattern_parse(text, &arena, &root, err);
    if (r != 0) {
        return r;
    }
    struct pattern *pattern = xalloc(sizeof(*pattern));
    r = compile(root, limits, &arena, pattern, err);
    if (r != 0) {
        pattern_free(pattern);
        return r;
    }
    *ret_pattern = pattern;
    return 0;
}

struct pattern *pattern_free(struct pattern *pattern)
{
    if (pattern != NULL) {
        free(pattern->program);
        free(pattern->ranges);
        free(pattern);
    }
    return NULL;
}

size_t pattern_program_size(const struct pattern *pattern)
{
    return pattern->program_size;
}

/* --- matching: all paths at once --- */

#define SMALL_PROGRAM 128
#define SCRATCH_LISTS 4

/* Places of instructions that wait for the next character. */
struct threads {
    uint32_t *items;
    size_t count;
};

struct run {
    const struct pattern *pattern;
    struct threads now;
    struct threads then;
    uint32_t *stack; /* of places to go to; each is there at most once in a step */
    uint32_t *seen;  /* by place: the step in which it was reached last */
    uint32_t step;   /* from 1 */
    bool is_match;   /* the end of the program was reached in this step */
};

static bool is_word(uint32_t rune)
{
    return (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
           (rune >= 'a' && rune <= 'z');
}

/* Between two characters; before and behind the text there is PATTERN_NO_RUNE. */
struct gap {
    uint32_t before;
    uint32_t behind;
    bool is_begin; /* of the text */
    bool is_end;
};

static bool holds(enum pattern_assertion assertion, const struct gap *gap)
{
    switch (assertion) {
    case PATTERN_TEXT_BEGIN:
        return gap->is_begin;
    case PATTERN_TEXT_END:
        return gap->is_end;
    case PATTERN_LINE_BEGIN:
        return gap->is_begin || gap->before == '\n';
    case PATTERN_LINE_END:
        return gap->is_end || gap->behind == '\n';
    case PATTERN_WORD_EDGE:
        return is_word(gap->before) != is_word(gap->behind);
    case PATTERN_NO_WORD_EDGE:
        return is_word(gap->before) == is_word(gap->behind);
    }
    return false;
}

static void push(struct run *run, uint32_t place, size_t *depth)
{
    if (run->seen[place] != run->step) {
        run->seen[place] = run->step;
        run->stack[(*depth)++] = place;
    }
}

/* Follows all that needs no character, from that place on. */
static void follow(struct run *run, uint32_t place, const struct gap *gap)
{
    size_t depth = 0;
    push(run, place, &depth);
    while (depth > 0) {
        place = run->stack[--depth];
        const struct instruction *i = &run->pattern->program[place];
        switch ((enum instruction_kind)i->kind) {
        case INSTRUCTION_MATCH:
            run->is_match = true;
            break;
        case INSTRUCTION_SET:
            run->then.items[run->then.count++] = place;
            break;
        case INSTRUCTION_ASSERT:
            if (holds((enum pattern_assertion)i->other, gap)) {
                push(run, i->next, &depth);
            }
            break;
        case INSTRUCTION_SPLIT:
            push(run, i->next, &depth);
            push(run, i->other, &depth);
            break;
        }
    }
}

static bool contains(const struct pattern *pattern, const struct instruction *set, uint32_t rune)
{
    const struct pattern_range *ranges = pattern->ranges + set->other;
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rune > ranges[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < set->count && rune >= ranges[low].first;
}

/* What is reached in this step waits for the next character. */
static void turn(struct run *run)
{
    struct threads old = run->now;
    run->now = run->then;
    run->then = (struct threads){old.items, 0};
    run->step++;
}

static bool match(struct run *run, struct slice text)
{
    struct slice rest = text;
    struct gap gap = {.before = PATTERN_NO_RUNE, .is_begin = true};
    uint32_t rune = rest.size > 0 ? pattern_next_rune(&rest) : PATTERN_NO_RUNE;
    bool has_rune = text.size > 0;
    gap.behind = rune;
    gap.is_end = !has_rune;
    run->step = 1;
    follow(run, run->pattern->start, &gap);
    while (has_rune && run->then.count > 0) {
        bool has_next = rest.size > 0;
        uint32_t next = has_next ? pattern_next_rune(&rest) : PATTERN_NO_RUNE;
        turn(run);
        run->is_match = false;
        gap = (struct gap){.before = rune, .behind = next, .is_end = !has_next};
        for (size_t i = 0; i < run->now.count; i++) {
            const struct instruction *set = &run->pattern->program[run->now.items[i]];
            if (contains(run->pattern, set, rune)) {
                follow(run, set->next, &gap);
            }
        }
        rune = next;
        has_rune = has_next;
    }
    return !has_rune && run->is_match;
}

bool pattern_matches(const struct pattern *pattern, struct slice text)
{
    uint32_t small[SMALL_PROGRAM * SCRATCH_LISTS] = {0};
    size_t size = pattern->program_size;
    uint32_t *large = size > SMALL_PROGRAM ? xcalloc(size * SCRATCH_LISTS, sizeof(small[0])) : NULL;
    uint32_t *scratch = large != NULL ? large : small;
    struct run run = {
        .pattern = pattern,
        .now = {scratch, 0},
        .then = {scratch + size, 0},
        .stack = scratch + 2 * size,
        .seen = scratch + 3 * size,
    };
    bool is_match = match(&run, text);
    free(large);
    return is_match;
}
