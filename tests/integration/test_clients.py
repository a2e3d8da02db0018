"""Frameworks that nobody here wrote."""
import os
import pathlib
import subprocess

import pytest

import kit

HERE = pathlib.Path(__file__).parent / "clients"
BUILT = pathlib.Path(os.environ["TEPUI_CLIENTS"])  # where programs and packages are kept


@pytest.fixture(scope="module")
def cluster():
    with kit.Cluster() as c:
        c.m = c.master()
        c.a = c.agent(c.m)
        yield c


def run(command, env=None, cwd=None):
    done = subprocess.run(command, env=env, cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def go(name):
    program = BUILT / name
    env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="",
               GOCACHE=str(BUILT / "go"))
    run(["go", "build", "-o", str(program), "."], env, HERE / name)
    return str(program)


def completed(cluster, name):
    """The states in which the tasks of that framework ended."""
    def check():
        for f in cluster.m.state()["completed_frameworks"] + cluster.m.state()["frameworks"]:
            if f["name"] == name and f["completed_tasks"]:
                return sorted(t["state"] for t in f["completed_tasks"])
    return kit.until(check)


def test_npms_mesos_framework_runs_a_command_task(cluster):
    modules = BUILT / "npm"
    modules.mkdir(parents=True, exist_ok=True)
    (modules / "package.json").write_bytes((HERE / "package.json").read_bytes())
    (modules / "command.js").write_bytes((HERE / "command.js").read_bytes())
    if not (modules / "node_modules" / "mesos-framework").exists():
        done = subprocess.run(["timeout", "120", "npm", "install", "--no-package-lock",
                               "--no-audit", "--no-fund", "--silent"], cwd=modules,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            pytest.skip("npm's registry cannot be reached")
    lines = run(["node", "command.js", str(cluster.m.port)], cwd=modules)
    updates = [line.split()[1] for line in lines if line.startswith("update")]
    assert updates[-1] == "TASK_FINISHED" and "TASK_RUNNING" in updates
    # After its TEARDOWN it tells of the stream's end as an error.
    errors = [line for line in lines if line.startswith("error")]
    assert all("connection was closed" in line for line in errors), lines
    assert completed(cluster, "mesos-framework-of-npm") == ["TASK_FINISHED"]


def test_mesos_gos_v1_library_speaks_protobuf(cluster):
    lines = run([go("v1"), "127.0.0.1:%d" % cluster.m.port, "5"])
    assert lines[-1] == "finished 5"
    assert sum("TASK_RUNNING" in line for line in lines) == 5


def test_mesos_gos_v0_driver_speaks_libprocess(cluster):
    lines = [line for line in run([go("v0"), "127.0.0.1:%d" % cluster.m.port, "5"])
             if line.split(" ")[0] in ("registered", "update", "finished", "error")]
    assert lines[0].startswith("registered ") and lines[-1] == "finished 5"
    assert completed(cluster, "mesos-go v0") == ["TASK_FINISHED"] * 5
