"""tepui local: a cluster in one command, that ends with it."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.request

import pytest

import kit

TEPUI = kit.BIN / "tepui"
SECONDS = kit.WAIT_SECONDS


@pytest.mark.parametrize("program", sorted(p.name for p in kit.BIN.glob("tepui*")))
def test_every_program_tells_what_it_is_for(program):
    helps = subprocess.run([kit.BIN / program, "--help"], stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    assert (helps.returncode, helps.stderr) == (0, "")
    assert helps.stdout.startswith("Usage: %s" % program)
    wrong = subprocess.run([kit.BIN / program, "--wrong"], stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    assert wrong.returncode != 0 and wrong.stdout == "" and wrong.stderr != ""


class Local:
    def __init__(self, folder, *flags):
        self.folder = folder
        self.process = subprocess.Popen(
            [TEPUI, "local", "--port=0", "--work_dir=%s" % folder, *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, MESOS_RESOURCES="cpus:2;mem:512;disk:512"))

    def wait_ready(self):
        said = ""
        while "logs " not in said:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            said += line
        self.url = re.search("web page +(http://.*)", said).group(1)
        self.master = re.search("--master=([^ ]+)", said).group(1)
        return said

    def others(self):
        """Processes of this cluster, but for the command itself."""
        found = {}
        for p in pathlib.Path("/proc").iterdir():
            try:
                line = (p / "cmdline").read_bytes() if p.name.isdigit() else b""
                if str(self.folder).encode() in line and int(p.name) != self.process.pid:
                    found[int(p.name)] = line.split(b"\0")[0].decode()
            except OSError:
                pass
        return found

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def start(tmp_path):
    begun = []

    def start(*flags):
        begun.append(Local(tmp_path / "c", *flags))
        return begun[-1]
    yield start
    for local in begun:
        local.process.kill()
        local.process.wait()
        kit.until(lambda l=local: not l.others(), what="the end of all processes")


def execute(local, *flags):
    return subprocess.run([TEPUI, "execute", "--master=" + local.master, *flags],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)


def test_a_cluster_that_runs_a_task_and_ends(start):
    local = start("--num_agents=2")
    assert "a master and 2 agents" in local.wait_ready()
    assert sorted(os.path.basename(n) for n in local.others().values()) == [
        "tepui-agent", "tepui-agent", "tepui-master"]
    with urllib.request.urlopen(local.url, timeout=SECONDS) as page:
        assert page.status == 200
    done = execute(local, "--name=hello", "--command=echo hello")
    assert done.returncode == 0 and "TASK_FINISHED" in done.stdout, done
    sandboxes = list(local.folder.glob("agents/*/work/slaves/*/**/hello/runs/latest/stdout"))
    assert "hello\n" in sandboxes[0].read_text()
    assert local.end() == 0
    assert local.others() == {}
    # The same folder does again, also where the agents of before had other ports.
    again = start("--num_agents=2")
    again.wait_ready()
    assert again.end(signal.SIGTERM) == 0


def test_it_ends_with_each_of_its_processes(start):
    local = start()
    local.wait_ready()
    agent = next(p for p, n in local.others().items() if n.endswith("agent"))
    os.kill(agent, signal.SIGKILL)
    assert local.process.wait(SECONDS) == 1
    assert "agent 0 has ended by itself, with signal 9; its log is" in local.process.stderr.read()
    assert local.others() == {}


def call(local, **call):
    request = urllib.request.Request(local.url + "api/v1", json.dumps(call).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.loads(answer.read() or b"{}")


def test_an_agent_that_is_marked_gone_goes_alone(start):
    local = start("--num_agents=2")
    local.wait_ready()
    agents = call(local, type="GET_AGENTS")["get_agents"]["agents"]
    gone = agents[0]["agent_info"]["id"]
    call(local, type="MARK_AGENT_GONE", mark_agent_gone={"agent_id": gone})
    said = local.process.stderr.readline()
    assert re.match("tepui local: agent [01] has ended, as the master told it to; its log", said)
    agents = call(local, type="GET_AGENTS")["get_agents"]["agents"]
    assert [a["agent_info"]["id"] != gone for a in agents] == [True]
    assert local.end() == 0


def test_its_processes_end_with_it(start):
    local = start("--num_agents=2")
    local.wait_ready()
    assert local.end(signal.SIGKILL) == -signal.SIGKILL
    kit.until(lambda: not local.others(), what="the end of all processes")


def test_a_port_that_is_taken_is_said(start):
    local = start()
    local.wait_ready()
    port = local.master.split(":")[1]
    done = subprocess.run([TEPUI, "local", "--port=" + port], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1 and "--port: 127.0.0.1:%s: Address already" % port in done.stderr


def test_execute_says_what_it_waits_for():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, nor will anybody
        master = "127.0.0.1:%d" % taken.getsockname()[1]
        task = subprocess.Popen([TEPUI, "execute", "--master=" + master, "--name=t",
                                 "--command=true"], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
        try:
            assert task.stderr.readline() == (
                "No connection to the master at %s: Connection refused; trying again\n" % master)
        finally:
            task.kill()
            task.wait()


def test_commands_are_programs():
    done = subprocess.run([TEPUI, "log", "help"], capture_output=True, text=True, timeout=SECONDS)
    assert "tepui-log" in done.stdout + done.stderr
    assert subprocess.run([TEPUI, "agent", "--version"], capture_output=True, text=True,
                          timeout=SECONDS).stdout.startswith("tepui-agent ")
    done = subprocess.run([TEPUI, "nothing"], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 1 and "no command 'nothing'" in done.stderr
    assert subprocess.run([TEPUI, "--help"], capture_output=True, timeout=SECONDS).returncode == 0
