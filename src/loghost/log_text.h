/*
 * Actions as protobuf's text format, as `mesos-log read` prints them.
 */
#ifndef TEPUI_LOGHOST_LOG_TEXT_H
#define TEPUI_LOGHOST_LOG_TEXT_H

#include "rlog/action.h"

void log_text_action(const struct rlog_action *action, struct buf *out);

#endif
