#include "resources/offer_constraints.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "wire/message.h"

enum subject { SUBJECT_ATTRIBUTE, SUBJECT_HOSTNAME, SUBJECT_REGION, SUBJECT_ZONE };

enum predicate {
    PREDICATE_EXISTS,
    PREDICATE_NOT_EXISTS,
    PREDICATE_EQUALS,
    PREDICATE_NOT_EQUALS,
    PREDICATE_MATCHES,
    PREDICATE_NOT_MATCHES,
};

struct constraint {
    enum subject subject;
    enum predicate predicate;
    char *name;              /* ATTRIBUTE; heap */
    char *value;             /* EQUALS, NOT_EQUALS; heap */
    struct pattern *pattern; /* MATCHES, NOT_MATCHES */
};

struct group {
    struct constraint *items;
    size_t count;
};

struct role {
    char *name;
    struct group *groups;
    size_t count;
};

struct offer_constraints {
    atomic_size_t refs;
    struct blob *bytes;
    struct role *roles;
    size_t count;
};

/* --- life --- */

static void role_deinit(struct role *role)
{
    for (size_t i = 0; i < role->count; i++) {
        struct group *group = &role->groups[i];
        for (size_t j = 0; j < group->count; j++) {
            free(group->items[j].name);
            free(group->items[j].value);
            pattern_free(group->items[j].pattern);
        }
        free(group->items);
    }
    free(role->groups);
    free(role->name);
}

static void free_all(struct offer_constraints *constraints)
{
    for (size_t i = 0; i < constraints->count; i++) {
        role_deinit(&constraints->roles[i]);
    }
    free(constraints->roles);
    blob_unref(constraints->bytes);
    free(constraints);
}

struct offer_constraints *offer_constraints_ref(struct offer_constraints *constraints)
{
    if (constraints != NULL) {
        atomic_fetch_add_explicit(&constraints->refs, 1, memory_order_relaxed);
    }
    return constraints;
}

struct offer_constraints *offer_constraints_unref(struct offer_constraints *constraints)
{
    if (constraints != NULL &&
        atomic_fetch_sub_explicit(&constraints->refs, 1, memory_order_acq_rel) == 1) {
        free_all(constraints);
    }
    return NULL;
}

void offer_constraints_unrefp(struct offer_constraints **constraints)
{
    *constraints = offer_constraints_unref(*constraints);
}

/* --- from the message --- */

static int read_selector(const Pb__Scheduler__AttributeConstraint__Selector *selector,
                         struct constraint *ret, struct err *err)
{
    if (selector != NULL &&
        selector->selector_case ==
            PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_ATTRIBUTE_NAME) {
        ret->subject = SUBJECT_ATTRIBUTE;
        ret->name = xstrdup(selector->attribute_name);
        return 0;
    }
    if (selector == NULL ||
        selector->selector_case !=
            PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__SELECTOR_PSEUDOATTRIBUTE_TYPE) {
        return err_set(err, OFFER_CONSTRAINTS_E,
                       "Exactly one of 'AttributeConstraint::Selector::name' or "
                       "'AttributeConstraint::Selector::pseudoattribute_type' must be set");
    }
    switch ((int)selector->pseudoattribute_type) {
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__HOSTNAME:
        ret->subject = SUBJECT_HOSTNAME;
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__REGION:
        ret->subject = SUBJECT_REGION;
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__ZONE:
        ret->subject = SUBJECT_ZONE;
        return 0;
    default:
        return err_set(err, OFFER_CONSTRAINTS_E, "Unknown pseudoattribute type");
    }
}

static int read_pattern(const char *text, const struct pattern_limits *limits,
                        struct constraint *ret, struct err *err)
{
    const char *regex = text != NULL ? text : "";
    int r = pattern_new(slice_from(regex), limits, &ret->pattern, err);
    return r == 0 ? 0
                  : err_wrap(err, OFFER_CONSTRAINTS_E,
                             "Failed to construct regex from pattern '%.200s'", regex);
}

