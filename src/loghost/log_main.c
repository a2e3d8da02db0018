/* tepui-log: initializes, reads and measures replicated logs, and serves replicas (mesos-log). */
#include "loghost/log_tool.h"

int main(int argc, char **argv)
{
    return log_tool_main("tepui-log", argc - 1, argv + 1);
}
