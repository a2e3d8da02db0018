/*
 * A shell for tests of the agent's core: a disk in memory, containers that do what the test says,
 * users that are or are not there, and everything that the core sent, to be looked at.
 */
#ifndef TEPUI_TESTS_UNIT_AGENT_SHELL_H
#define TEPUI_TESTS_UNIT_AGENT_SHELL_H

#include "agent/agent.h"
#include "agent/messages.h"
#include "common/map.h"
#include "common/xalloc.h"
#include "wire/message.h"

#define MASTER "master@127.0.0.1:5050"
#define AGENT_ID "m-S0"

struct disk_file {
    struct list link;
    struct map_link by_path;
    enum tree_type type;
    char *path;
    struct buf bytes; /* of a link: its target */
};

/* One thing that the core sent: a message, an answer or a piece of a stream. */
struct sent {
    struct list link;
    struct net_effect *effect;
};

struct shell {
    struct agent *agent;
    struct agent_config config;
    struct now now;
    struct agent_effects effects;
    struct arena arena;      /* of the whole test */
    struct list disk;        /* of struct disk_file; outlives the agent */
    struct map disk_by_path; /* the same */
    struct list sent;        /* of struct sent */
    struct list requests;    /* of struct container_request, not yet looked at */
    struct list files;       /* of struct file_request */
    struct list held;        /* of struct store_op: done, but not told yet */
    bool holds_store;        /* completions wait for shell_release */
    bool holds_containers;   /* LAUNCHED and UPDATED wait for the test */
    bool fails_folders;      /* folders cannot be made */
    bool fails_removals;     /* nothing can be removed */
    int writes_left;         /* operations on files until the machine dies; -1 = it does not */
    int last_status;         /* of the last of them */
    bool answers_no_usage;   /* questions for status and usage wait for ever */
    char input[1024];        /* of consoles: bytes, "<end>", "<rows x columns>" */
    bool is_large;           /* invariants are not checked after each step */
    const char *boot_id;
    int64_t disk_usage_ppm; /* -1 = unknown */
    int exit_status;        /* -1 = no exit was asked for */
    char exit_text[1024];
    uint64_t next_handle;
    int64_t next_pid;
    char log[65536]; /* lines, the newest last */
};

void shell_init(struct shell *shell);
void shell_deinit(struct shell *shell);
/* A test whose state is a shell. */
int shell_set_up(void **state);
int shell_tear_down(void **state);
#define SHELL_TEST(fn) cmocka_unit_test_setup_teardown(fn, shell_set_up, shell_tear_down)

/* A new process on the same disk: recovered, and with its master detected. */
void shell_start(struct shell *shell);
void shell_stop(struct shell *shell); /* like a crash */
/* The same, and registered. */
void shell_register(struct shell *shell);

void shell_step(struct shell *shell, const struct agent_event *event);
/* Time passes; the core wakes whenever it wants to. */
void shell_pass(struct shell *shell, int64_t ns);
/* Tells held completions. */
void shell_release(struct shell *shell);

/* A message of somebody to the agent. */
void shell_message(struct shell *shell, const char *from, const char *name,
                   const ProtobufCMessage *message);
#define shell_tell(shell, name, message) shell_message((shell), MASTER, (name), &(message)->base)
/* An HTTP request; returns its handle. */
uint64_t shell_request(struct shell *shell, const char *method, const char *path, const char *query,
                       const char *body);
/* A piece of a streaming request's body; and one record of it. */
void shell_body(struct shell *shell, uint64_t handle, const char *bytes, bool ended);
void shell_record(struct shell *shell, uint64_t handle, const char *record);
/* The answer's body to that handle; asserts the status. */
const char *shell_answer(struct shell *shell, uint64_t handle, int status);
bool shell_is_answered(struct shell *shell, uint64_t handle);

/* Takes the oldest message of that name (without mesos.internal.), decoded; NULL if there is none.
 */
ProtobufCMessage *shell_take(struct shell *shell, const char *name,
                             const ProtobufCMessageDescriptor *desc);
#define SHELL_TAKE(shell, type, name) \
    ((Pb__Internal__##type *)shell_take((shell), #type, &pb__internal__##name##__descriptor))
/* The text of what came on a stream since the last look. */
const char *shell_stream(struct shell *shell, uint64_t handle);
/* Takes the oldest request of that type, or NULL. The test frees it. */
struct container_request *shell_take_request(struct shell *shell, enum container_request_type type);
void shell_report(struct shell *shell, enum container_report_type type, const char *path,
                  int status);
/* Drops what was sent and asked for. */
void shell_forget(struct shell *shell);

/* --- the disk --- */

/* Content of a file below work_dir, or NULL. */
const struct buf *shell_file(struct shell *shell, const char *path);
void shell_put_file(struct shell *shell, const char *path, const char *bytes, size_t size);

/* --- parts of messages --- */

Pb__FrameworkInfo *shell_framework(struct shell *shell, const char *id, bool checkpoint);
void shell_add_capability(struct shell *shell, Pb__FrameworkInfo *framework,
                          Pb__FrameworkInfo__Capability__Type type);
Pb__TaskInfo *shell_task(struct shell *shell, const char *id);
Pb__ExecutorInfo *shell_executor(struct shell *shell, const char *framework_id, const char *id);
/* RunTaskMessage of a command task, or of an executor's if there is one. */
void shell_run_task(struct shell *shell, Pb__FrameworkInfo *framework, Pb__TaskInfo *task,
                    Pb__ExecutorInfo *executor);
/* Registered, with the task at a v0 executor "e" of SHELL_EXECUTOR, which has said nothing yet. */
#define SHELL_EXECUTOR "executor(1)@127.0.0.1:7001"
void shell_deliver(struct shell *shell, Pb__FrameworkInfo *framework, const char *task_id);
/* The same executor, after a restart of the agent. `task` (may be NULL) is one it runs. */
void shell_come_back(struct shell *shell, const char *framework_id, Pb__TaskInfo *task);
/* The master takes it back; its message of before is taken away and returned. */
Pb__Internal__ReregisterSlaveMessage *shell_reregister(struct shell *shell);
/* An executor of the v0 API registers, or reports. */
void shell_register_executor(struct shell *shell, const char *framework_id, const char *id,
                             const char *pid);
/* The update's uuid is made of its number. */
void shell_update(struct shell *shell, const char *framework_id, const char *executor_id,
                  const char *task_id, Pb__TaskState state, int number, const char *pid);
/* Takes the next StatusUpdateMessage to the master, asserts its state, and acknowledges it. */
Pb__Internal__StatusUpdate *shell_expect_update(struct shell *shell, const char *task_id,
                                                Pb__TaskState state);
void shell_acknowledge(struct shell *shell, const Pb__Internal__StatusUpdate *update);

#endif