static char *copy_value(const char *value)
{
    return xstrdup(value != NULL ? value : "");
}

static int read_predicate(const Pb__Scheduler__AttributeConstraint__Predicate *predicate,
                          const struct pattern_limits *limits, struct constraint *ret,
                          struct err *err)
{
    switch (predicate != NULL ? (int)predicate->predicate_case : 0) {
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_EXISTS:
        ret->predicate = PREDICATE_EXISTS;
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_NOT_EXISTS:
        ret->predicate = PREDICATE_NOT_EXISTS;
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_EQUALS:
        ret->predicate = PREDICATE_EQUALS;
        ret->value = copy_value(predicate->text_equals->value);
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_NOT_EQUALS:
        ret->predicate = PREDICATE_NOT_EQUALS;
        ret->value = copy_value(predicate->text_not_equals->value);
        return 0;
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_MATCHES:
        ret->predicate = PREDICATE_MATCHES;
        return read_pattern(predicate->text_matches->regex, limits, ret, err);
    case PB__SCHEDULER__ATTRIBUTE_CONSTRAINT__PREDICATE__PREDICATE_TEXT_NOT_MATCHES:
        ret->predicate = PREDICATE_NOT_MATCHES;
        return read_pattern(predicate->text_not_matches->regex, limits, ret, err);
    default:
        return err_set(err, OFFER_CONSTRAINTS_E, "Unknown predicate type");
    }
}

