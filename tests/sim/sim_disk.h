/*
 * The simulated disk of a node: files by path, with what is durable kept apart from what is not.
 *
 * Store operations are performed in order, in groups, each group taking options.disk_min..max. At a
 * crash every operation whose group is not complete may be there, may be missing, or (an append)
 * may be torn; a REPLACE is there as a whole or not at all. A full disk refuses what would grow it.
 */
#ifndef TEPUI_TESTS_SIM_SIM_DISK_H
#define TEPUI_TESTS_SIM_SIM_DISK_H

#include "common/blob.h"
#include "sim/sim.h"

struct sim_disk *sim_disk_new(struct sim_node *node);
struct sim_disk *sim_disk_free(struct sim_disk *disk);

void sim_disk_perform(struct sim_disk *disk, struct store_ops *ops);
void sim_disk_crash(struct sim_disk *disk);

/* From now on writes fail with -ENOSPC, or not any more. */
void sim_disk_set_full(struct sim_disk *disk, bool full);

/* The node dies within its next group of writes, and starts again after so long; negative: it does
 * not, after all. */
void sim_disk_crash_at_write(struct sim_disk *disk, int64_t restart_ns);

/* What a program reads when it starts: bytes of a file (a link is followed), or NULL. */
struct blob *sim_disk_read(struct sim_disk *disk, const char *path) WARN_UNUSED;

enum sim_file_type { SIM_FILE, SIM_FOLDER, SIM_LINK };

/* Calls fn for each entry directly below the folder, in order of names. */
typedef void sim_disk_list_fn(void *arg, const char *name, enum sim_file_type type);
void sim_disk_list(struct sim_disk *disk, const char *path, sim_disk_list_fn *fn, void *arg);
bool sim_disk_exists(struct sim_disk *disk, const char *path);
/* The target of a link, or NULL; valid until the disk changes. */
const char *sim_disk_link(struct sim_disk *disk, const char *path);

#endif
