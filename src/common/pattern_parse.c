/* From the text of an expression to its tree; the syntax is RE2's. */
#include "common/pattern_tree.h"

enum {
    FLAG_FOLDS = 1 << 0,      /* (?i) */
    FLAG_LINES = 1 << 1,      /* (?m): ^ and $ at lines */
    FLAG_DOT_NEWLINE = 1 << 2 /* (?s) */
};

struct parser {
    struct slice whole;
    struct slice rest; /* what is not read yet */
    struct arena *arena;
    struct err *err;
    unsigned flags;
    int depth;     /* open groups */
    bool is_quote; /* between \Q and \E */
};

static int refuse(const struct parser *p, const char *why)
{
    return err_set(p->err, PATTERN_E, "%s at character %zu", why, p->whole.size - p->rest.size + 1);
}

static bool sees(const struct parser *p, const char *text)
{
    return slice_starts_with(p->rest, slice_from(text));
}

static bool take(struct parser *p, const char *text)
{
    if (!sees(p, text)) {
        return false;
    }
    p->rest = slice_skip(p->rest, strlen(text));
    return true;
}

/* --- nodes --- */

static struct pattern_node *node_new(struct parser *p, enum pattern_kind kind)
{
    struct pattern_node *node = ARENA_NEW(p->arena, struct pattern_node);
    node->kind = kind;
    node->repeats = 1;
    return node;
}

static struct pattern_node *set_new(struct parser *p, const struct pattern_set *set)
{
    struct pattern_node *node = node_new(p, PATTERN_SET);
    node->set = ARENA_NEW(p->arena, struct pattern_set);
    *node->set = *set;
    return node;
}

static struct pattern_node *literal_new(struct parser *p, uint32_t rune)
{
    struct pattern_set set = {0};
    pattern_set_add(&set, (struct pattern_range){rune, rune}, (p->flags & FLAG_FOLDS) != 0,
                    p->arena);
    pattern_set_finish(&set);
    return set_new(p, &set);
}

static struct pattern_node *assert_new(struct parser *p, enum pattern_assertion assertion)
{
    struct pattern_node *node = node_new(p, PATTERN_ASSERT);
    node->assertion = assertion;
    return node;
}

/* --- classes --- */

static int read_class_rune(struct parser *p, uint32_t *ret_rune)
{
    if (take(p, "\\")) {
        return pattern_unescape(&p->rest, ret_rune) ? 0 : refuse(p, "an unknown escape");
    }
    if (p->rest.size == 0) {
        return refuse(p, "a missing ]");
    }
    *ret_rune = pattern_next_rune(&p->rest);
    return *ret_rune != PATTERN_NO_RUNE ? 0 : refuse(p, "no UTF-8");
}

/* One character, or a range of them. */
static int read_range(struct parser *p, struct pattern_set *set)
{
    struct pattern_range range;
    int r = read_class_rune(p, &range.first);
    range.last = range.first;
    if (r == 0 && sees(p, "-") && p->rest.size >= 2 && p->rest.data[1] != ']') {
        (void)take(p, "-");
        r = read_class_rune(p, &range.last);
        if (r == 0 && range.last < range.first) {
            r = refuse(p, "a range that ends before it begins");
        }
    }
    if (r == 0) {
        pattern_set_add(set, range, (p->flags & FLAG_FOLDS) != 0, p->arena);
    }
    return r;
}

/* A class by name, [:alpha:] or \d. 0 with *ret_found = false if there is none here. */
static int read_named_class(struct parser *p, bool *ret_found, struct pattern_set *ret_set)
{
    bool folds = (p->flags & FLAG_FOLDS) != 0;
    *ret_found = false;
    if (sees(p, "[:")) {
        struct slice name = slice_skip(p->rest, 2);
        size_t size = 0;
        while (size + 2 <= name.size && !slice_starts_with(slice_skip(name, size), SLICE(":]"))) {
            size++;
        }
        if (size + 2 > name.size) {
            return 0; /* a bracket that stands for itself */
        }
        if (!pattern_set_posix(slice_make(name.data, size), folds, p->arena, ret_set)) {
            return refuse(p, "an unknown class");
        }
        p->rest = slice_skip(name, size + 2);
        *ret_found = true;
        return 0;
    }
    if (sees(p, "\\p") || sees(p, "\\P")) {
        return refuse(p, "a class by Unicode property, which is not supported,");
    }
    if (sees(p, "\\") && p->rest.size >= 2 &&
        pattern_set_perl(p->rest.data[1], folds, p->arena, ret_set)) {
        p->rest = slice_skip(p->rest, 2);
        *ret_found = true;
    }
    return 0;
}

