/*
 * --whitelist: a file with the hostnames, one a line, of the only agents that are offered. A worker
 * reads it every few seconds. Until it could be read for the first time, nobody is offered; if it
 * is not there then, everybody is until it appears; if it goes away later, the last list stays (the
 * reference's WhitelistWatcher). What was offered before is not taken back.
 */
#ifndef TEPUI_MASTER_WHITELIST_H
#define TEPUI_MASTER_WHITELIST_H

#include "common/blob.h"
#include "common/fileio.h"
#include "common/timers.h"

/* facts/state_machines.md, intervals */
#define WHITELIST_INTERVAL_NS (5 * NS_PER_SEC)
/* Bytes of the file; a larger one is not read. */
#define WHITELIST_SIZE_MAX ((size_t)16 << 20)
/* Of its file requests; those of http_files.h begin at 1. */
#define WHITELIST_TOKEN 0

enum whitelist_state {
    WHITELIST_NONE,    /* not asked for: everybody is offered */
    WHITELIST_UNREAD,  /* nobody is */
    WHITELIST_MISSING, /* everybody is */
    WHITELIST_READ,    /* those that are listed */
};

struct whitelist {
    enum whitelist_state state;
    struct timer timer;  /* TIMER_WHITELIST: the next look */
    bool is_asked;       /* a worker reads */
    bool has_failed;     /* the last look has, and that was said */
    struct blob *text;   /* READ: the file */
    struct slice *hosts; /* READ: of the text, ascending; heap */
    size_t count;
};

struct master;
struct agent;

void master_whitelist_init(struct master *master);
void master_whitelist_deinit(struct master *master);
/* TIMER_WHITELIST. */
void master_whitelist_look(struct master *master);
/* MASTER_FILE with WHITELIST_TOKEN. */
void master_whitelist_answer(struct master *master, const struct file_result *result);
/* The agent has registered: the allocator is told whether it is listed. */
void master_whitelist_apply(struct master *master, const struct agent *agent);

#endif
