"""The procedures of docs/operations.md, as they stand there, on three hosts."""

import os
import re
import shutil
import unittest

from cluster import NAMES, PORTS, ClusterTestCase

PAGE = os.path.join(os.environ["LAMPPOST_TOP"], "docs", "operations.md")
# In the page, so that they can be read.
ADDRESSES = {"A": "10.0.0.1", "B": "10.0.0.2", "C": "10.0.0.3"}


def blocks_of(section):
    """The sh blocks below a heading."""
    with open(PAGE, encoding="utf-8") as page:
        text = re.search(rf"(?ms)^### {re.escape(section)}\n(.*?)(?=^##|\Z)", page.read()).group(1)
    return re.findall(r"(?ms)^```sh\n(.*?)^```", text)


class OperationsTest(ClusterTestCase):
    def perform(self, block):
        """Runs each line where the comment above it says."""
        for node, address in ADDRESSES.items():
            block = block.replace(f"http://{address}:{PORTS[node]}", self.cluster.address(node))
        self.assertNotIn("10.0.0.", block)
        parts = re.split(r"(?m)^# at ([ABC])\n", block)
        self.assertEqual(parts[0], "")
        return "".join(
            self.cluster.host(node).run("set -e\n" + lines) for node, lines in zip(parts[1::2], parts[2::2])
        )

    def test_a_backup_and_back_to_it(self):
        save, restore = blocks_of("A backup, and back to it with the whole cluster")
        self.cluster.put("B", "kept", "before", "--replicas", "3")
        self.perform(save)
        self.cluster.put("B", "kept", "after", "--replicas", "3")
        self.cluster.put("B", "later", "1", "--replicas", "3")
        backup = os.path.join(self.cluster.host("A").directory, "root/backup.snapshot")
        for node in "BC":
            self.cluster.host(node).copy_in(backup, "/root/backup.snapshot")
        self.perform(restore)
        for node in NAMES:
            self.cluster.host(node).run(f"systemctl start lamppost-kv@{node}")
        self.cluster.await_converged()
        for node in NAMES:
            self.assertEqual(self.cluster.get(node, "kept"), "before")
            self.assertIsNone(self.cluster.get(node, "later"))
            self.cluster.host(node).run(f"rm -r /var/lib/lamppost/kv-{node}.before")

    def test_a_dead_nodes_successor(self):
        (block,) = blocks_of("A dead node's successor")
        self.cluster.put("C", "from-c", "1", "--replicas", "3")
        self.cluster.host("C").power_off()
        shutil.rmtree(os.path.join(self.cluster.hosts.disk(NAMES["C"]), "kv-C"))
        self.cluster.put("A", "meanwhile", "2")
        self.cluster.host("C").boot()
        self.assertIn("node", self.perform(block))
        # systemctl has waited until it has everything.
        self.assertEqual(self.cluster.get("C", "from-c"), "1")
        self.assertEqual(self.cluster.get("C", "meanwhile"), "2")
        self.cluster.await_converged()

    def test_taking_a_member_out_and_back_in(self):
        out, back = blocks_of("Taking a member out, and back in")
        self.cluster.put("A", "gone", "1", "--replicas", "3")
        listed = self.perform(out)
        self.assertIn("removed", listed.lower())
        self.assertEqual(self.cluster.command(["A"], ["del", "gone"])[0], 0)
        self.perform(back)
        self.cluster.await_converged()
        self.assertIsNone(self.cluster.get("C", "gone"))


if __name__ == "__main__":
    unittest.main()
