/*
 * An agent that knows operations, and who asks for them: for the tests of operations. Resources are
 * written as the reference's JSON has them.
 */
#ifndef TEPUI_TESTS_UNIT_MASTER_OPERATION_SCENE_H
#define TEPUI_TESTS_UNIT_MASTER_OPERATION_SCENE_H

#include "harness.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define JSON_TYPE "Content-Type: application/json"
#define MODERN                                                                            \
    "\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},{\"type\":\"HIERARCHICAL_ROLE\"}," \
    "{\"type\":\"RESERVATION_REFINEMENT\"},{\"type\":\"RESOURCE_PROVIDER\"},"             \
    "{\"type\":\"RESIZE_VOLUME\"},{\"type\":\"AGENT_OPERATION_FEEDBACK\"},"               \
    "{\"type\":\"AGENT_DRAINING\"}]"
#define SHARING                                                                                 \
    ",\"roles\":[\"r\"],\"failover_timeout\":1000,\"capabilities\":[{\"type\":\"MULTI_ROLE\"}," \
    "{\"type\":\"RESERVATION_REFINEMENT\"},{\"type\":\"SHARED_RESOURCES\"}]"

struct operation_scene {
    struct harness *h;
    const char *agent_id;
};

/* A master, and an agent with 4 cpus, 1024 mem and 1024 disk that has those capabilities. */
struct operation_scene operation_scene_new(const char *capabilities);
/* The agent registers again with a version of 16 times that letter; `checkpointed` are the
 * resources that it tells of. */
void operation_scene_return(const struct operation_scene *s, const char *capabilities, char version,
                            const char *checkpointed);

/* --- resources --- */

/* {"name":"cpus",...} reserved for the role if that is not NULL. */
const char *res(struct harness *h, const char *name, double amount, const char *role);
/* A volume of that id on disk of role r; `shared` whether it is. */
const char *vol(struct harness *h, const char *id, double amount, bool shared);

/* --- asking --- */

/* An operator's call; `parts` are further members of its part: "\"resources\":[...]". */
uint64_t operate(const struct operation_scene *s, const char *type, const char *member,
                 const char *parts);
/* An operation of an ACCEPT; id NULL = none. */
const char *op(struct harness *h, const char *type, const char *member, const char *parts,
               const char *id);
/* Time passes until there is an offer; its event. */
const char *next_offer(struct harness *h, const struct scene_framework *f);
/* ACCEPTs the offer of the event, without a filter. */
void accept_offer(struct harness *h, const struct scene_framework *f, const char *offers,
                  const char *operations);
/* The last of what the agent was told to apply: its uuid as JSON has it. */
const char *applied(struct harness *h);
/* The agent tells of it; `uuid` is the letter of the status's uuid, 0 = none. */
void tell_status(const struct operation_scene *s, const char *operation, const char *state,
                 char uuid);
/* 16 times that letter, as JSON has it. */
const char *uuid_of(struct harness *h, char letter);
/* The body of a GET, or of an operator's call without a part. */
const char *get(struct harness *h, const char *path);
const char *call(struct harness *h, const char *type);
double metric_of(struct harness *h, const char *name);

#endif
