"""Three hosts, a node on each, and writers that keep account of what was acknowledged."""

import json
import os
import subprocess
import tempfile
import threading
import unittest

import hosts

PACKAGE = os.environ["LAMPPOST_PACKAGE"]
CACHE = os.environ["LAMPPOST_HOSTS"]
DEB = "/root/lamppost.deb"
NAMES = {"A": "lp-a", "B": "lp-b", "C": "lp-c"}
PORTS = {"A": 8000, "B": 8001, "C": 8002}
DISK_BYTES = 400 << 20
RESERVE_BYTES = 64 << 20


class Cluster:
    """The hosts, each with its node running, and the command on the outside."""

    def __init__(self):
        hosts.check_usable()
        self.hosts = hosts.Hosts(list(NAMES.values()), CACHE, DISK_BYTES).__enter__()
        # With TLS: a directory of `lamppost tls init` whose user ops the command is.
        self.tls_directory = None
        try:
            self._work = tempfile.TemporaryDirectory()
            subprocess.run(["dpkg-deb", "-x", PACKAGE, self._work.name], check=True)
            self.program = os.path.join(self._work.name, "usr/bin/lamppost")
            for node in NAMES:
                self.set_up(node)
            for node in NAMES:
                self.host(node).run(f"systemctl enable --now lamppost-kv@{node}")
        except BaseException:
            self.close()
            raise

    def close(self):
        self.hosts.__exit__(None, None, None)
        self._work.cleanup()

    def host(self, node):
        return self.hosts[NAMES[node]]

    def address(self, node):
        scheme = "https" if self.tls_directory else "http"
        return f"{scheme}://{self.host(node).address}:{PORTS[node]}"

    def tls_words(self):
        if not self.tls_directory:
            return []
        files = {"--tls-ca": "ca.crt", "--tls-cert": "user-ops.crt", "--tls-key": "user-ops.key"}
        return [word for option, name in files.items() for word in (option, f"{self.tls_directory}/{name}")]

    def set_up(self, node):
        host = self.host(node)
        host.copy_in(PACKAGE, DEB)
        host.run(f"dpkg -i {DEB}")
        peers = ",".join(self.address(other) for other in NAMES if other != node)
        host.write(
            f"/etc/lamppost/kv-{node}.env",
            f"LAMPPOST_KV_PORT={PORTS[node]}\nLAMPPOST_KV_PEERS={peers}\n"
            f"LAMPPOST_KV_DISK_RESERVE_BYTES={RESERVE_BYTES}\nLAMPPOST_KV_MEMTABLE_BYTES=8388608\n",
        )

    def cut(self, one, other):
        self.hosts.cut(NAMES[one], NAMES[other])

    def cut_off(self, node):
        for other in NAMES:
            if other != node:
                self.cut(node, other)

    def command(self, nodes, words):
        """What the command says, asked of these nodes: exit code and stdout."""
        addresses = ",".join(self.address(node) for node in nodes)
        done = subprocess.run(
            [self.program, "--node", addresses] + self.tls_words() + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )
        return done.returncode, done.stdout

    def get(self, node, key, *more):
        code, out = self.command([node], ["get", key, "-o", "raw"] + list(more))
        return out.rstrip("\n") if code == 0 else None

    def put(self, node, key, value, *more):
        code, out = self.command([node], ["put", key, value] + list(more))
        assert code == 0, out

    def status(self, node):
        code, out = self.command([node], ["status", "-o", "json", "--timeout", "2s"])
        return json.loads(out) if code == 0 else None

    def await_converged(self, limit_s=60):
        def converged():
            all_of_them = [self.status(node) for node in NAMES]
            if not all(status and status["converged"] for status in all_of_them):
                return False
            return len({status["content_hash"] for status in all_of_them}) == 1

        hosts.wait_for("all to be converged, with the same hash", converged, limit_s)

    def is_active(self, node):
        return self.host(node).ask(f"systemctl is-active lamppost-kv@{node}").strip() == "active"


class Load:
    """Writers that put keys of their own, one after the other, at whichever node takes them, until the test ends."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._stopping = threading.Event()
        self.acknowledged = {}
        self._threads = [threading.Thread(target=self._write, args=(first,)) for first in NAMES]
        for thread in self._threads:
            thread.start()

    def _write(self, first):
        nodes = [first] + [node for node in NAMES if node != first]
        count = 0
        while not self._stopping.is_set():
            key = f"load/{first}/{count}"
            code, _ = self._cluster.command(nodes, ["put", key, str(count), "--timeout", "10s"])
            if code == 0:
                self.acknowledged[key] = str(count)
            count += 1

    def stop(self):
        """May be called again."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()


class ClusterTestCase(unittest.TestCase):
    """Has one cluster for all its tests, which each of them finds converged."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.cluster = Cluster()
        except hosts.Unusable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        self.cluster.await_converged()
