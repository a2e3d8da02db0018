# For the tests: what runs here, how to ask it, and what must come true.
export SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 LC_ALL=C.UTF-8
MASTER=127.0.0.1:5050
UNIT=/sys/fs/cgroup/system.slice/tepui-containers.service
EXECUTE_TIMEOUT=100

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# until_true SECONDS COMMAND...: tries it until it succeeds; thrice as long, since the host is slow.
until_true() {
    read -r now _ </proc/uptime
    end=$((${now%.*} + 3 * $1))
    shift
    until "$@" >/dev/null 2>&1; do
        read -r now _ </proc/uptime
        [ "${now%.*}" -lt $end ] || fail "did not come true: $*"
        sleep 0.1
    done
}

# while_alive PID COMMAND...: whether it succeeds while the process is there.
while_alive() {
    alive=$1
    shift
    while kill -0 "$alive" 2>/dev/null; do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    return 1
}

get() {
    busybox wget -q -O - "http://$MASTER/$1"
}

agent_is_active() {
    get master/slaves | grep -q '"active":true'
}

agent_pid() {
    systemctl show -P MainPID tepui-agent
}

# execute NAME OPTION...: one task to its end; what tepui-execute said is in /run/NAME.out.
execute() {
    name=$1
    shift
    timeout $EXECUTE_TIMEOUT tepui-execute --master=$MASTER --name="$name" "$@" \
        >"/run/$name.out" 2>&1
}

# said NAME TEXT: whether that execute has been told so.
said() {
    grep -q -e "$2" "/run/$1.out"
}

must_say() {
    said "$1" "$2" || {
        cat "/run/$1.out"
        fail "$1 was not told: $2"
    }
}

# The sandbox and the cgroup of a task that tepui-execute ran under that name.
sandbox() {
    ls -d /var/lib/mesos/slaves/*/frameworks/*/executors/"$1"/runs/latest
}

cgroup() {
    echo "$UNIT/$(basename "$(readlink -f "$(sandbox "$1")")")"
}

# running COMMAND LINE: how many processes have just that one.
running() {
    ps -e -o args= | grep -c -x -e "$1" || true
}

none_running() {
    [ "$(running "$1")" = 0 ]
}

# Cgroups of containers.
containers() {
    find $UNIT -mindepth 1 -maxdepth 1 -type d ! -name agent
}

no_containers() {
    [ -z "$(containers)" ]
}

# One number out of a file of "name number" lines.
field() {
    sed -n "s/^$2 //p" "$1"
}

# What a leak would show in: processes of ours, cgroups, mounts, namespaces.
snapshot() {
    ps -e -o args= | grep -e tepui -e '^sleep' | grep -v -e grep | sort
    find /sys/fs/cgroup -type d | sort
    cut -d' ' -f4,5,9,10 /proc/self/mountinfo | sort
    for type in cgroup ipc mnt net pid user uts; do
        readlink /proc/[0-9]*/ns/$type 2>/dev/null || true
    done | sort -u
}
