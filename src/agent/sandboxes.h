/*
 * The files API: which virtual paths there are, where they lie, and what is answered.
 *
 * Sandboxes are found by the shape of the path alone: /frameworks/F/executors/E/runs/latest and
 * their real paths below work_dir. So they can be looked into as long as they are there, also when
 * nothing else is known of the executor any more. What lies outside of a run's folder is not
 * reached.
 */
#ifndef TEPUI_AGENT_SANDBOXES_H
#define TEPUI_AGENT_SANDBOXES_H

#include "common/fileio.h"
#include "common/slice.h"

struct agent;
struct endpoint_call;
struct operator_call;

/* Requests of files under way at a time. */
#define SANDBOXES_LOOKS_MAX 1000

/* How the answer is to look. */
enum sandbox_form { SANDBOX_V0, SANDBOX_V1_JSON, SANDBOX_V1_PROTOBUF };

struct sandbox_look {
    struct list link; /* in the agent */
    uint64_t token;
    uint64_t handle;
    enum file_request_type type;
    enum sandbox_form form;
    char *path;     /* heap: as asked for */
    char *jsonp;    /* heap, or NULL */
    int64_t offset; /* READ: as asked for */
};

/* Where a virtual path lies, in the step's arena; false if nothing is there. */
bool sandboxes_resolve(struct agent *agent, struct slice path, const char **ret_root,
                       const char **ret_path);

/* /files/browse, read, download, debug */
void sandboxes_browse(struct agent *agent, const struct endpoint_call *call);
void sandboxes_read(struct agent *agent, const struct endpoint_call *call);
void sandboxes_download(struct agent *agent, const struct endpoint_call *call);
void sandboxes_debug(struct agent *agent, const struct endpoint_call *call);
/* LIST_FILES, READ_FILE */
void sandboxes_list_files(struct agent *agent, const struct operator_call *call);
void sandboxes_read_file(struct agent *agent, const struct operator_call *call);

/* The worker's result. */
void sandboxes_result(struct agent *agent, const struct file_result *result);
void sandboxes_drop_all(struct agent *agent);

#endif
