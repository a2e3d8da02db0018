/*
 * An intrusive doubly linked list. The head and the links are one type; an empty list points at
 * itself, and so does a link that is in no list, so that removing it twice does no harm.
 */
#ifndef TEPUI_COMMON_LIST_H
#define TEPUI_COMMON_LIST_H

#include <stdbool.h>

#include "common/macro.h"

struct list {
    struct list *next; /* first, for a head */
    struct list *prev; /* last, for a head */
};

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

static inline void list_insert_before(struct list *at, struct list *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_before(head, link);
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_before(head->next, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, taken out, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *link = head->next;
    if (link == head) {
        return NULL;
    }
    list_remove(link);
    return link;
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)

/* The current entry may be removed in the body. */
#define LIST_FOR_EACH(var, head, member)                                         \
    for (struct list *var##_link = (head)->next, *var##_next = var##_link->next; \
         var##_link != (head) &&                                                 \
         ((var) = LIST_ENTRY(var##_link, __typeof__(*(var)), member), true);     \
         var##_link = var##_next, var##_next = var##_link->next)

#endif
