#include "cli/execute_flags.h"

#include <errno.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct execute_flags, member)

const struct flag execute_flags_table[] = {
    {.name = "help",
     .type = FLAG_BOOL,
     AT(help),
     .default_text = "false",
     .help = "Print these flags and exit."},
    {.name = "master",
     .type = FLAG_STRING,
     AT(master),
     .help = "The master: host:port; zk://host1:port1,host2:port2/path, where ZooKeeper tells who "
             "leads; peers://host1:port1,host2:port2, all masters that elect by their --peers; or "
             "file:// with that in a file."},
    {.name = "task",
     .type = FLAG_JSON,
     AT(task),
     .help =
         "The TaskInfo in JSON, a path of a file with it, or file://. Its agent_id may be empty."},
    {.name = "task_group",
     .type = FLAG_JSON,
     AT(task_group),
     .help = "A TaskGroupInfo in JSON, a path or file://: tasks that run together as a pod."},
    {.name = "name", .type = FLAG_STRING, AT(name), .help = "The task's name and id."},
    {.name = "shell",
     .type = FLAG_BOOL,
     AT(shell),
     .default_text = "true",
     .help = "The command is for a shell. Without it, the image's own program runs."},
    {.name = "command", .type = FLAG_STRING, AT(command), .help = "The shell command to run."},
    {.name = "env",
     .type = FLAG_JSON,
     AT(env),
     .help = "Variables for the command: a JSON object of names and values, a path or file://."},
    {.name = "resources",
     .type = FLAG_STRING,
     AT(resources),
     .default_text = "cpus:1;mem:128",
     .help = "What the task may use."},
    {.name = "hadoop",
     .type = FLAG_STRING,
     AT(hadoop),
     .default_text = "hadoop",
     .support = FLAG_UNUSED,
     .help = "The hadoop client (used with --package)."},
    {.name = "hdfs",
     .type = FLAG_STRING,
     AT(hdfs),
     .default_text = "localhost:9000",
     .support = FLAG_UNUSED,
     .help = "Where --package is uploaded to."},
    {.name = "package",
     .type = FLAG_STRING,
     AT(package),
     .support = FLAG_OFF_ONLY,
     .help = "A package to upload to HDFS and fetch into the sandbox."},
    {.name = "overwrite",
     .type = FLAG_BOOL,
     AT(overwrite),
     .default_text = "false",
     .support = FLAG_UNUSED,
     .help = "Overwrite the package if it is there."},
    {.name = "checkpoint",
     .type = FLAG_BOOL,
     AT(checkpoint),
     .default_text = "false",
     .help = "The agent keeps the task on disk: it outlives a restart of the agent."},
    {.name = "appc_image",
     .type = FLAG_STRING,
     AT(appc_image),
     .support = FLAG_OFF_ONLY,
     .help = "An Appc image to run in."},
    {.name = "docker_image",
     .type = FLAG_STRING,
     AT(docker_image),
     .help = "A Docker image to run in."},
    {.name = "framework_capabilities",
     .type = FLAG_STRING,
     AT(framework_capabilities),
     .help = "Further capabilities of the framework, divided by commas: GPU_RESOURCES."},
    {.name = "containerizer",
     .type = FLAG_STRING,
     AT(containerizer),
     .default_text = "mesos",
     .help = "mesos or docker."},
    {.name = "effective_capabilities",
     .type = FLAG_JSON,
     AT(effective_capabilities),
     .help = "A CapabilityInfo in JSON: the capabilities that the task has."},
    {.name = "bounding_capabilities",
     .type = FLAG_JSON,
     AT(bounding_capabilities),
     .help = "A CapabilityInfo in JSON: the capabilities that the task may get."},
    {.name = "rlimits",
     .type = FLAG_JSON,
     AT(rlimits),
     .help = "An RLimitInfo in JSON: resource limits of the task's processes."},
    {.name = "role",
     .type = FLAG_STRING,
     AT(role),
     .default_text = "*",
     .help = "The role to run in."},
    {.name = "kill_after",
     .type = FLAG_DURATION,
     AT(kill_after_ns),
     .help = "Kill the task when it has run for so long."},
    {.name = "networks",
     .type = FLAG_STRING,
     AT(networks),
     .help = "Names of networks to join, divided by commas."},
    {.name = "principal", .type = FLAG_STRING, AT(principal), .help = "Who the framework is."},
    {.name = "secret", .type = FLAG_STRING, AT(secret), .help = "The principal's secret."},
    {.name = "volumes",
     .type = FLAG_JSON,
     AT(volumes),
     .help = "A JSON array of Volume: what is mounted in the task's container."},
    {.name = "content_type",
     .type = FLAG_STRING,
     AT(content_type),
     .default_text = "protobuf",
     .help = "How to speak with the master: protobuf or json."},
    {.name = "tty",
     .type = FLAG_BOOL,
     AT(tty),
     .default_text = "false",
     .help = "Give the task a terminal."},
    {.name = "partition_aware",
     .type = FLAG_BOOL,
     AT(partition_aware),
     .default_text = "true",
     .help = "The framework understands TASK_UNREACHABLE and the like."},
};

const size_t execute_flags_count = ELEMENTS(execute_flags_table);

int execute_flags_check(const struct execute_flags *flags, struct err *err)
{
    if (flags->master == NULL) {
        return err_set(err, -EINVAL, "--master is missing");
    }
    bool described = flags->task != NULL || flags->task_group != NULL;
    if (flags->task != NULL && flags->task_group != NULL) {
        return err_set(err, -EINVAL, "--task and --task_group do not go together");
    }
    if (described && (flags->name != NULL || flags->command != NULL)) {
        return err_set(err, -EINVAL,
                       "--name and --command do not go together with --task and --task_group");
    }
    if (!described && flags->name == NULL) {
        return err_set(err, -EINVAL, "--name is missing");
    }
    if (!described && flags->shell && flags->command == NULL) {
        return err_set(err, -EINVAL, "--command is missing");
    }
    if (strcmp(flags->content_type, "protobuf") != 0 && strcmp(flags->content_type, "json") != 0) {
        return err_set(err, -EINVAL, "--content_type '%s' is neither protobuf nor json",
                       flags->content_type);
    }
    if (strcmp(flags->containerizer, "mesos") != 0 && strcmp(flags->containerizer, "docker") != 0) {
        return err_set(err, -EINVAL, "--containerizer '%s' is neither mesos nor docker",
                       flags->containerizer);
    }
    if (strcmp(flags->containerizer, "docker") == 0 && flags->docker_image == NULL) {
        return err_set(err, -EINVAL, "--containerizer=docker needs --docker_image");
    }
    return 0;
}
