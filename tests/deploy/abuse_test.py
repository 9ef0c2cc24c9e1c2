"""What strangers may do to a port that is open to them: the node serves others all the time, in bounded memory."""

import os
import random
import resource
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import hosts

PACKAGE = os.environ["LAMPPOST_PACKAGE"]
CACHE = os.environ["LAMPPOST_HOSTS"]
PORT = 8000
CONNECTIONS = 10_000
# The node's own bound, and what may come above it from one look to the next.
MEMORY_BYTES_MAX = 400 << 20
MEMORY_ABOVE_MAX = 800 << 20
# Of a read by somebody else meanwhile: two processors are shared with the attack.
LATENCY_S_MAX = 5

# HTTP/2: https://www.rfc-editor.org/rfc/rfc9113
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, CONTINUATION = 1, 3, 4, 9
ACKNOWLEDGED, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def header(name, value):
    """As a literal that is not to be remembered, without Huffman's code."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def call_headers(path):
    pairs = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x")]
    pairs += [(b"content-type", b"application/grpc"), (b"te", b"trailers")]
    return b"".join(header(name, value) for name, value in pairs)


GREETING = PREFACE + frame(SETTINGS, 0, 0)
WATCH = call_headers(b"/lamppost.kv.v1.KvService/Watch")


class Reader:
    """Somebody who uses the node meanwhile."""

    def __init__(self, program, address):
        self._command = [program, "--node", address, "get", "x", "-o", "raw", "--timeout", "20s"]
        self._stopping = threading.Event()
        self.failures = []
        self.slowest_s = 0.0
        self.reads = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while not self._stopping.is_set():
            start = time.monotonic()
            done = subprocess.run(self._command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.slowest_s = max(self.slowest_s, time.monotonic() - start)
            self.reads += 1
            if done.stdout.strip() != "10":
                self.failures.append(done.stdout)
            self._stopping.wait(0.1)

    def stop(self):
        self._stopping.set()
        self._thread.join()


class AbuseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = CONNECTIONS + 1000
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise unittest.SkipTest(f"only {hard} open files are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        try:
            hosts.check_usable()
            cls.hosts = hosts.Hosts(["lp-abuse"], CACHE).__enter__()
        except hosts.Unusable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.hosts.__exit__, None, None, None)
        work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(work.cleanup)
        subprocess.run(["dpkg-deb", "-x", PACKAGE, work.name], check=True)
        cls.program = os.path.join(work.name, "usr/bin/lamppost")
        cls.host = cls.hosts["lp-abuse"]
        cls.host.copy_in(PACKAGE, "/root/lamppost.deb")
        cls.host.run("dpkg -i /root/lamppost.deb")
        cls.host.write("/etc/lamppost/kv-A.env", f"LAMPPOST_KV_PORT={PORT}\nLAMPPOST_KV_INSECURE=true\nLAMPPOST_KV_MEMORY_BYTES_MAX={MEMORY_BYTES_MAX}\n")
        cls.host.run("systemctl enable --now lamppost-kv@A && lamppost put x 10")

    def setUp(self):
        self.sockets = []
        self.addCleanup(self.close_all)
        self.pid = self.host.run("systemctl show -P MainPID lamppost-kv@A")
        self.reader = Reader(self.program, f"http://{self.host.address}:{PORT}")
        self.addCleanup(self.reader.stop)

    def memory_bytes(self, field):
        return int(self.host.run(f"awk '/^{field}:/{{print $2}}' /proc/{self.pid.strip()}/status")) << 10

    def connect(self):
        made = socket.create_connection((self.host.address, PORT), timeout=30)
        self.sockets.append(made)
        return made

    def connect_and_agree(self):
        """To what the node says it takes."""
        to = self.connect()
        self.send(to, GREETING)
        to.recv(1000)
        self.send(to, frame(SETTINGS, ACKNOWLEDGED, 0))
        return to

    def close_all(self):
        for each in self.sockets:
            each.close()
        self.sockets.clear()

    def send(self, to, data):
        """False once the node has had enough."""
        try:
            to.sendall(data)
            return True
        except OSError:
            return False

    def check(self):
        """Once the attack has gone on for a while, and while it does."""
        before = self.reader.reads
        hosts.wait_for("some reads more", lambda: self.reader.reads >= before + 10, 60)
        # At its highest, since the node was started.
        self.assertLess(self.memory_bytes("VmHWM"), MEMORY_BYTES_MAX + MEMORY_ABOVE_MAX)
        hosts.wait_for("memory to be given back", lambda: self.memory_bytes("VmRSS") < MEMORY_BYTES_MAX * 1.1)
        self.reader.stop()
        self.assertEqual(self.reader.failures, [])
        self.assertLess(self.reader.slowest_s, LATENCY_S_MAX)
        self.assertEqual(self.host.run("systemctl show -P MainPID lamppost-kv@A"), self.pid, "it was not restarted")

    def test_junk(self):
        noise = random.Random(1)
        for _ in range(100):
            self.send(self.connect(), noise.randbytes(10_000))
        self.check()

    def test_junk_behind_a_greeting(self):
        noise = random.Random(2)
        for _ in range(100):
            self.send(self.connect(), GREETING + noise.randbytes(10_000))
        self.check()

    def test_ten_thousand_idle_connections(self):
        for i in range(CONNECTIONS):
            to = self.connect()
            if i % 2 == 0:
                self.send(to, GREETING)
        self.check()

    def test_headers_that_come_byte_by_byte(self):
        slow = [self.connect() for _ in range(500)]
        bytes_to_come = GREETING + frame(HEADERS, END_HEADERS, 1, WATCH)
        for i in range(len(bytes_to_come) // 2):
            for to in slow:
                self.send(to, bytes_to_come[i : i + 1])
        self.check()

    def test_frames_above_all_bounds(self):
        for _ in range(100):
            to = self.connect()
            self.send(to, GREETING + b"\xff\xff\xff" + bytes([0, 0]) + struct.pack(">I", 1) + b"\0" * 100_000)
        self.check()

    def test_headers_without_an_end(self):
        for _ in range(20):
            to = self.connect()
            self.send(to, GREETING + frame(HEADERS, 0, 1, WATCH))
            more = frame(CONTINUATION, 0, 1, header(b"x-more", b"v" * 100) * 100)
            for _ in range(300):
                if not self.send(to, more):
                    break
        self.check()

    def test_a_flood_of_streams(self):
        for _ in range(10):
            to = self.connect_and_agree()
            for stream in range(1, 20_000, 2):
                if not self.send(to, frame(HEADERS, END_HEADERS, stream, WATCH)):
                    break
        self.check()

    def test_a_flood_of_streams_of_one_who_agrees_to_nothing(self):
        for _ in range(20):
            to = self.connect()
            self.send(to, GREETING)
            for stream in range(1, 40_000, 2):
                if not self.send(to, frame(HEADERS, END_HEADERS, stream, WATCH)):
                    break
        self.check()

    def test_streams_that_are_reset_at_once(self):
        for _ in range(10):
            to = self.connect_and_agree()
            for stream in range(1, 20_000, 2):
                reset = frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
                if not self.send(to, frame(HEADERS, END_HEADERS, stream, WATCH) + reset):
                    break
        self.check()


if __name__ == "__main__":
    unittest.main()
