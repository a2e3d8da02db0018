/* tepui local: a master and agents on this machine, in one command (mesos-local). */
#ifndef TEPUI_CLI_LOCAL_H
#define TEPUI_CLI_LOCAL_H

/* The whole program; argv[0] is its name in messages. Returns its status. */
int local_main(int argc, char **argv, char **envp);

#endif
