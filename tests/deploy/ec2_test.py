"""What the CloudFormation template has its instances do, done by hosts under test: its user data, as it stands there."""

import functools
import hashlib
import http.server
import os
import re
import threading
import unittest

import hosts

PACKAGE = os.environ["LAMPPOST_PACKAGE"]
CACHE = os.environ["LAMPPOST_HOSTS"]
TEMPLATE = os.path.join(os.environ["LAMPPOST_TOP"], "deploy", "ec2", "lamppost.yaml")
PORTS = {"A": 8000, "B": 8001, "C": 8002}
DEVICE_BYTES = 300 << 20


def user_data():
    """The script of the template's mapping."""
    with open(TEMPLATE, encoding="utf-8") as file:
        text = re.search(r"(?m)^      Text: \|\n((?:        .*\n|\n)+)", file.read()).group(1)
    return re.sub(r"(?m)^        ", "", text)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


class Ec2Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            hosts.check_usable()
            names = ["lp-ec2-a", "lp-ec2-b", "lp-ec2-c", "lp-ec2-rpc"]
            cls.hosts = hosts.Hosts(names, CACHE, device_bytes=DEVICE_BYTES).__enter__()
        except hosts.Unusable as reason:
            raise unittest.SkipTest(str(reason))
        cls.addClassCleanup(cls.hosts.__exit__, None, None, None)
        handler = functools.partial(QuietHandler, directory=os.path.dirname(PACKAGE))
        cls.server = http.server.ThreadingHTTPServer((cls.hosts.outside, 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.shutdown)

    def run_user_data(self, name, variables):
        with open(PACKAGE, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        variables = dict(
            variables,
            PACKAGE_URL=f"http://{self.hosts.outside}:{self.server.server_port}/{os.path.basename(PACKAGE)}",
            PACKAGE_SHA256=digest,
            DATA_DISK=self.hosts.device(name),
        )
        lines = "".join(f"{key}='{value}'\n" for key, value in variables.items())
        self.hosts[name].write("/root/user-data", "#!/bin/bash\n" + lines + user_data())
        self.hosts[name].run("chmod 700 /root/user-data && /root/user-data")

    def address(self, node):
        return f"http://{self.hosts['lp-ec2-' + node.lower()].address}:{PORTS[node]}"

    def test_four_instances_become_a_cluster_and_a_function_server(self):
        for node, port in PORTS.items():
            peers = ",".join(self.address(other) for other in PORTS if other != node)
            variables = {"ROLE": "kv", "NODE_ID": node, "PORT": port, "PEERS": peers, "CLUSTER": "ec2"}
            self.run_user_data("lp-ec2-" + node.lower(), variables)
        self.run_user_data("lp-ec2-rpc", {"ROLE": "rpc", "PORT": 5000})
        client = self.hosts["lp-ec2-rpc"]
        client.run(f"lamppost --node {self.address('A')} put x 10 --replicas 3")
        self.assertEqual(client.run(f"lamppost --node {self.address('C')} get x").strip(), "10")
        server = self.hosts["lp-ec2-rpc"].address
        self.assertIn("3", self.hosts["lp-ec2-a"].run(f"lamppost --server {server}:5000 call add a=1 b=2"))
        for host in self.hosts:
            self.assertEqual(host.run("findmnt -no FSTYPE /var/lib/lamppost").strip(), "ext4")
            self.assertIn("LABEL=lamppost", host.run("cat /etc/fstab"))
        self.assertEqual(self.hosts["lp-ec2-b"].run("systemctl is-enabled lamppost-kv@B").strip(), "enabled")

    def test_another_package_is_not_installed(self):
        host = self.hosts["lp-ec2-rpc"]
        host.write("/root/wrong", "PACKAGE_URL='http://%s:%d/%s' PACKAGE_SHA256=%s\n%s" % (
            self.hosts.outside, self.server.server_port, os.path.basename(PACKAGE), "0" * 64,
            user_data().replace("prepare_disk\ninstall_package", "install_package"),
        ))
        self.assertEqual(host.ask("bash /root/wrong >/dev/null 2>&1; echo $?").strip(), "1")


if __name__ == "__main__":
    unittest.main()
