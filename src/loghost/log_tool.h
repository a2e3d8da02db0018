/*
 * `tepui-log COMMAND [OPTIONS]`: initialize, read, benchmark and replica, as mesos-log.
 */
#ifndef TEPUI_LOGHOST_LOG_TOOL_H
#define TEPUI_LOGHOST_LOG_TOOL_H

/* The exit status. `name` is how it was called, for messages; argv[0] is the command. */
int log_tool_main(const char *name, int argc, char **argv);

#endif
