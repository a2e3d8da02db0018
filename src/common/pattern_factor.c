/* Choices made smaller, as lists of names often can be: host1|host2|host30. */
#include "common/pattern_tree.h"

/* A list that is appended to. */
struct list_end {
    struct pattern_node *first;
    struct pattern_node **end;
    size_t count;
};

static void list_begin(struct list_end *list)
{
    *list = (struct list_end){.end = &list->first};
}

static void list_add(struct list_end *list, struct pattern_node *node)
{
    node->next = NULL;
    *list->end = node;
    list->end = &node->next;
    list->count++;
}

/* What it begins with; NULL if it matches nothing. */
static struct pattern_node *head_of(struct pattern_node *node)
{
    return node->kind == PATTERN_SEQUENCE ? node->children
           : node->kind == PATTERN_EMPTY  ? NULL
                                          : node;
}

static bool is_same_set(const struct pattern_node *a, const struct pattern_node *b)
{
    if (a == NULL || b == NULL || a->kind != PATTERN_SET || b->kind != PATTERN_SET ||
        a->set->count != b->set->count) {
        return false;
    }
    for (size_t i = 0; i < a->set->count; i++) {
        if (a->set->items[i].first != b->set->items[i].first ||
            a->set->items[i].last != b->set->items[i].last) {
            return false;
        }
    }
    return true;
}

static struct pattern_node *empty_new(struct arena *arena)
{
    struct pattern_node *node = ARENA_NEW(arena, struct pattern_node);
    node->kind = PATTERN_EMPTY;
    node->repeats = 1;
    return node;
}

/* Without its first part, which is kept beside its `next`. */
static struct pattern_node *tail_of(struct pattern_node *node, struct arena *arena)
{
    if (node->kind != PATTERN_SEQUENCE || node->children->next == NULL) {
        return empty_new(arena);
    }
    node->children = node->children->next;
    return node->children->next == NULL ? node->children : node;
}

/* Alternatives that all begin with the same set: a sequence of what is common, and the choice of
 * the rest. */
static struct pattern_node *join(struct pattern_node *run, int repeats, struct arena *arena)
{
    struct pattern_node *sequence = empty_new(arena);
    struct list_end parts;
    bool is_same = true;
    list_begin(&parts);
    sequence->kind = PATTERN_SEQUENCE;
    sequence->repeats = repeats;
    while (is_same) {
        struct pattern_node *head = ARENA_NEW(arena, struct pattern_node);
        struct list_end tails;
        list_begin(&tails);
        *head = *head_of(run);
        for (struct pattern_node *node = run, *next; node != NULL; node = next) {
            next = node->next;
            list_add(&tails, tail_of(node, arena));
        }
        list_add(&parts, head);
        run = tails.first;
        for (struct pattern_node *node = run; node != NULL; node = node->next) {
            is_same = is_same && is_same_set(head_of(run), head_of(node));
        }
    }
    struct pattern_node *choice = empty_new(arena);
    choice->kind = PATTERN_CHOICE;
    choice->repeats = repeats;
    choice->children = run;
    list_add(&parts, pattern_factor(choice, arena));
    sequence->children = parts.first;
    return sequence;
}

/* Neighbours that begin alike become one. */
static void join_runs(struct pattern_node *choice, struct arena *arena, struct list_end *result)
{
    list_begin(result);
    for (struct pattern_node *node = choice->children; node != NULL;) {
        struct list_end run;
        struct pattern_node *head = head_of(node);
        list_begin(&run);
        do {
            struct pattern_node *next = node->next;
            list_add(&run, node);
            node = next;
        } while (node != NULL && is_same_set(head, head_of(node)));
        list_add(result, run.count == 1 ? run.first : join(run.first, choice->repeats, arena));
    }
}

/* All single characters become one set. */
static void merge_sets(struct arena *arena, struct list_end *list)
{
    struct list_end result;
    struct pattern_node *merged = NULL;
    list_begin(&result);
    for (struct pattern_node *node = list->first, *next; node != NULL; node = next) {
        next = node->next;
        if (node->kind != PATTERN_SET) {
            list_add(&result, node);
        } else if (merged == NULL) {
            merged = node;
            list_add(&result, node);
        } else {
            pattern_set_add_set(merged->set, node->set, arena);
        }
    }
    if (merged != NULL) {
        pattern_set_finish(merged->set);
    }
    *list = result;
}

struct pattern_node *pattern_factor(struct pattern_node *choice, struct arena *arena)
{
    struct list_end list;
    join_runs(choice, arena, &list);
    merge_sets(arena, &list);
    choice->children = list.first;
    return list.count == 1 ? list.first : choice;
}