static int read_group(const Pb__Scheduler__OfferConstraints__RoleConstraints__Group *message,
                      const struct pattern_limits *limits, struct group *ret, struct err *err)
{
    ret->items = xcalloc(message->n_attribute_constraints, sizeof(ret->items[0]));
    ret->count = message->n_attribute_constraints;
    for (size_t i = 0; i < ret->count; i++) {
        const Pb__Scheduler__AttributeConstraint *one = message->attribute_constraints[i];
        int r = read_selector(one->selector, &ret->items[i], err);
        if (r == 0) {
            r = read_predicate(one->predicate, limits, &ret->items[i], err);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* Counts what there is, so that memory is only taken for as much as may be. */
static int check_sizes(const char *role,
                       const Pb__Scheduler__OfferConstraints__RoleConstraints *message,
                       size_t *count, struct err *err)
{
    if (message == NULL || message->n_groups == 0) {
        return err_set(err, OFFER_CONSTRAINTS_E,
                       "'OfferConstraints::role_constraints' has an empty "
                       "'RoleConstraints::groups' for role %s",
                       role);
    }
    for (size_t i = 0; i < message->n_groups; i++) {
        if (message->groups[i]->n_attribute_constraints == 0) {
            return err_set(err, OFFER_CONSTRAINTS_E,
                           "'OfferConstraints::RoleConstraints::groups' for role %s contains an "
                           "empty RoleConstraints::Group",
                           role);
        }
        *count += message->groups[i]->n_attribute_constraints;
    }
    if (*count > OFFER_CONSTRAINTS_MAX) {
        return err_set(err, OFFER_CONSTRAINTS_E, "There are more than %d constraints",
                       OFFER_CONSTRAINTS_MAX);
    }
    return 0;
}

static int read_role(const Pb__Scheduler__OfferConstraints__RoleConstraintsEntry *entry,
                     const struct pattern_limits *limits, struct role *ret, struct err *err)
{
    ret->name = xstrdup(entry->key);
    ret->groups = xcalloc(entry->value->n_groups, sizeof(ret->groups[0]));
    ret->count = entry->value->n_groups;
    for (size_t i = 0; i < ret->count; i++) {
        if (read_group(entry->value->groups[i], limits, &ret->groups[i], err) != 0) {
            return err_wrap(err, OFFER_CONSTRAINTS_E,
                            "A role %s has an invalid 'AttributeConstraint'", entry->key);
        }
    }
    return 0;
}

int offer_constraints_new(const Pb__Scheduler__OfferConstraints *message,
                          const struct pattern_limits *limits, struct offer_constraints **ret,
                          struct err *err)
{
    size_t count = 0;
    if (message == NULL || message->n_role_constraints == 0) {
        *ret = NULL;
        return 0;
    }
    for (size_t i = 0; i < message->n_role_constraints; i++) {
        int r = check_sizes(message->role_constraints[i]->key, message->role_constraints[i]->value,
                            &count, err);
        if (r != 0) {
            return r;
        }
    }
    CLEANUP(offer_constraints_unrefp)
    struct offer_constraints *constraints = xalloc(sizeof(*constraints));
    atomic_init(&constraints->refs, 1);
    constraints->roles = xcalloc(message->n_role_constraints, sizeof(constraints->roles[0]));
    constraints->count = message->n_role_constraints;
    for (size_t i = 0; i < constraints->count; i++) {
        int r = read_role(message->role_constraints[i], limits, &constraints->roles[i], err);
        if (r != 0) {
            return r;
        }
    }
    constraints->bytes = message_encode_blob(&message->base);
    *ret = TAKE_PTR(constraints);
    return 0;
}

/* --- what they say --- */

struct slice offer_constraints_bytes(const struct offer_constraints *constraints)
{
    return blob_slice(constraints->bytes);
}

/* Of an attribute that is there; `text` NULL: it is no text. */
static bool holds_for(const struct constraint *constraint, const char *text)
{
    switch (constraint->predicate) {
    case PREDICATE_EXISTS:
        return true;
    case PREDICATE_NOT_EXISTS:
        return false;
    case PREDICATE_EQUALS:
        return text == NULL || strcmp(text, constraint->value) == 0;
    case PREDICATE_NOT_EQUALS:
        return text == NULL || strcmp(text, constraint->value) != 0;
    case PREDICATE_MATCHES:
        return text == NULL || pattern_matches(constraint->pattern, slice_from(text));
    case PREDICATE_NOT_MATCHES:
        return text == NULL || !pattern_matches(constraint->pattern, slice_from(text));
    }
    return false;
}

/* Without what is asked about, the negations hold. */
static bool holds_for_none(enum predicate predicate)
{
    return predicate == PREDICATE_NOT_EXISTS || predicate == PREDICATE_NOT_EQUALS ||
           predicate == PREDICATE_NOT_MATCHES;
}

static bool holds(const struct constraint *constraint, const struct agent_traits *agent)
{
    const char *text = NULL;
    switch (constraint->subject) {
    case SUBJECT_ATTRIBUTE: {
        const struct agent_trait *trait = agent_traits_find(agent, constraint->name);
        return trait != NULL ? holds_for(constraint, trait->text)
                             : holds_for_none(constraint->predicate);
    }
    case SUBJECT_HOSTNAME:
        text = agent->hostname;
        break;
    case SUBJECT_REGION:
        text = agent->region;
        break;
    case SUBJECT_ZONE:
        text = agent->zone;
        break;
    }
    return text != NULL ? holds_for(constraint, text) : holds_for_none(constraint->predicate);
}

static bool group_holds(const struct group *group, const struct agent_traits *agent)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!holds(&group->items[i], agent)) {
            return false;
        }
    }
    return true;
}

bool offer_constraints_admit(const struct offer_constraints *constraints, const char *role,
                             const struct agent_traits *agent)
{
    /* Of a role that is there twice the last counts, as in any protobuf map. */
    for (size_t i = constraints->count; i > 0; i--) {
        const struct role *one = &constraints->roles[i - 1];
        if (strcmp(one->name, role) != 0) {
            continue;
        }
        for (size_t j = 0; j < one->count; j++) {
            if (group_holds(&one->groups[j], agent)) {
                return true;
            }
        }
        return false;
    }
    return true;
}
