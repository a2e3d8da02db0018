#include "container/container.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void container_requests_init(struct container_requests *requests)
{
    list_init(&requests->list);
}

void container_requests_deinit(struct container_requests *requests)
{
    struct container_request *request;
    while ((request = container_request_pop(requests)) != NULL) {
        container_request_free(request);
    }
}

struct container_request *container_request_add(struct container_requests *requests,
                                                enum container_request_type type, const char *path)
{
    struct container_request *request = xalloc(sizeof(*request));
    request->type = type;
    ASSERT(strlen(path) < sizeof(request->path));
    memcpy(request->path, path, strlen(path) + 1);
    list_push_back(&requests->list, &request->link);
    return request;
}

struct container_request *container_request_pop(struct container_requests *requests)
{
    struct list *link = list_pop_front(&requests->list);
    return link != NULL ? LIST_ENTRY(link, struct container_request, link) : NULL;
}

struct container_request *container_request_free(struct container_request *request)
{
    if (request != NULL) {
        container_spec_free(request->spec);
        free(request);
    }
    return NULL;
}

struct container_spec *container_spec_free(struct container_spec *spec)
{
    if (spec == NULL) {
        return NULL;
    }
    blob_unref(spec->command);
    blob_unref(spec->container_info);
    blob_unref(spec->fetch_command);
    for (size_t i = 0; i < spec->env_count; i++) {
        free(spec->env[i].name);
        free(spec->env[i].value);
    }
    free(spec->env);
    for (size_t i = 0; i < spec->volume_count; i++) {
        free(spec->volumes[i].source);
        free(spec->volumes[i].container_path);
    }
    free(spec->volumes);
    if (spec->stdio != NULL) {
        spec->stdio->free(spec->stdio);
    }
    blob_unref(spec->executor_info);
    blob_unref(spec->task_info);
    free(spec->directory);
    free(spec->user);
    free(spec->rootfs);
    free(spec->checkpoint_dir);
    free(spec->fetch_owner);
    free(spec);
    return NULL;
}

struct container_report *container_report_new(enum container_report_type type, const char *path)
{
    struct container_report *report = xalloc(sizeof(*report));
    report->type = type;
    ASSERT(strlen(path) < sizeof(report->path));
    memcpy(report->path, path, strlen(path) + 1);
    list_init(&report->link);
    return report;
}

struct container_report *container_report_free(struct container_report *report)
{
    if (report != NULL) {
        blob_unref(report->limitation);
        blob_unref(report->message);
        free(report->text);
        free(report);
    }
    return NULL;
}
