"""The procedures of docs/operations.md, as they stand there, on three hosts."""

import os
import shutil
import unittest

from cluster import NAMES, ClusterTestCase
from procedures import blocks_of, perform


class OperationsTest(ClusterTestCase):
    def test_a_backup_and_back_to_it(self):
        save, restore = blocks_of("operations", "A backup, and back to it with the whole cluster")
        self.cluster.put("B", "kept", "before", "--replicas", "3")
        perform(self.cluster, save)
        self.cluster.put("B", "kept", "after", "--replicas", "3")
        self.cluster.put("B", "later", "1", "--replicas", "3")
        backup = os.path.join(self.cluster.host("A").directory, "root/backup.snapshot")
        for node in "BC":
            self.cluster.host(node).copy_in(backup, "/root/backup.snapshot")
        perform(self.cluster, restore)
        for node in NAMES:
            self.cluster.host(node).run(f"systemctl start lamppost-kv@{node}")
        self.cluster.await_converged()
        for node in NAMES:
            self.assertEqual(self.cluster.get(node, "kept"), "before")
            self.assertIsNone(self.cluster.get(node, "later"))
            self.cluster.host(node).run(f"rm -r /var/lib/lamppost/kv-{node}.before")

    def test_a_dead_nodes_successor(self):
        (block,) = blocks_of("operations", "A dead node's successor")
        self.cluster.put("C", "from-c", "1", "--replicas", "3")
        self.cluster.host("C").power_off()
        shutil.rmtree(os.path.join(self.cluster.hosts.disk(NAMES["C"]), "kv-C"))
        self.cluster.put("A", "meanwhile", "2")
        self.cluster.host("C").boot()
        self.assertIn("node", perform(self.cluster, block))
        # systemctl has waited until it has everything.
        self.assertEqual(self.cluster.get("C", "from-c"), "1")
        self.assertEqual(self.cluster.get("C", "meanwhile"), "2")
        self.cluster.await_converged()

    def test_taking_a_member_out_and_back_in(self):
        out, back = blocks_of("operations", "Taking a member out, and back in")
        self.cluster.put("A", "gone", "1", "--replicas", "3")
        listed = perform(self.cluster, out)
        self.assertIn("removed", listed.lower())
        self.assertEqual(self.cluster.command(["A"], ["del", "gone"])[0], 0)
        perform(self.cluster, back)
        self.cluster.await_converged()
        self.assertIsNone(self.cluster.get("C", "gone"))


if __name__ == "__main__":
    unittest.main()
