#include "daemon/heap_trim.h"

#include <malloc.h>

#define DELAY_NS (10 * NS_PER_SEC)
/* What is free and no more than this stays with us. */
#define SPARE_SIZE ((size_t)16 << 20)
/* What is at least this large is mapped by itself, and gone when it is freed. Left alone, the C
 * library would raise this up to 32 MiB, and keep what answers of that size leave behind. */
#define MAPPED_SIZE_MIN (1 << 20)

static void on_time(void *arg)
{
    struct heap_trim *trim = arg;
    trim->is_due = false;
    struct mallinfo2 heap = mallinfo2();
    /* A heap that grows and shrinks all the time keeps a quarter of it for that. */
    if (heap.fordblks > SPARE_SIZE && heap.fordblks > heap.uordblks / 4) {
        (void)malloc_trim(SPARE_SIZE);
    }
}

void heap_trim_init(struct heap_trim *trim, struct loop *loop)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_SIZE_MIN); /* fails only for sizes above 32 MiB */
    trim->loop = loop;
    trim->is_due = false;
    loop_timer_init(&trim->timer, loop, on_time, trim);
}

void heap_trim_cancel(struct heap_trim *trim)
{
    trim->is_due = false;
    loop_timer_cancel(&trim->timer);
}

void heap_trim_later(struct heap_trim *trim)
{
    if (!trim->is_due) {
        trim->is_due = true;
        loop_timer_set(&trim->timer, loop_now(trim->loop).mono_ns + DELAY_NS);
    }
}
