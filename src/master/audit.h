/*
 * The log of what operators change: who asked, what was refused, and what the registry took.
 * Readers of the log learn from it why a machine is down or a role is held back, also after the
 * master that did it is gone.
 */
#ifndef TEPUI_MASTER_AUDIT_H
#define TEPUI_MASTER_AUDIT_H

#include <stdbool.h>

#include "master/pending.h"
#include "wire/netio.h"

/* Bytes of a refusal that are told. */
#define AUDIT_REFUSAL_SIZE_MAX ((size_t)256)
/* Bytes of an encoded request that is told in full; of longer ones only the size is. */
#define AUDIT_REQUEST_SIZE_MAX ((size_t)512)

struct master;

/* A request that is to change something has come. `what` is a call's name or an endpoint's path; it
 * is not known yet whether it is well-formed. */
void master_audit_asked(struct master *master, const struct net_request *request, const char *what);
/* Its handler has run: says so if it was refused at once, and with what words. */
void master_audit_refused(struct master *master, const struct net_request *request,
                          const char *what);
/* The registry has answered: says what was changed, as JSON, if it is a
 * change of operators; silent for all others. */
void master_audit_stored(struct master *master, const struct pending *pending, bool applied);

#endif
