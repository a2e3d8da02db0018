"""Many agents at one address, who do nothing but register: libprocess by hand."""
import http.client
import json
import socket
import threading

import kit


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """Bytes, text or a number as a field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """(number, value) of a message that has only varints, doubles and bytes."""
    at = 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = message[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n
    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        elif tag & 7 == 1:
            at += 8
        else:
            size = number()
            yield tag >> 3, message[at:at + size]
            at += size


AGAIN_SECONDS = 10  # until an agent that was not answered tries again
# MULTI_ROLE and others: what makes an agent one of today.
CAPABILITIES = [field(1, kind) for kind in (1, 2, 3, 5, 6, 7, 8)]


class Agents:
    """Listens for what the master says, and keeps the ids that it gave."""

    def __init__(self, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), backlog=64)
        self.address = "%s:%d" % (host, self.listener.getsockname()[1])
        self.lock = threading.Lock()
        self.registered = {}  # by actor: the id
        self.links = []
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def close(self):
        """The listener goes, and all links break."""
        self.listener.shutdown(socket.SHUT_RDWR)
        # Else it would still accept, from whatever has the descriptor's number next.
        self.accepting.join()
        self.listener.close()
        for link in self.links:
            link.close()

    def accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            self.links.append(link)
            threading.Thread(target=self.read, args=(link,), daemon=True).start()

    def read(self, link):
        stream = link.makefile("rb")
        try:
            while True:
                request = stream.readline()
                if not request:
                    return
                _, actor, name = request.split(b" ")[1].decode().split("/")
                size = chunked = 0
                for line in iter(stream.readline, b"\r\n"):
                    key, _, value = line.partition(b":")
                    if key.lower() == b"content-length":
                        size = int(value)
                    elif key.lower() == b"transfer-encoding":
                        chunked = 1
                body = stream.read(size)
                while chunked:
                    size = int(stream.readline(), 16)
                    body += stream.read(size)
                    stream.readline()
                    chunked = size
                self.take(actor, name, body)
        except (OSError, ValueError):
            return

    def take(self, actor, name, body):
        if name in ("mesos.internal.SlaveRegisteredMessage",
                    "mesos.internal.SlaveReregisteredMessage"):
            given = dict(fields(dict(fields(body))[1]))[1].decode()
            with self.lock:
                self.registered[actor] = given

    def confirmed(self):
        """The ids of those whom the master told that they are registered."""
        with self.lock:
            return set(self.registered.values())

    def post(self, connection, actor, name, body):
        connection.request("POST", "/master/mesos.internal." + name, body, {
            "User-Agent": "libprocess/%s@%s" % (actor, self.address), "Connection": "Keep-Alive"})
        connection.getresponse().read()

    @staticmethod
    def info(number, size=0):
        """AgentInfo; its attribute is of `size` bytes."""
        cpus = field(1, "cpus") + field(2, 0) + field(3, b"\x09" + b"\0\0\0\0\0\0\0\x40")
        rack = field(1, "rack") + field(2, 3) + field(5, field(1, "r" * size))
        return field(1, "host-%d" % number) + field(3, cpus) + field(5, rack) + field(8, 5051)

    def register(self, master, numbers, size=0, timeout=kit.WAIT_SECONDS):
        """Registers slave(n) for each number; what each tells of itself has `size` bytes more."""
        connection = http.client.HTTPConnection(master.host, master.port, timeout=timeout)
        for n in numbers:
            self.post(connection, "slave(%d)" % n, "RegisterSlaveMessage",
                      field(1, self.info(n, size)) + field(2, "1.12.0") +
                      b"".join(field(4, c) for c in CAPABILITIES))
        connection.close()

    def reregister(self, connection, number, identity):
        """One of those, with the id that it was given."""
        self.post(connection, "slave(%d)" % number, "ReregisterSlaveMessage",
                  field(2, self.info(number) + field(6, field(1, identity))) +
                  field(6, "1.12.0") + b"".join(field(9, c) for c in CAPABILITIES))


def admit(agents, leader, number):
    """Registers one more agent with leader(), and with the next one, should that have ended before
    it said that it is done. The registry may then know it by more ids than `confirmed` has."""
    before = len(agents.confirmed())

    def admitted():
        agents.register(leader(), [number])
        return kit.until(lambda: len(agents.confirmed()) > before, AGAIN_SECONDS)

    def patient():
        try:
            return admitted()
        except kit.Late:
            return False
    kit.until(patient, what="the agent registered")


def registry(master):
    return json.loads(master.get("/registrar(1)/registry"))


def recovered(master):
    """The ids of agents that the master waits for."""
    return {a["id"] for a in json.loads(master.get("/slaves"))["recovered_slaves"]}
