"""TLS on three hosts: turned on as docs/operations.md says, and those who must not come in."""

import os
import re
import unittest

import hosts
from cluster import NAMES, ClusterTestCase
from procedures import blocks_of, perform


class TlsTest(ClusterTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster = cls.cluster
        cluster.put("A", "before", "tls", "--replicas", "3")
        make, install = blocks_of("operations", "Turning TLS on")
        perform(cluster, make)
        made = os.path.join(cluster.host("A").directory, "root/tls")
        for node in "BC":
            for name in os.listdir(made):
                if name != "ca.key":
                    cluster.host(node).copy_in(os.path.join(made, name), f"/root/{name}")
            cluster.host(node).run("mkdir -p /root/tls && mv /root/*.crt /root/*.key /root/access /root/*.token /root/tls")
        perform(cluster, install)
        cluster.tls_directory = made

    def journal(self, node):
        return self.cluster.host(node).run(f"journalctl -u lamppost-kv@{node} -o cat")

    def test_data_is_there_and_new_writes_reach_all(self):
        self.assertEqual(self.cluster.get("C", "before"), "tls")
        self.cluster.put("B", "after", "tls", "--replicas", "3")
        for node in NAMES:
            self.assertEqual(self.cluster.get(node, "after"), "tls")
            self.assertIn("Active: active", self.cluster.host(node).run(f"systemctl status lamppost-kv@{node}"))

    def test_the_key_is_handed_over_by_systemd_alone(self):
        host = self.cluster.host("B")
        self.assertEqual(host.run("stat -c '%a %U' /etc/lamppost/tls/kv-B.key").strip(), "600 root")
        self.assertNotIn("PRIVATE", host.ask("runuser -u lamppost -- cat /etc/lamppost/tls/kv-B.key 2>&1"))

    def test_a_certificate_is_renewed_without_a_restart(self):
        cluster = self.cluster
        host = cluster.host("A")
        pid = host.run("systemctl show -P MainPID lamppost-kv@A").strip()
        host.run("lamppost tls renew /root/tls && cp /root/tls/node-A.crt /etc/lamppost/tls/new && "
                 "mv /etc/lamppost/tls/new /etc/lamppost/tls/kv-A.crt")
        hosts.wait_for("A to have read it", lambda: "certificates and users are read again" in self.journal("A"))
        cluster.put("A", "renewed", "1", "--replicas", "3")
        self.assertEqual(host.run("systemctl show -P MainPID lamppost-kv@A").strip(), pid)

    def test_a_host_with_another_authority_is_kept_out_and_comes_back(self):
        cluster = self.cluster
        host = cluster.host("C")
        host.run(f"lamppost tls init /root/other node/C={host.address} user/ops=admin")
        host.run("mkdir /root/kept && cp -p /etc/lamppost/tls/* /root/kept")
        back = "cp -p /root/kept/* /etc/lamppost/tls && systemctl restart lamppost-kv@C"
        try:
            host.run("cd /root/other && cp ca.crt /etc/lamppost/tls/ca.crt && "
                     "cp node-C.crt /etc/lamppost/tls/kv-C.crt && cp node-C.key /etc/lamppost/tls/kv-C.key && "
                     "systemctl restart --no-block lamppost-kv@C")
            hosts.wait_for("A and C not to believe each other", lambda: "TLS handshake fails" in self.journal("A"))
            cluster.put("A", "without-c", "1", "--replicas", "2")
            peers = {peer["node_id"]: peer for peer in cluster.status("A")["peers"]}
            self.assertNotEqual(peers["C"]["state"], "live")
        finally:
            host.run(back)
        cluster.await_converged()
        self.assertEqual(cluster.get("C", "without-c"), "1")

    def test_secrets_are_in_no_log_and_on_no_command_line(self):
        secrets = []
        made = self.cluster.tls_directory
        for name in os.listdir(made):
            if name.endswith((".key", ".token")):
                with open(os.path.join(made, name), encoding="utf-8") as file:
                    secrets += re.findall(r"[A-Za-z0-9+/_-]{40,}", file.read())
        self.assertGreater(len(secrets), 4)
        for node in NAMES:
            seen = self.cluster.host(node).run("journalctl -o export; ps axeww; cat /proc/*/cmdline | tr '\\0' ' '")
            for secret in secrets:
                self.assertNotIn(secret, seen)
            self.assertEqual(self.cluster.host(node).run(f"systemctl show -P LimitCORE lamppost-kv@{node}").strip(), "0")


if __name__ == "__main__":
    unittest.main()
