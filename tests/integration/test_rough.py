"""Bad company on the port: the daemons go on serving others, and their memory is bounded."""
import json
import resource
import socket
import time

import pytest

import kit

IDLE = 10000


@pytest.fixture(scope="module")
def cluster():
    with kit.Cluster() as c:
        c.m = c.master()
        c.a = c.agent(c.m)
        yield c


@pytest.fixture(params=["master", "agent"])
def daemon(request, cluster):
    return cluster.m if request.param == "master" else cluster.a


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=kit.WAIT_SECONDS)


def is_well(daemon):
    return daemon.request("GET", "/health")[0] == 200 and daemon.process.poll() is None


@pytest.mark.parametrize("bytes_sent", [
    b"\x00" * 100000, b"\xff\xfe\xfd" * 1000, b"GET", b"GET / HTTP/1.1\r\nHost",
    b"POST /api/v1 HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n{",
    b"POST /api/v1 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    b"GET /" + b"a" * 1000000, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"], ids=range(10))
def test_garbage_and_halves_harm_nobody(daemon, bytes_sent):
    before = daemon.rss_mib()
    held = []
    for _ in range(20):
        s = connect(daemon)
        held.append(s)
        try:
            s.sendall(bytes_sent)
        except OSError:
            pass  # it hangs up in the middle
    assert is_well(daemon)
    assert daemon.rss_mib() < before + 64
    for s in held:
        s.close()


def test_ten_thousand_idle_connections(cluster):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    resource.prlimit(cluster.m.process.pid, resource.RLIMIT_NOFILE, (wanted, wanted))
    before = cluster.m.rss_mib()
    held = [connect(cluster.m) for _ in range(IDLE)]
    assert is_well(cluster.m)
    grown = cluster.m.rss_mib() - before
    print("10,000 idle connections: %.1f MiB" % grown)
    assert grown < 60
    for s in held:
        s.close()


def test_a_subscriber_that_never_reads_is_cut_off(cluster):
    s = connect(cluster.m)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    body = json.dumps({"type": "SUBSCRIBE"})
    s.sendall(("POST /api/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
    time.sleep(0.2)
    before = cluster.m.rss_mib()
    for i in range(300):
        scheduler = kit.Scheduler(cluster.m, name="n" * 20000)
        scheduler.close()
    assert is_well(cluster.m)
    assert cluster.m.rss_mib() < before + 100
    s.close()


READERS = [("GET", "/state", b""), ("GET", "/frameworks", b""), ("GET", "/state-summary", b""),
           ("POST", "/api/v1", b'{"type":"GET_FRAMEWORKS"}'),
           ("POST", "/api/v1", b'{"type":"SUBSCRIBE"}')]


def test_readers_of_whole_state_who_never_read(cluster):
    """docs/design/master.md: two rooms, of 64 and 16 MiB. Each of these holds 10 MB otherwise."""
    m = cluster.m
    schedulers = [kit.Scheduler(m, name="n" * 50000) for _ in range(200)]
    assert len(m.request("GET", "/state")[1]) > 10e6
    before, most = m.rss_mib(), 0
    held = []
    for i in range(200):
        method, path, body = READERS[i % len(READERS)]
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(20)
        s.connect(("127.0.0.1", m.port))
        s.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (method.encode(), path.encode(), len(body),
                                                     body))
        held.append(s)
        if i % 4 == 0:
            kit.Scheduler(m, name="another state").close()
        if i % 10 == 0:
            assert is_well(m)
            most = max(most, m.rss_mib())
    # Who does read is answered all the same.
    for path in ("/state", "/state-summary", "/roles"):
        assert m.request("GET", path, timeout=120)[0] == 200
        most = max(most, m.rss_mib())
    print("200 readers who never read: %.1f MiB and then %.1f" % (before, most))
    assert most < before + 140
    for s in held + schedulers:
        s.close()
