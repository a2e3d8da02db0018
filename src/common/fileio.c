#include "common/fileio.h"

#include <stdlib.h>

#include "common/xalloc.h"

void file_requests_init(struct file_requests *requests)
{
    list_init(&requests->list);
}

void file_requests_deinit(struct file_requests *requests)
{
    struct file_request *request;
    while ((request = file_request_pop(requests)) != NULL) {
        file_request_free(request);
    }
}

struct file_request *file_request_add(struct file_requests *requests, enum file_request_type type,
                                      uint64_t token, const char *root, const char *path)
{
    struct file_request *request = xalloc(sizeof(*request));
    request->type = type;
    request->token = token;
    request->root = xstrdup(root);
    request->path = xstrdup(path);
    list_push_back(&requests->list, &request->link);
    return request;
}

struct file_request *file_request_pop(struct file_requests *requests)
{
    struct list *link = list_pop_front(&requests->list);
    return link != NULL ? LIST_ENTRY(link, struct file_request, link) : NULL;
}

struct file_request *file_request_free(struct file_request *request)
{
    if (request != NULL) {
        free(request->root);
        free(request->path);
        free(request);
    }
    return NULL;
}

void file_result_deinit(struct file_result *result)
{
    result->bytes = blob_unref(result->bytes);
    for (size_t i = 0; i < result->entry_count; i++) {
        free(result->entries[i].name);
        free(result->entries[i].user);
        free(result->entries[i].group);
    }
    free(result->entries);
    result->entries = NULL;
    result->entry_count = 0;
}
