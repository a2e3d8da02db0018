# What the isolators promise, on cgroup v2.

hundredths() {
    cut -d' ' -f1 /proc/uptime | tr -d .
}

test_a_spinning_task_is_held_to_its_quota() {
    execute spins --resources='cpus:0.3;mem:64' --kill_after=8secs \
        --command='(while :; do :; done) & while :; do :; done' &
    until_true 30 said spins TASK_RUNNING
    group=$(cgroup spins)
    [ "$(cat "$group/cpu.max")" = "40000 100000" ] || fail "0.3 CPUs, and 0.1 for the executor"
    sleep 1
    # The clock is read first and last, so that delays of this script speak for the task.
    begin=$(hundredths)
    usage=$(field "$group/cpu.stat" usage_usec)
    sleep 4
    usage=$(($(field "$group/cpu.stat" usage_usec) - usage))
    took=$((($(hundredths) - begin) * 10000))
    echo "used $usage of $took us"
    # Two loops would take two CPUs; what is granted is 40 of 100, and a period more or less.
    [ $usage -lt $((took * 44 / 100)) ] || fail "it got too much"
    [ $usage -gt $((took * 10 / 100)) ] || fail "it got too little"
    [ "$(field "$group/cpu.stat" nr_throttled)" -gt 10 ] || fail "it was not throttled"
    wait $! || true
    must_say spins TASK_KILLED
}

test_a_memory_hog_dies_alone() {
    agent=$(agent_pid)
    execute neighbour --resources='cpus:0.1;mem:64' \
        --command='while [ ! -e /run/hogged ]; do sleep 0.1; done' &
    neighbour=$!
    until_true 30 said neighbour TASK_RUNNING
    execute hog --resources='cpus:0.5;mem:32' \
        --command='dd if=/dev/zero of=/dev/null bs=300M count=1; sleep 60' || true
    must_say hog TASK_FAILED
    must_say hog REASON_CONTAINER_LIMITATION_MEMORY
    must_say hog 'Memory limit exceeded: Requested: 64MB'
    must_say hog '"name":"mem"'
    touch /run/hogged
    wait $neighbour
    must_say neighbour TASK_FINISHED
    [ "$(agent_pid)" = "$agent" ] || fail "the agent is another"
    until_true 20 no_containers
}

BOMB='trap "" TERM
    for n in 1 2 3; do setsid sh -c "while :; do sleep 8282 & done" & done
    sleep 8282'

most_are_taken() {
    [ "$(cat $UNIT/pids.current)" -ge $(($1 - 5)) ]
}

# Tasks that are to be killed while they are at their worst: a slow machine gives them more time.
SECONDS_TO_LIVE="4 25"

test_a_fork_bomb_is_bounded_by_the_unit() {
    systemctl set-property --runtime tepui-containers TasksMax=120
    [ "$(cat $UNIT/pids.max)" = 120 ]
    bounded=no
    for seconds in $SECONDS_TO_LIVE; do
        execute "bomb$seconds" --resources='cpus:2;mem:256' --kill_after="${seconds}secs" \
            --command="exec 2>/dev/null; $BOMB" &
        bomb=$!
        if while_alive $bomb most_are_taken 120; then
            bounded=yes
            [ "$(cat $UNIT/pids.current)" -le 120 ] || fail "it broke out"
        fi
        wait $bomb || true
        must_say "bomb$seconds" TASK_KILLED
        until_true 20 none_running 'sleep 8282'
        until_true 20 no_containers
        [ $bounded = no ] || break
    done
    [ $bounded = yes ] || fail "it never came near the limit"
    systemctl set-property --runtime tepui-containers TasksMax=80%
    execute after --command=true
    must_say after TASK_FINISHED
}

of_nobody() {
    ps -u nobody -o pid= | wc -l
}

many_of_nobody() {
    [ "$(of_nobody)" -ge 40 ]
}

# A shell that cannot fork ends; the task itself, which forks no more, goes on.
LIMITED_BOMB="(while :; do sleep 8383 & done) 2>/dev/null & exec sleep 8383"

limited() {
    cat >/run/bomb.json <<X
{"name": "$1", "task_id": {"value": "$1"}, "agent_id": {"value": ""},
 "command": {"user": "nobody", "value": "$LIMITED_BOMB"},
 "container": {"type": "MESOS", "rlimit_info": {"rlimits":
     [{"type": "RLMT_NPROC", "soft": 50, "hard": 50}]}},
 "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}},
               {"name": "mem", "type": "SCALAR", "scalar": {"value": 64}}]}
X
}

test_a_fork_bomb_is_bounded_by_a_limit_of_processes() {
    bounded=no
    for seconds in $SECONDS_TO_LIVE; do
        limited "limited$seconds"
        timeout $EXECUTE_TIMEOUT tepui-execute --master=$MASTER --task=/run/bomb.json \
            --kill_after="${seconds}secs" >"/run/limited$seconds.out" 2>&1 &
        bomb=$!
        if while_alive $bomb many_of_nobody; then
            bounded=yes
            sleep 1
            [ "$(of_nobody)" -le 51 ] || fail "$(of_nobody) processes"
        fi
        wait $bomb || true
        must_say "limited$seconds" TASK_KILLED
        until_true 20 none_running 'sleep 8383'
        until_true 20 no_containers
        [ $bounded = no ] || break
    done
    [ $bounded = yes ] || fail "it never came near the limit"
}
