/*
 * An expression as a tree, between its text (pattern_parse.c) and its program (pattern.c). Internal
 * to pattern*.c. All of it is in the arena.
 */
#ifndef TEPUI_COMMON_PATTERN_TREE_H
#define TEPUI_COMMON_PATTERN_TREE_H

#include <stdint.h>

#include "common/arena.h"
#include "common/pattern.h"

#define PATTERN_RUNE_MAX 0x10FFFFu
/* What is no character: a byte that is no UTF-8, and the end of the text. */
#define PATTERN_NO_RUNE 0xFFFFFFFFu

enum pattern_assertion {
    PATTERN_TEXT_BEGIN,
    PATTERN_TEXT_END,
    PATTERN_LINE_BEGIN,
    PATTERN_LINE_END,
    PATTERN_WORD_EDGE,
    PATTERN_NO_WORD_EDGE,
};

struct pattern_range {
    uint32_t first; /* code points */
    uint32_t last;
};

/* A set of code points: ascending ranges with gaps between them. */
struct pattern_set {
    struct pattern_range *items;
    size_t count;
    size_t capacity;
    uint32_t place; /* in the program, from 1; 0 = it is not there yet */
};

enum pattern_kind {
    PATTERN_EMPTY, /* matches nothing at all, always */
    PATTERN_SET,   /* one character; none if the set is empty */
    PATTERN_ASSERT,
    PATTERN_SEQUENCE,
    PATTERN_CHOICE,
    PATTERN_REPEAT,
};

#define PATTERN_ENDLESS (-1)

struct pattern_node {
    enum pattern_kind kind;
    struct pattern_node *next; /* in the list of its parent */
    int repeats;               /* how often a part of it is repeated at most by {n,m} */

    struct pattern_set *set;          /* SET */
    enum pattern_assertion assertion; /* ASSERT */
    struct pattern_node *children;    /* SEQUENCE, CHOICE: a list; REPEAT: one */
    int min;                          /* REPEAT */
    int max;                          /* REPEAT; PATTERN_ENDLESS = any number */
};

/* --- sets (pattern_set.c) --- */

/* Adds the range; with `folds` also the other case of its letters (of ASCII). */
void pattern_set_add(struct pattern_set *set, struct pattern_range range, bool folds,
                     struct arena *arena);
/* In order, joined, and without doubles; the functions below want that. */
void pattern_set_finish(struct pattern_set *set);
void pattern_set_negate(struct pattern_set *set, struct arena *arena);
void pattern_set_add_set(struct pattern_set *set, const struct pattern_set *other,
                         struct arena *arena);
/* The letters of \d, \s, \w (or \D, \S, \W), or of [:alpha:] and its like by name. False if there
 * is no such class. The set is finished. */
bool pattern_set_perl(char letter, bool folds, struct arena *arena, struct pattern_set *ret_set);
bool pattern_set_posix(struct slice name, bool folds, struct arena *arena,
                       struct pattern_set *ret_set);

/* --- text (pattern_text.c) --- */

/* Cuts the first character from the front: its code point, or PATTERN_NO_RUNE for one byte that is
 * no UTF-8. The text is not empty. */
uint32_t pattern_next_rune(struct slice *text);
/* What is behind a backslash, cut from the front, where it stands for one character. False if there
 * is no such escape. */
bool pattern_unescape(struct slice *text, uint32_t *ret_rune);

/* --- the tree (pattern_parse.c) --- */

/* 0 or PATTERN_E. */
int pattern_parse(struct slice text, struct arena *arena, struct pattern_node **ret_root,
                  struct err *err) WARN_UNUSED;

/* --- smaller choices (pattern_factor.c) --- */

/* Of alternatives that begin alike the beginning is taken out, and characters next to one another
 * become a set: abc|abd is ab[cd]. Returns what replaces the choice. */
struct pattern_node *pattern_factor(struct pattern_node *choice, struct arena *arena);

#endif
