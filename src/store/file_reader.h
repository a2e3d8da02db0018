/*
 * Looks into a file or folder (common/fileio.h). Blocks: for a worker.
 */
#ifndef TEPUI_STORE_FILE_READER_H
#define TEPUI_STORE_FILE_READER_H

#include "common/fileio.h"

/* Fills the result, which need not be initialized; file_result_deinit releases it. */
void file_reader_perform(const struct file_request *request, struct file_result *ret_result);

#endif
