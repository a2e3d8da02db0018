# What lives on, and what does not, when units are restarted.

# outlives COMMAND...: a task that goes on while the agent is away, and ends when it is back.
outlives() {
    rm -f /run/go
    execute lives --checkpoint --resources='cpus:0.5;mem:64' \
        --command='while [ ! -e /run/go ]; do sleep 0.1; done; echo went' &
    until_true 30 said lives TASK_RUNNING
    executor=$(pidof_executor)
    group=$(sed -n 's/^0:://p' "/proc/$executor/cgroup")
    quota=$(cat "$UNIT/"*/cpu.max)
    agent=$(agent_pid)
    "$@"
    until_true 30 agent_is_another
    until_true 60 agent_is_active
    sleep 2 # executors that were not taken back are ended by now
    [ "$(pidof_executor)" = "$executor" ] || fail "the executor is another"
    [ "$(sed -n 's/^0:://p' "/proc/$executor/cgroup")" = "$group" ] || fail "its cgroup is another"
    [ "$(cat "$UNIT/"*/cpu.max)" = "$quota" ] || fail "a quota is another"
    ! said lives TASK_FINISHED || fail "it ended early"
    touch /run/go
    wait $!
    must_say lives TASK_FINISHED
    until_true 20 no_containers
}

pidof_executor() {
    pgrep -x tepui-executor || fail "there is no executor"
}

agent_is_another() {
    pid=$(agent_pid)
    [ "$pid" != 0 ] && [ "$pid" != "$agent" ]
}

test_executors_survive_a_restart() {
    outlives systemctl restart tepui-agent
}

test_executors_survive_a_crash() {
    outlives kill -KILL "$(agent_pid)"
}

# With the posix launcher executors are in the agent's own unit.
test_posix_executors_survive_a_restart() {
    cp /etc/default/tepui-agent /run/linux
    sed -i 's/^MESOS_LAUNCHER=.*/MESOS_LAUNCHER=posix/; /^MESOS_ISOLATION/d' \
        /etc/default/tepui-agent
    systemctl restart tepui-agent
    until_true 60 agent_is_active
    outlives systemctl restart tepui-agent
    [ "$group" = /system.slice/tepui-agent.service ] || fail "it was not in the agent's unit"
    cp /run/linux /etc/default/tepui-agent
    systemctl restart tepui-agent
    until_true 60 agent_is_active
}

# A unit's own cgroup can be that of containers, too, if it is delegated.
test_an_agent_can_use_its_own_unit() {
    mkdir -p /run/dot
    systemd-run --quiet --unit=dot -p Delegate=yes -p KillMode=mixed tepui-agent \
        --master=$MASTER --ip=127.0.0.1 --port=5052 --cgroups_root=. --work_dir=/run/dot/work \
        --runtime_dir=/run/dot/run --launcher_dir=/usr/libexec/tepui --launcher=linux \
        --isolation=cgroups/cpu,cgroups/mem
    until_true 30 grep -q memory /sys/fs/cgroup/system.slice/dot.service/cgroup.subtree_control
    grep -q -x '0::/system.slice/dot.service/agent' "/proc/$(systemctl show -P MainPID dot)/cgroup"
    systemctl stop dot
}

test_stopping_the_unit_of_containers_ends_them_all() {
    execute ended --checkpoint --command='trap "" TERM; sleep 8181 & sleep 8181; sleep 8181' &
    until_true 30 said ended TASK_RUNNING
    mkdir -p /run/systemd/system/tepui-containers.service.d
    printf '[Service]\nTimeoutStopSec=3\n' >/run/systemd/system/tepui-containers.service.d/test.conf
    systemctl daemon-reload
    systemctl stop tepui-containers
    none_running 'sleep 8181' || fail "there are processes left"
    [ "$(systemctl is-active tepui-agent)" = inactive ] || fail "the agent has no cgroup to work in"
    [ ! -e $UNIT ] || fail "$UNIT is left"
    systemctl start tepui-agent
    until_true 60 said ended TASK_FAILED
    wait $! || true
}
