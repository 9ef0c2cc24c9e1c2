"""Three hosts, a node on each, and what may happen to them: cuts, kills, lost power, a full disk, an upgrade.

Every write that was acknowledged is there in the end, at every node, and all have the same content.
"""

import json
import os
import tempfile
import unittest

import hosts
from cluster import DEB, NAMES, ClusterTestCase, Load
from package_test import newer_package


class ClusterTest(ClusterTestCase):
    def tearDown(self):
        self.cluster.hosts.heal()

    def load(self):
        load = Load(self.cluster)
        self.addCleanup(load.stop)
        return load

    def check_nothing_is_lost(self, load, at_least):
        load.stop()
        self.cluster.await_converged()
        self.assertGreater(len(load.acknowledged), at_least, "the cluster was to take writes all the time")
        for node in NAMES:
            code, out = self.cluster.command([node], ["dump", "-"])
            self.assertEqual(code, 0)
            there = {line["key"]: line["value"] for line in map(json.loads, out.splitlines())}
            lost = {key for key, value in load.acknowledged.items() if there.get(key) != value}
            self.assertEqual(lost, set(), f"of {len(load.acknowledged)} acknowledged at {node}")

    def await_active(self, node):
        hosts.wait_for(f"node {node} to be active again", lambda: self.cluster.is_active(node), 60)

    def test_scenario_a_what_is_delayed_is_old_and_a_session_waits_for_it(self):
        cluster = self.cluster
        cluster.put("A", "scenario/x", "old", "--replicas", "3")
        cluster.cut_off("C")
        with tempfile.TemporaryDirectory() as work:
            session = os.path.join(work, "session")
            cluster.put("A", "scenario/x", "new", "--session", session)
            self.assertEqual(cluster.get("C", "scenario/x"), "old")
            self.assertIsNone(cluster.get("C", "scenario/x", "--session", session, "--timeout", "1s"))
            cluster.hosts.heal()
            self.assertEqual(cluster.get("C", "scenario/x", "--session", session, "--timeout", "30s"), "new")

    def test_scenario_b_concurrent_writes_settle_alike_and_the_loser_is_listed(self):
        cluster = self.cluster
        for node in NAMES:
            cluster.cut_off(node)
        cluster.put("A", "scenario/color", "red")
        cluster.put("B", "scenario/color", "blue")
        self.assertEqual(cluster.get("A", "scenario/color"), "red")
        self.assertEqual(cluster.get("B", "scenario/color"), "blue")
        cluster.hosts.heal()
        cluster.await_converged()
        winners = {cluster.get(node, "scenario/color") for node in NAMES}
        self.assertEqual(len(winners), 1)
        loser = ({"red", "blue"} - winners).pop()
        for node in NAMES:
            code, out = cluster.command([node], ["conflicts", "scenario/color", "-o", "json"])
            self.assertEqual(code, 0)
            self.assertIn(f'"{loser}"', out, node)

    def test_scenario_c_a_node_that_was_cut_off_catches_up_and_nothing_deleted_returns(self):
        cluster = self.cluster
        cluster.put("A", "scenario/gone", "here", "--replicas", "3")
        cluster.cut_off("C")
        for i in range(6):
            cluster.put("AB"[i % 2], f"scenario/item-{i}", str(i))
        self.assertEqual(cluster.command(["B"], ["del", "scenario/gone"])[0], 0)
        self.assertEqual(cluster.get("C", "scenario/gone"), "here")
        cluster.hosts.heal()
        cluster.await_converged()
        for node in NAMES:
            self.assertIsNone(cluster.get(node, "scenario/gone"))
            self.assertEqual(cluster.get(node, "scenario/item-5"), "5")

    def test_killed_nodes_come_back_by_themselves(self):
        load = self.load()
        for node in NAMES:
            self.cluster.host(node).run(f"systemctl kill -s KILL lamppost-kv@{node}")
            self.await_active(node)
        self.check_nothing_is_lost(load, 30)

    def test_hosts_that_lose_power_come_back_by_themselves(self):
        load = self.load()
        for node in ["B", "C"]:
            self.cluster.host(node).power_off()
            self.cluster.host(node).boot()
            self.await_active(node)
        self.check_nothing_is_lost(load, 30)

    def test_a_full_disk_refuses_writes_and_takes_them_again(self):
        cluster = self.cluster
        load = self.load()
        filler = os.path.join(cluster.hosts.disk(NAMES["B"]), "filler")
        try:
            with open(filler, "wb") as file:
                while True:
                    file.write(b"\0" * (1 << 20))
                    file.flush()
        except OSError:
            pass
        hosts.wait_for(
            "node B to refuse writes", lambda: cluster.command(["B"], ["put", "full", "1", "--timeout", "1s"])[0] != 0
        )
        self.assertEqual(cluster.command(["A"], ["put", "full", "1"])[0], 0)
        os.remove(filler)
        self.await_active("B")
        hosts.wait_for(
            "node B to take writes", lambda: cluster.command(["B"], ["put", "full", "2", "--timeout", "1s"])[0] == 0
        )
        self.check_nothing_is_lost(load, 30)

    def test_an_upgrade_one_host_at_a_time_under_load(self):
        cluster = self.cluster
        newer = os.path.join(self.cluster.hosts.disk(NAMES["A"]), "..", "newer.deb")
        newer_package(newer)
        load = self.load()
        for node in NAMES:
            cluster.host(node).copy_in(newer, DEB)
            cluster.host(node).run(f"dpkg -i {DEB}")
            self.assertTrue(cluster.is_active(node), "the package has waited until it serves again")
        self.check_nothing_is_lost(load, 30)
        for node in NAMES:
            self.assertIn("+later", cluster.host(node).run("dpkg-query -W lamppost"))


if __name__ == "__main__":
    unittest.main()
