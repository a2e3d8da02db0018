/*
 * A name server for tests: the test is linked with --wrap=getaddrinfo and --wrap=freeaddrinfo, and
 * says with names_add() what there is. Anything else is unknown, but addresses are what they are.
 */
#ifndef TEPUI_TESTS_UNIT_COORD_NAMES_H
#define TEPUI_TESTS_UNIT_COORD_NAMES_H

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define NAMES_MAX 64

static struct {
    const char *name;
    const char *address;
} names[NAMES_MAX];
static int name_count;
static atomic_int name_questions;

static inline void names_clear(void)
{
    name_count = 0;
}

static inline void names_add(const char *name, const char *address)
{
    ASSERT(name_count < NAMES_MAX);
    names[name_count].name = name;
    names[name_count++].address = address;
}

static inline struct addrinfo *names_make(const char *text, int family)
{
    struct addrinfo *info = xalloc(sizeof(*info));
    struct sockaddr_storage *storage = xalloc(sizeof(*storage));
    void *ip = family == AF_INET ? (void *)&((struct sockaddr_in *)storage)->sin_addr
                                 : (void *)&((struct sockaddr_in6 *)storage)->sin6_addr;
    info->ai_family = family;
    info->ai_addr = (struct sockaddr *)storage;
    storage->ss_family = (sa_family_t)family;
    if (inet_pton(family, text, ip) != 1) {
        free(storage);
        free(info);
        return NULL;
    }
    return info;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
void __wrap_freeaddrinfo(struct addrinfo *info);

int __wrap_getaddrinfo(const char *node, const char *service UNUSED, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    struct addrinfo *first = names_make(node, hints->ai_family);
    struct addrinfo **end = first != NULL ? &first->ai_next : &first;
    atomic_fetch_add(&name_questions, 1);
    for (int i = 0; i < name_count; i++) {
        if (strcmp(names[i].name, node) == 0) {
            *end = names_make(names[i].address, hints->ai_family);
            end = *end != NULL ? &(*end)->ai_next : end;
        }
    }
    *ret = first;
    return first != NULL ? 0 : EAI_NONAME;
}

void __wrap_freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info->ai_addr);
        free(info);
        info = next;
    }
}

#endif