/* Behind the [. */
static int parse_class(struct parser *p, struct pattern_node **ret_node)
{
    struct pattern_set set = {0};
    bool negated = take(p, "^");
    bool is_first = true;
    while (p->rest.size > 0 && (is_first || !sees(p, "]"))) {
        struct pattern_set named = {0};
        bool found;
        int r = read_named_class(p, &found, &named);
        if (r == 0 && found) {
            pattern_set_add_set(&set, &named, p->arena);
        } else if (r == 0) {
            r = read_range(p, &set);
        }
        if (r != 0) {
            return r;
        }
        is_first = false;
    }
    if (!take(p, "]")) {
        return refuse(p, "a missing ]");
    }
    pattern_set_finish(&set);
    if (negated) {
        pattern_set_negate(&set, p->arena);
    }
    *ret_node = set_new(p, &set);
    return 0;
}

/* --- repetition --- */

/* A number without a leading zero; more than can be meant counts as one too many. */
static bool read_number(struct slice *text, int *ret_number)
{
    int value = 0;
    size_t size = 0;
    while (size < text->size && text->data[size] >= '0' && text->data[size] <= '9') {
        value = MIN(value * 10 + (text->data[size] - '0'), PATTERN_REPEAT_MAX + 1);
        size++;
    }
    if (size == 0 || (size > 1 && text->data[0] == '0')) {
        return false;
    }
    *text = slice_skip(*text, size);
    *ret_number = value;
    return true;
}

/* {n}, {n,} or {n,m}; anything else in braces stands for itself. */
static bool read_braces(struct slice *text, int *ret_min, int *ret_max)
{
    struct slice rest = *text;
    if (!slice_starts_with(rest, SLICE("{"))) {
        return false;
    }
    rest = slice_skip(rest, 1);
    if (!read_number(&rest, ret_min)) {
        return false;
    }
    *ret_max = *ret_min;
    if (slice_starts_with(rest, SLICE(","))) {
        rest = slice_skip(rest, 1);
        *ret_max = PATTERN_ENDLESS;
        if (!slice_starts_with(rest, SLICE("}")) && !read_number(&rest, ret_max)) {
            return false;
        }
    }
    if (!slice_starts_with(rest, SLICE("}"))) {
        return false;
    }
    *text = slice_skip(rest, 1);
    return true;
}

static bool read_repetition(struct parser *p, bool *ret_is_counted, int *ret_min, int *ret_max)
{
    static const struct {
        const char *text;
        int min;
        int max;
    } signs[] = {{"*", 0, PATTERN_ENDLESS}, {"+", 1, PATTERN_ENDLESS}, {"?", 0, 1}};
    for (size_t i = 0; i < ELEMENTS(signs); i++) {
        if (take(p, signs[i].text)) {
            *ret_is_counted = false;
            *ret_min = signs[i].min;
            *ret_max = signs[i].max;
            return true;
        }
    }
    *ret_is_counted = true;
    return read_braces(&p->rest, ret_min, ret_max);
}

/* How an atom is repeated. Whether it takes as much or as little as it can makes no difference to
 * whether the whole text matches. */
static int parse_repetition(struct parser *p, struct pattern_node **node)
{
    bool is_counted;
    int min;
    int max;
    if (!read_repetition(p, &is_counted, &min, &max)) {
        return 0;
    }
    (void)take(p, "?");
    if (is_counted && (min > PATTERN_REPEAT_MAX || max > PATTERN_REPEAT_MAX ||
                       (max != PATTERN_ENDLESS && max < min))) {
        return refuse(p, "a number of repetitions that cannot be");
    }
    int repeats = (*node)->repeats;
    if (is_counted) {
        repeats *= MAX(1, MAX(min, max));
        if (repeats > PATTERN_REPEAT_MAX) {
            return refuse(p, "repetitions of repetitions, too many together,");
        }
    }
    bool ignored;
    if (read_repetition(p, &ignored, &(int){0}, &(int){0})) {
        return refuse(p, "a repetition of a repetition");
    }
    if (max == 0 || (*node)->kind == PATTERN_EMPTY) {
        *node = node_new(p, PATTERN_EMPTY);
        return 0;
    }
    struct pattern_node *child = *node;
    *node = node_new(p, PATTERN_REPEAT);
    (*node)->repeats = repeats;
    (*node)->children = child;
    (*node)->min = min;
    (*node)->max = max;
    return 0;
}

