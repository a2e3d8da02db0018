# The end of containers, and what is left.

STRAYS='trap "" TERM HUP INT
    (setsid sh -c "trap \"\" TERM; (setsid sleep 8484 &); sleep 8484" &)
'

many_run() {
    [ "$(running 'sleep 8484')" -ge 3 ]
}

test_a_task_that_ignores_signals_is_killed_with_all_that_it_forked() {
    were_there=no
    for seconds in 3 25; do
        execute "stubborn$seconds" --kill_after="${seconds}secs" \
            --command="$STRAYS while :; do sleep 8484; done" &
        stubborn=$!
        ! while_alive $stubborn many_run || were_there=yes
        wait $stubborn || true
        must_say "stubborn$seconds" TASK_KILLED
        until_true 20 none_running 'sleep 8484'
        until_true 20 no_containers
        [ $were_there = no ] || break
    done
    [ $were_there = yes ] || fail "it never forked as much as it should"
}

test_nothing_is_left_of_tasks() {
    execute warm --command=true
    until_true 20 no_containers
    snapshot >/run/before
    fds=$(ls "/proc/$(agent_pid)/fd" | wc -l)
    for round in 1 2 3 4; do
        for n in 1 2 3 4 5; do
            execute "many$round$n" --resources='cpus:0.5;mem:32' \
                --command='setsid sleep 8585 & sleep 8585 & true' &
        done
        wait
    done
    [ "$(cat /run/many*.out | grep -c TASK_FINISHED)" = 20 ] || fail "not all have finished"
    until_true 20 no_containers
    sleep 1
    snapshot >/run/after
    diff /run/before /run/after || fail "something is left"
    [ "$(ls "/proc/$(agent_pid)/fd" | wc -l)" -le $((fds + 1)) ] || fail "descriptors leak"
    [ -z "$(ls /run/mesos/containers)" ] || fail "records are left"
}

# The tests of real containers that on the host run on v1 (tests/integration).
program() {
    snapshot >/run/before
    "$@"
    sleep 1
    snapshot >/run/after
    diff /run/before /run/after || fail "something is left"
}

# Some five hundred containers: among them a hundred at once, and forty that are destroyed at any
# moment of their launch, with each of three launchers.
test_containers() {
    program /vm/test_containers_linux
}

test_isolation() {
    program /vm/test_container_isolation_linux
}
