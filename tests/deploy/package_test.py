"""The Debian package on a host with systemd: what installing, upgrading, removing and purging do."""

import os
import re
import subprocess
import tempfile
import unittest

import hosts

PACKAGE = os.environ["LAMPPOST_PACKAGE"]
CACHE = os.environ["LAMPPOST_HOSTS"]
DEB = "/root/lamppost.deb"
NEWER = "/root/lamppost-newer.deb"
PAGE = os.path.join(os.environ["LAMPPOST_TOP"], "docs", "packages.md")
NODE = "LAMPPOST_KV_PORT=8000\n"


def newer_package(target):
    """The same package as a later version: what an upgrade needs."""
    with tempfile.TemporaryDirectory() as work:
        tree = os.path.join(work, "tree")
        subprocess.run(["dpkg-deb", "-R", PACKAGE, tree], check=True)
        control = os.path.join(tree, "DEBIAN", "control")
        with open(control, encoding="utf-8") as file:
            text = re.sub(r"(?m)^Version: (.*)$", r"Version: \1+later", file.read())
        with open(control, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, target], check=True, stdout=subprocess.DEVNULL)


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            hosts.check_usable()
            cls.hosts = hosts.Hosts(["lp-package"], CACHE).__enter__()
        except hosts.Unusable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.hosts.__exit__, None, None, None)
        cls.host = cls.hosts["lp-package"]
        cls.host.copy_in(PACKAGE, DEB)
        newer_package(os.path.join(cls.host.directory, NEWER.lstrip("/")))

    def setUp(self):
        self.host.run("dpkg --purge lamppost 2>&1; rm -rf /etc/lamppost /var/lib/lamppost; systemctl reset-failed")

    def install(self):
        self.host.run(f"dpkg -i {DEB}")

    def start_node(self, name="A", settings=NODE):
        self.host.write(f"/etc/lamppost/kv-{name}.env", settings)
        self.host.run(f"systemctl enable --now lamppost-kv@{name}")

    def test_installing_starts_nothing_and_brings_all_there_is(self):
        self.install()
        self.assertEqual(self.host.ask("systemctl list-units --no-legend 'lamppost*'").strip(), "")
        self.assertIn("lamppost", self.host.run("getent passwd lamppost"))
        for page in ["man1/lamppost.1.gz", "man8/lamppost-kv.8.gz", "man8/lamppost-rpc.8.gz"]:
            self.host.run(f"zcat /usr/share/man/{page} | grep -q '^.SH NAME'")
        self.host.run("test -s /usr/share/doc/lamppost/examples/kv.env")
        offered = self.host.run(
            "source /usr/share/bash-completion/bash_completion; _load_comp lamppost 2>/dev/null || _completion_loader lamppost;"
            "COMP_WORDS=(lamppost fault del) COMP_CWORD=2; _lamppost; echo ${COMPREPLY[@]}"
        )
        self.assertEqual(offered.strip().splitlines()[-1], "delay")

    def test_a_node_is_ready_when_it_serves_and_runs_as_nobody_in_particular(self):
        self.install()
        self.start_node()
        # No waiting: systemctl has waited.
        self.host.run("lamppost put x 10")
        self.assertEqual(self.host.run("lamppost get x").strip(), "10")
        self.assertIn("serving", self.host.run("systemctl show -p StatusText lamppost-kv@A"))
        pid = self.host.run("systemctl show -P MainPID lamppost-kv@A").strip()
        self.assertEqual(self.host.run(f"stat -c %U /proc/{pid}").strip(), "lamppost")
        self.assertRegex(self.host.run(f"cat /proc/{pid}/status"), r"CapEff:\s+0+\n")
        self.assertEqual(self.host.run("stat -c '%U %a' /var/lib/lamppost/kv-A").strip(), "lamppost 700")

    def test_wrong_settings_are_not_tried_again_and_say_what_is_wrong(self):
        self.install()
        self.host.write("/etc/lamppost/kv-A.env", "LAMPPOST_KV_PORT=70000\n")
        self.host.ask("systemctl start lamppost-kv@A")
        self.assertEqual(self.host.run("systemctl show -P NRestarts lamppost-kv@A").strip(), "0")
        self.assertEqual(self.host.ask("systemctl is-failed lamppost-kv@A").strip(), "failed")
        log = self.host.run("journalctl -u lamppost-kv@A --no-pager")
        self.assertIn("LAMPPOST_KV_PORT", log)

    def test_a_killed_node_comes_back_and_a_stuck_one_is_killed(self):
        self.install()
        # So that the test need not wait for the watchdog's usual half minute.
        self.host.write("/etc/systemd/system/lamppost-kv@.service.d/test.conf", "[Service]\nWatchdogSec=3\n")
        self.start_node()
        self.host.run("lamppost put x 10")
        for harm in ["kill -s KILL", "kill -s STOP"]:
            before = self.host.run("systemctl show -P MainPID lamppost-kv@A").strip()
            self.host.run(f"systemctl {harm} lamppost-kv@A")
            hosts.wait_for(
                "the node after " + harm,
                lambda: self.host.ask("systemctl show -P MainPID lamppost-kv@A").strip() not in ("0", before)
                and self.host.ask("systemctl is-active lamppost-kv@A").strip() == "active",
            )
            self.assertEqual(self.host.run("lamppost get x").strip(), "10")
        self.assertIn("watchdog", self.host.run("journalctl -u lamppost-kv@A --no-pager").lower())
        self.host.run("rm -r /etc/systemd/system/lamppost-kv@.service.d; systemctl daemon-reload")

    def test_an_upgrade_restarts_what_runs_and_keeps_the_data(self):
        self.install()
        self.start_node("A")
        self.start_node("B", "LAMPPOST_KV_PORT=8001\nLAMPPOST_KV_PEERS=http://127.0.0.1:8000\n")
        self.host.write("/etc/lamppost/kv-C.env", "LAMPPOST_KV_PORT=8002\n")
        self.host.run("lamppost put x 10")
        before = {name: self.host.run(f"systemctl show -P MainPID lamppost-kv@{name}").strip() for name in "AB"}
        self.host.run(f"dpkg -i {NEWER}")
        for name in "AB":
            self.assertEqual(self.host.ask(f"systemctl is-active lamppost-kv@{name}").strip(), "active")
            now = self.host.run(f"systemctl show -P MainPID lamppost-kv@{name}").strip()
            self.assertNotEqual(now, before[name], name)
        self.assertEqual(self.host.ask("systemctl is-active lamppost-kv@C").strip(), "inactive", "it did not run before")
        self.assertEqual(self.host.run("lamppost get x").strip(), "10")

    def test_removing_stops_and_keeps_data_and_a_purge_takes_it_away(self):
        self.install()
        self.start_node()
        self.host.run("lamppost put x 10")
        self.host.run("dpkg --remove lamppost")
        self.assertEqual(self.host.ask("cat /proc/[0-9]*/comm | grep lamppost").strip(), "")
        self.host.run("test -d /var/lib/lamppost/kv-A && test -s /etc/lamppost/kv-A.env")
        self.install()
        self.host.run("systemctl start lamppost-kv@A")
        self.assertEqual(self.host.run("lamppost get x").strip(), "10")
        self.host.run("dpkg --purge lamppost")
        self.host.run("test ! -e /var/lib/lamppost && test ! -e /etc/lamppost")
        self.assertEqual(self.host.ask("ls /etc/systemd/system/multi-user.target.wants | grep lamppost").strip(), "")

    def test_the_function_server_runs_programs_within_its_bounds(self):
        self.install()
        self.host.write("/usr/local/lib/functions/who.sh", """#!/bin/sh\nprintf '"%s"' "$(id -un)"\n""")
        self.host.write("/usr/local/lib/functions/who.json", """{"name": "who", "command": ["./who.sh"]}""")
        self.host.run("chmod -R a+rX /usr/local/lib/functions; chmod 755 /usr/local/lib/functions/who.sh")
        self.host.write("/etc/lamppost/rpc.env", "LAMPPOST_RPC_PORT=5000\nLAMPPOST_RPC_FUNCTIONS_DIR=/usr/local/lib/functions\n")
        self.host.run("systemctl enable --now lamppost-rpc")
        self.assertIn("3", self.host.run("lamppost call add a=1 b=2"))
        self.assertIn("lamppost", self.host.run("lamppost call who -o json"))
        before = self.host.run("systemctl show -P MainPID lamppost-rpc").strip()
        self.host.run("systemctl kill -s KILL lamppost-rpc")
        hosts.wait_for(
            "the function server",
            lambda: self.host.ask("systemctl show -P MainPID lamppost-rpc").strip() not in ("0", before)
            and self.host.ask("systemctl is-active lamppost-rpc").strip() == "active",
        )
        self.assertIn("3", self.host.run("lamppost call add a=1 b=2"))

    def test_the_page_shows_what_works(self):
        self.host.copy_in(PACKAGE, "/root/" + os.path.basename(PACKAGE))
        with open(PAGE, encoding="utf-8") as page:
            blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", page.read())
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            # A host under test has no network to ask for packages in; what this one depends on is there.
            self.host.run("cd /root; set -e\n" + block.replace("apt-get install", "dpkg -i"))
        self.assertEqual(self.host.run("lamppost get x").strip(), "10")

    def test_the_units_are_sound_and_hardened(self):
        self.install()
        units = "lamppost-kv@A.service lamppost-rpc.service"
        self.assertEqual(self.host.run(f"systemd-analyze verify --man=no {units}").strip(), "")
        for unit in units.split():
            rating = self.host.ask(f"systemd-analyze security --no-pager {unit} | tail -n 1")
            exposure = float(re.search(r": ([0-9.]+) ", rating).group(1))
            self.assertLessEqual(exposure, 1.2, unit)


if __name__ == "__main__":
    unittest.main()