/* --- atoms --- */

static int parse_choice(struct parser *p, struct pattern_node **ret_node);

/* Behind the "(?": flags for what follows, or a group with flags of its own. */
static int parse_flags(struct parser *p, bool *ret_is_group)
{
    unsigned flags = p->flags;
    bool negated = false;
    bool has_any = false; /* behind the minus, if there is one */
    while (p->rest.size > 0) {
        char c = p->rest.data[0];
        p->rest = slice_skip(p->rest, 1);
        unsigned flag = c == 'i'   ? FLAG_FOLDS
                        : c == 'm' ? FLAG_LINES
                        : c == 's' ? FLAG_DOT_NEWLINE
                                   : 0;
        if (flag != 0 || c == 'U') { /* U: who takes more, which does not matter */
            flags = negated ? flags & ~flag : flags | flag;
            has_any = true;
        } else if (c == '-' && !negated) {
            negated = true;
            has_any = false;
        } else if ((c == ':' || c == ')') && (!negated || has_any)) {
            p->flags = flags;
            *ret_is_group = c == ':';
            return 0;
        } else {
            break;
        }
    }
    return refuse(p, "a group of an unknown kind");
}

static bool skip_name(struct parser *p)
{
    size_t size = 0;
    while (size < p->rest.size && p->rest.data[size] != '>') {
        char c = p->rest.data[size];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '_')) {
            return false;
        }
        size++;
    }
    p->rest = slice_skip(p->rest, size);
    return size > 0 && take(p, ">");
}

/* Behind the (. *ret_node NULL: only flags, which hold until the end of the group around. */
static int parse_group(struct parser *p, struct pattern_node **ret_node)
{
    unsigned flags = p->flags;
    bool is_group = true;
    int r = 0;
    if (take(p, "?P<")) {
        r = skip_name(p) ? 0 : refuse(p, "a group with a bad name");
    } else if (take(p, "?")) {
        r = parse_flags(p, &is_group);
    }
    if (r != 0) {
        return r;
    }
    if (!is_group) {
        *ret_node = NULL;
        return 0;
    }
    if (++p->depth > PATTERN_DEPTH_MAX) {
        return refuse(p, "too many groups inside one another");
    }
    r = parse_choice(p, ret_node);
    p->depth--;
    p->flags = flags;
    if (r != 0) {
        return r;
    }
    return take(p, ")") ? 0 : refuse(p, "a missing )");
}

static int parse_escape(struct parser *p, struct pattern_node **ret_node)
{
    static const struct {
        const char *text;
        enum pattern_assertion assertion;
    } assertions[] = {{"\\A", PATTERN_TEXT_BEGIN},
                      {"\\z", PATTERN_TEXT_END},
                      {"\\b", PATTERN_WORD_EDGE},
                      {"\\B", PATTERN_NO_WORD_EDGE}};
    for (size_t i = 0; i < ELEMENTS(assertions); i++) {
        if (take(p, assertions[i].text)) {
            *ret_node = assert_new(p, assertions[i].assertion);
            return 0;
        }
    }
    struct pattern_set named = {0};
    bool found;
    uint32_t rune;
    int r = read_named_class(p, &found, &named);
    if (r != 0) {
        return r;
    }
    if (found) {
        *ret_node = set_new(p, &named);
        return 0;
    }
    (void)take(p, "\\");
    if (!pattern_unescape(&p->rest, &rune)) {
        return refuse(p, "an unknown escape (back-references and \\C are not supported)");
    }
    *ret_node = literal_new(p, rune);
    return 0;
}

