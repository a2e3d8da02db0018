/*
 * Files of the master: the web pages of --webui_dir, and its log as /master/log. Workers read them
 * (common/fileio.h); here it is decided which, and what is answered.
 */
#ifndef TEPUI_MASTER_HTTP_FILES_H
#define TEPUI_MASTER_HTTP_FILES_H

#include "common/fileio.h"
#include "master/http.h"
#include "master/operator_call.h"

struct master;

/* Files that are being read; beyond it requests are answered 503. */
#define FILES_LOOKS_MAX 1000
/* The only path there is. */
#define FILES_LOG_PATH "/master/log"

/* GET /: the index page. */
void master_files_index(struct master *master, const struct net_request *request);
/* GET /app/..., /assets/...: static files by extension. */
void master_files_static(struct master *master, const struct net_request *request);
/* GET /files/browse, read, download, debug. */
void master_files_browse(struct master *master, const struct net_request *request);
void master_files_read(struct master *master, const struct net_request *request);
void master_files_download(struct master *master, const struct net_request *request);
void master_files_debug(struct master *master, const struct net_request *request);
/* The calls LIST_FILES and READ_FILE. */
void master_files_list_call(struct master *master, const struct operator_request *r);
void master_files_read_call(struct master *master, const struct operator_request *r);

/* MASTER_FILE. */
void master_files_result(struct master *master, const struct file_result *result);
/* At the end of the master. */
void master_files_drop_all(struct master *master);

#endif
