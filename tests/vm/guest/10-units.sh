# The units of packaging/, as systemd runs them.

test_the_units_start() {
    cat >/etc/default/tepui-master <<X
MESOS_REGISTRY=in_memory
MESOS_IP=127.0.0.1
X
    cat >/etc/default/tepui-agent <<X
MESOS_MASTER=$MASTER
MESOS_IP=127.0.0.1
MESOS_LAUNCHER=linux
MESOS_ISOLATION=cgroups/cpu,cgroups/mem,cgroups/pids,namespaces/pid,filesystem/linux,posix/rlimits
MESOS_CGROUPS_ENABLE_CFS=true
MESOS_RESOURCES=cpus:8;mem:2048;disk:1024
X
    systemctl start tepui-master tepui-agent
    until_true 30 agent_is_active
}

test_cgroups_are_below_a_unit_of_their_own() {
    grep -q -x '0::/system.slice/tepui-agent.service' "/proc/$(agent_pid)/cgroup" ||
        fail "the agent has left its unit"
    holder=$(systemctl show -P MainPID tepui-containers)
    grep -q -x '0::/system.slice/tepui-containers.service/agent' "/proc/$holder/cgroup" ||
        fail "the holder is in the way"
    for controller in cpu memory pids; do
        grep -q $controller $UNIT/cgroup.subtree_control || fail "$controller is not enabled"
    done
    [ "$(systemctl show -P Delegate tepui-containers)" = yes ] || fail "nothing is delegated"
}

test_a_task_finishes() {
    execute hello --command='echo hello; cat /proc/self/cgroup; readlink /proc/self/ns/pid
        cat /proc/self/oom_score_adj'
    must_say hello TASK_FINISHED
    grep -q -x hello "$(sandbox hello)/stdout"
    grep -q -x "0::${UNIT#/sys/fs/cgroup}/[-0-9a-f]*/leaf" "$(sandbox hello)/stdout" ||
        fail "the task was in another cgroup"
    ! grep -q -x "$(readlink /proc/self/ns/pid)" "$(sandbox hello)/stdout" ||
        fail "it had no namespace of its own"
    grep -q -x 0 "$(sandbox hello)/stdout" || fail "the kernel spares the task as it does the agent"
    until_true 20 no_containers
}