static struct pattern_node *dot_new(struct parser *p)
{
    struct pattern_set set = {0};
    if ((p->flags & FLAG_DOT_NEWLINE) == 0) {
        pattern_set_add(&set, (struct pattern_range){'\n', '\n'}, false, p->arena);
    }
    pattern_set_negate(&set, p->arena);
    return set_new(p, &set);
}

static int parse_literal(struct parser *p, struct pattern_node **ret_node)
{
    uint32_t rune = pattern_next_rune(&p->rest);
    if (rune == PATTERN_NO_RUNE) {
        return refuse(p, "no UTF-8");
    }
    *ret_node = literal_new(p, rune);
    return 0;
}

/* *ret_node NULL: nothing that could be repeated. */
static int parse_atom(struct parser *p, struct pattern_node **ret_node)
{
    bool with_lines = (p->flags & FLAG_LINES) != 0;
    bool is_counted;
    *ret_node = NULL;
    if (p->is_quote || take(p, "\\Q")) {
        p->is_quote = !take(p, "\\E");
        return p->is_quote && p->rest.size > 0 ? parse_literal(p, ret_node) : 0;
    }
    if (take(p, "(")) {
        return parse_group(p, ret_node);
    }
    if (take(p, "[")) {
        return parse_class(p, ret_node);
    }
    if (sees(p, "\\")) {
        return parse_escape(p, ret_node);
    }
    if (take(p, "^")) {
        *ret_node = assert_new(p, with_lines ? PATTERN_LINE_BEGIN : PATTERN_TEXT_BEGIN);
        return 0;
    }
    if (take(p, "$")) {
        *ret_node = assert_new(p, with_lines ? PATTERN_LINE_END : PATTERN_TEXT_END);
        return 0;
    }
    if (take(p, ".")) {
        *ret_node = dot_new(p);
        return 0;
    }
    if (read_repetition(p, &is_counted, &(int){0}, &(int){0})) {
        return refuse(p, "a repetition of nothing");
    }
    return parse_literal(p, ret_node);
}

/* --- sequences and choices --- */

/* What is quoted is repeated only behind the \E. */
static bool may_be_repeated(struct parser *p)
{
    if (p->is_quote && take(p, "\\E")) {
        p->is_quote = false;
    }
    return !p->is_quote;
}

static bool is_end_of_sequence(const struct parser *p)
{
    return p->rest.size == 0 || (!p->is_quote && (sees(p, "|") || sees(p, ")")));
}

static int parse_sequence(struct parser *p, struct pattern_node **ret_node)
{
    struct pattern_node *sequence = node_new(p, PATTERN_SEQUENCE);
    struct pattern_node **end = &sequence->children;
    while (!is_end_of_sequence(p)) {
        struct pattern_node *node;
        int r = parse_atom(p, &node);
        if (r == 0 && node != NULL && may_be_repeated(p)) {
            r = parse_repetition(p, &node);
        }
        if (r != 0) {
            return r;
        }
        if (node != NULL && node->kind != PATTERN_EMPTY) {
            sequence->repeats = MAX(sequence->repeats, node->repeats);
            *end = node;
            end = &node->next;
        }
    }
    if (sequence->children == NULL) {
        sequence->kind = PATTERN_EMPTY;
    }
    bool is_one = sequence->children != NULL && sequence->children->next == NULL;
    *ret_node = is_one ? sequence->children : sequence;
    return 0;
}

static int parse_choice(struct parser *p, struct pattern_node **ret_node)
{
    struct pattern_node *choice = node_new(p, PATTERN_CHOICE);
    struct pattern_node **end = &choice->children;
    do {
        int r = parse_sequence(p, end);
        if (r != 0) {
            return r;
        }
        choice->repeats = MAX(choice->repeats, (*end)->repeats);
        end = &(*end)->next;
    } while (take(p, "|"));
    *ret_node =
        choice->children->next == NULL ? choice->children : pattern_factor(choice, p->arena);
    return 0;
}

int pattern_parse(struct slice text, struct arena *arena, struct pattern_node **ret_root,
                  struct err *err)
{
    struct parser p = {.whole = text, .rest = text, .arena = arena, .err = err};
    struct pattern_node *root;
    int r = parse_choice(&p, &root);
    if (r == 0 && p.rest.size > 0) {
        r = refuse(&p, "a ) without its (");
    }
    if (r == 0) {
        *ret_root = root;
    }
    return r;
}
