"""The replicated log's tools, and the example that uses its C interface."""
import signal
import subprocess

import pytest

import kit

LOG = str(kit.BIN / "tepui-log")
COUNTER = str(kit.BIN / "replicated-counter")


def log(*args, status=0):
    done = subprocess.run([LOG, *map(str, args)], capture_output=True, text=True,
                          timeout=kit.WAIT_SECONDS)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def free_ports(count):
    return [kit.free_port() for _ in range(count)]


# --- the tools ---

def test_initialize_and_read(tmp_path):
    path = tmp_path / "log"
    assert "Missing required option --path" in log("initialize", status=1)
    assert log("initialize", f"--path={path}") == ""
    assert "The log is not empty" in log("initialize", f"--path={path}", status=1)
    # A new log has one position, which holds nothing yet.
    assert log("read", f"--path={path}", "--timeout=10secs") == ""
    assert "past end of log" in log("read", f"--path={path}", "--to=5", status=1)
    assert "to < from" in log("read", f"--path={path}", "--from=3", "--to=1", status=1)
    assert "does not exist" in log("read", f"--path={tmp_path}/none", status=1)
    assert not (tmp_path / "none").exists()


def test_commands_and_flags(tmp_path):
    assert "Available commands" in subprocess.run([LOG], capture_output=True, text=True).stderr
    for about in (log("help"), log("--help")):
        assert all(f"\n  {c} " in about for c in ("initialize", "read", "benchmark", "replica"))
    assert "Cannot find command 'x'" in log("x", status=1)
    assert "--from" in log("help", "read")
    assert "--servers" in log("benchmark", "--help")
    assert "use --peers" in log("replica", "--quorum=1", f"--path={tmp_path}/l", "--servers=a:1",
                                status=1)
    assert "--quorum" in log("replica", f"--path={tmp_path}/l", status=1)


def test_benchmark_then_read(tmp_path):
    path = tmp_path / "log"
    (tmp_path / "trace").write_text("100B\n2KB\n0B\n64KB\n")
    out = log("benchmark", "--quorum=1", f"--path={path}", "--listen=127.0.0.1:0", "--type=one",
              f"--input={tmp_path}/trace", f"--output={tmp_path}/result")
    assert "Total number of appends: 4" in out
    lines = (tmp_path / "result").read_text().splitlines()
    assert [line.split(" ", 2)[2].split(" in ")[0] for line in lines] == [
        "Appended 100 bytes", "Appended 2048 bytes", "Appended 0 bytes", "Appended 65536 bytes"]
    text = log("read", f"--path={path}", "--from=0", "--to=1")
    line = "----------------------------------------------\n"
    assert text == (
        line + "position: 0\npromised: 2\nperformed: 2\nlearned: true\ntype: NOP\nnop {\n}\n" +
        line + "position: 1\npromised: 1\nperformed: 1\nlearned: true\ntype: APPEND\n"
        "append {\n  bytes: \"" + "\\377" * 100 + "\"\n}\n")
    assert log("read", f"--path={path}").count("type: APPEND") == 4


def test_benchmark_with_replicas(tmp_path):
    ports = free_ports(3)
    peers = "--peers=" + ",".join(f"127.0.0.1:{port}" for port in ports)
    replicas = [subprocess.Popen(
        [LOG, "replica", "--quorum=2", f"--path={tmp_path}/{i}", f"--listen=127.0.0.1:{ports[i]}",
         peers], stdout=subprocess.PIPE, text=True) for i in range(2)]
    try:
        for i, replica in enumerate(replicas):
            assert replica.stdout.readline() == f"Listening on port {ports[i]}\n"
        (tmp_path / "trace").write_text("1KB\n" * 20)
        out = log("benchmark", "--quorum=2", f"--path={tmp_path}/2", "--type=zero", peers,
                  f"--listen=127.0.0.1:{ports[2]}", f"--input={tmp_path}/trace",
                  f"--output={tmp_path}/result")
        assert "Total number of appends: 20" in out
    finally:
        for replica in replicas:
            replica.send_signal(signal.SIGTERM)
    assert [replica.wait(timeout=kit.WAIT_SECONDS) for replica in replicas] == [0, 0]
    # Two of three at least have each of them.
    texts = [log("read", f"--path={tmp_path}/{i}") for i in range(3)]
    assert sum(text.count("type: APPEND") for text in texts) >= 40


# --- the example ---

class Counters:
    """Three machines, of which one at a time adds."""

    def __init__(self, path):
        self.path = path
        self.ports = free_ports(3)
        self.serving = {}

    def command(self, number):
        command = [COUNTER, "--path", f"{self.path}/{number}", "--quorum", "2",
                   "--listen", f"127.0.0.1:{self.ports[number]}"]
        for port in self.ports:
            command += ["--peer", f"127.0.0.1:{port}"]
        return command

    def serve(self, number):
        self.serving[number] = subprocess.Popen(self.command(number))

    def kill(self, number):
        replica = self.serving.pop(number)
        replica.kill()
        replica.wait()

    def add(self, number, count):
        done = subprocess.run(self.command(number) + ["--add", str(count)], capture_output=True,
                              text=True, timeout=kit.WAIT_SECONDS)
        assert done.returncode == 0, done.stderr
        return [int(line) for line in done.stdout.split()]


@pytest.fixture
def counters(tmp_path):
    c = Counters(tmp_path)
    yield c
    for number in list(c.serving):
        c.kill(number)


def test_counter(counters):
    counters.serve(0)
    counters.serve(1)
    assert counters.add(2, 25) == list(range(1, 26))
    # From another machine, with another one gone; the sum goes on.
    counters.kill(1)
    counters.serve(2)
    assert counters.add(1, 5) == list(range(26, 31))
    counters.serve(1)
    # All of them are killed, and come back.
    for number in (0, 1, 2):
        counters.kill(number)
    counters.serve(0)
    counters.serve(1)
    assert counters.add(2, 1) == [31]


def test_counter_keeps_what_it_said(counters):
    """The writer is killed in the middle: what it printed was in the log; at most one more is."""
    counters.serve(0)
    counters.serve(1)
    counters.add(2, 1)
    writer = subprocess.Popen(counters.command(2) + ["--add", "100000"], stdout=subprocess.PIPE,
                              text=True)
    last = 0
    while last < 57:
        last = int(writer.stdout.readline())
    writer.kill()
    for line in writer.stdout:
        last = int(line) if line.endswith("\n") else last
    writer.wait()
    after = counters.add(2, 1)[0]
    assert after in (last + 1, last + 2)
