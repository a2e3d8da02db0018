/*
 * Small things that every file needs: checked assertions, cleanup attributes, container_of.
 *
 * Assertions are always compiled in and are for our own mistakes only, never for input.
 */
#ifndef TEPUI_COMMON_MACRO_H
#define TEPUI_COMMON_MACRO_H

#include <stddef.h>
#include <stdint.h>

#define UNUSED __attribute__((unused))
#define WARN_UNUSED __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Prints where and what, with errno untouched, and aborts. */
void tepui_assert_fail(const char *file, int line, const char *what) NORETURN;

#define ASSERT(cond)                                      \
    do {                                                  \
        if (__builtin_expect(!(cond), 0)) {               \
            tepui_assert_fail(__FILE__, __LINE__, #cond); \
        }                                                 \
    } while (0)

/* A place that our own reasoning says cannot be reached. */
#define WRONG(why) tepui_assert_fail(__FILE__, __LINE__, why)

/* `CLEANUP(buf_deinit) struct buf b` runs the function on the variable's address at scope exit. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands over a pointer: evaluates to its value and leaves NULL behind. */
#define TAKE_PTR(ptr)                          \
    ({                                         \
        __typeof__(ptr) *taken_from_ = &(ptr); \
        __typeof__(ptr) taken_ = *taken_from_; \
        *taken_from_ = NULL;                   \
        taken_;                                \
    })

/*
 * What travels through `void *` begins with `uint32_t magic` and is cast back by CAST_OBJ, which
 * checks it. The magic is written by OBJ_INIT and poisoned by OBJ_DEAD.
 */
#define OBJ_INIT(obj, value) ((void)((obj)->magic = (value)))
#define OBJ_DEAD(obj) ((void)((obj)->magic = 0))
#define CAST_OBJ(to, from, value)                       \
    do {                                                \
        (to) = (from);                                  \
        ASSERT((to) != NULL && (to)->magic == (value)); \
    } while (0)

#endif
