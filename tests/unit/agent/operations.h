/*
 * What tests of operations share: resources and messages of the master, and what is on the disk.
 */
#ifndef TEPUI_TESTS_UNIT_AGENT_OPERATIONS_H
#define TEPUI_TESTS_UNIT_AGENT_OPERATIONS_H

#include "shell.h"

#include "agent/core.h"
#include "resources/resource_pb.h"

#define OPERATIONS_VOLUME "/w/volumes/roles/r/v" /* where operations_volume lies */

/* Megabytes of disk reserved for role r; the same as volume v, to be seen at `data`. */
Pb__Resource *operations_disk(struct shell *shell, double mb);
Pb__Resource *operations_volume(struct shell *shell, double mb);

Pb__Offer__Operation *operations_reserve(struct shell *shell, Pb__Resource *resource);
Pb__Offer__Operation *operations_unreserve(struct shell *shell, Pb__Resource *resource);
Pb__Offer__Operation *operations_create(struct shell *shell, Pb__Resource *resource);
Pb__Offer__Operation *operations_destroy(struct shell *shell, Pb__Resource *resource);

/* ApplyOperationMessage with an id and a uuid made of the number. */
void operations_apply(struct shell *shell, int number, Pb__Offer__Operation *op);
/* The next UpdateOperationStatusMessage: asserts number and state. */
Pb__OperationStatus *operations_expect(struct shell *shell, int number, Pb__OperationState state);
void operations_acknowledge(struct shell *shell, int number, const Pb__OperationStatus *status);
/* The 16 bytes of that number. */
Pb__UUID *operations_uuid(struct shell *shell, int number);
/* CheckpointResourcesMessage with what is there, until NULL. */
void operations_checkpoint(struct shell *shell, Pb__Resource *first, Pb__Resource *second);

bool operations_has(struct shell *shell, const char *path);
/* Checkpointed resources as text, as a registration tells them. Registers again. */
const char *operations_advertised(struct shell *shell);
/* The same as they are on disk: in the newest state, and for agents of before. */
const char *operations_stored(struct shell *shell);
const char *operations_stored_for_older(struct shell *shell);

#endif
