"""Hosts with a systemd of their own, on one machine: systemd-nspawn containers on a bridge.

All of it needs root. What a test makes here (directories, processes, the bridge) it takes away again, also after
a failure. Not for use by several threads at a time, but for Host.run.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import zlib

SUITE = "bookworm"
# Beside a minimal Debian: systemd, what the package depends on, so that hosts need no network, and what every cloud
# image has.
PACKAGES = "systemd,systemd-sysv,dbus,iproute2,libstdc++6,bash-completion,curl"
NETWORK = "10.77.{}."


class Unusable(Exception):
    """This machine cannot have hosts; the reason is the text."""


def _run(command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def _quiet(command):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def check_usable():
    """Raises Unusable unless hosts can be had here."""
    if os.geteuid() != 0:
        raise Unusable("only root can have hosts")
    for tool in ["debootstrap", "systemd-nspawn", "nft", "ip", "nsenter"]:
        if shutil.which(tool) is None:
            raise Unusable(f"there is no {tool}")
    name = _bridge_name(0)
    tried = _quiet(["ip", "link", "add", name, "type", "bridge"])
    if tried.returncode != 0:
        raise Unusable("no bridge can be made here: " + tried.stdout.strip())
    _quiet(["ip", "link", "del", name])


def check_boots(cache):
    """Raises Unusable unless a host boots here, with what the units ask for: a machine may have every tool and not
    let a container have mounts or namespaces of its own."""
    try:
        with Hosts(["lp-probe"], cache, data_bytes=16 << 20, device_bytes=1 << 20, boot_limit_s=60) as probe:
            host = probe["lp-probe"]
            host.run(
                "systemd-run --wait --quiet -p PrivateUsers=yes -p ProtectSystem=strict -p PrivateDevices=yes "
                "-p ProtectProc=invisible -p SetCredential=key:value true"
            )
            host.network(["nft", "add", "table", "inet", "probe"])
    except (AssertionError, OSError, subprocess.SubprocessError) as reason:
        raise Unusable("no host can be had here: " + " ".join(str(reason).split())[-300:]) from reason


def wait_for(what, condition, limit_s=30):
    """Returns what `condition` gives once that is true; fails if it is not within the limit."""
    end = time.monotonic() + limit_s
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s in vain for {what}")
        time.sleep(0.1)


def base_image(cache):
    """A directory with the system that hosts are copies of; made once."""
    base = os.path.join(cache, f"{SUITE}-{zlib.crc32(PACKAGES.encode()):08x}")
    if os.path.exists(os.path.join(base, ".complete")):
        return base
    shutil.rmtree(base, ignore_errors=True)
    os.makedirs(cache, exist_ok=True)
    made = _quiet(["debootstrap", "--variant=minbase", "--include=" + PACKAGES, SUITE, base])
    if made.returncode != 0:
        raise Unusable("debootstrap cannot make a system: " + made.stdout.strip().splitlines()[-1])
    units = os.path.join(base, "etc/systemd/system/multi-user.target.wants")
    os.makedirs(units, exist_ok=True)
    os.symlink("/lib/systemd/system/systemd-networkd.service", os.path.join(units, "systemd-networkd.service"))
    with open(os.path.join(base, ".complete"), "w", encoding="utf-8"):
        pass
    return base


def _bridge_name(number):
    return f"lamppost{os.getpid() % 100000}{number}"[:15]


class Host:
    """One host: `run` is its root's shell."""

    def __init__(self, name, address, directory, bridge, binds, boot_limit_s):
        self.name = name
        self.address = address
        self.directory = directory
        self._bridge = bridge
        self._binds = binds
        self._boot_limit_s = boot_limit_s
        self._nspawn = None
        self._init = None
        self._write("etc/hostname", name + "\n")
        self._write(
            "etc/systemd/network/10-host0.network",
            f"[Match]\nName=host0\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        )

    def _write(self, path, text):
        path = os.path.join(self.directory, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def boot(self):
        command = ["systemd-nspawn", "--quiet", "-D", self.directory, "-M", self.name, "--boot", "--register=no"]
        command += ["--keep-unit", "--console=pipe", "--network-bridge=" + self._bridge, "--timezone=off"]
        command += [f"--bind={outside}:{inside}" for outside, inside in self._binds]
        with open(self.directory + ".console", "ab") as console:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        wait_for(self.name + " to boot", self._is_up, self._boot_limit_s)

    def _children(self):
        with open(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children", encoding="utf-8") as file:
            return [int(child) for child in file.read().split()]

    def _is_up(self):
        if self._nspawn.poll() is not None:
            with open(self.directory + ".console", encoding="utf-8", errors="replace") as console:
                raise AssertionError(f"{self.name} does not boot:\n{console.read()[-2000:]}")
        # The first child only makes the second, which is the init.
        children = self._children()
        if not children:
            return False
        self._init = children[-1]
        return self.ask("systemctl is-system-running").strip() in ("running", "degraded")

    def _shell(self, script):
        enter = ["nsenter", "-t", str(self._init), "-m", "-p", "-n", "-u", "-i"]
        environment = ["env", "-C", "/", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return enter + environment + ["DEBIAN_FRONTEND=noninteractive", "bash", "-c", script]

    def run(self, script, limit_s=120):
        """What the script prints; it must succeed."""
        done = subprocess.run(
            self._shell(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, timeout=limit_s, check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: '{script}' ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def ask(self, script, limit_s=120):
        """What the script prints on stdout, whether it succeeds or not."""
        return subprocess.run(
            self._shell(script), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            text=True, timeout=limit_s, check=False,
        ).stdout

    def copy_in(self, source, target):
        shutil.copy(source, os.path.join(self.directory, target.lstrip("/")))

    def write(self, path, text):
        self._write(path.lstrip("/"), text)

    def network(self, command):
        """Runs a command of the outside in the host's network, such as nft."""
        _run(["nsenter", "-t", str(self._init), "-n"] + command)

    def is_on(self):
        return self._init is not None

    def power_off(self):
        """Nothing is saved, no process is asked."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            return
        for pid in self._children() + [self._nspawn.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._nspawn.wait(30)
        self._init = None
        # Its end of the cable stays for a while by itself.
        _quiet(["ip", "link", "del", f"vb-{self.name}"[:15]])


class Hosts:
    """Some hosts on one bridge. A context manager."""

    def __init__(self, names, cache, data_bytes=None, device_bytes=None, boot_limit_s=120):
        """data_bytes: of a disk for each host's /var/lib/lamppost; none of its own if it is not given.
        device_bytes: of an empty block device for each; none if it is not given."""
        self._names = names
        self._cache = cache
        self._data_bytes = data_bytes
        self._device_bytes = device_bytes
        self._boot_limit_s = boot_limit_s
        self._mounts = []
        self._devices = {}
        self._by_name = {}

    def __enter__(self):
        base = base_image(self._cache)
        self._work = tempfile.mkdtemp(prefix="hosts.", dir=self._cache)
        self._make_bridge()
        try:
            for i, name in enumerate(self._names):
                directory = os.path.join(self._work, name)
                _run(["cp", "-a", "--reflink=auto", base, directory])
                binds = self._make_disk(name) + self._make_device(name)
                host = Host(name, f"{self._network}{i + 1}", directory, self.bridge, binds, self._boot_limit_s)
                self._by_name[name] = host
                host.boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        for host in self._by_name.values():
            host.power_off()
        for mount in self._mounts:
            _quiet(["umount", mount])
        for device in self._devices.values():
            _quiet(["losetup", "-d", device])
        _quiet(["ip", "link", "del", self.bridge])
        shutil.rmtree(self._work, ignore_errors=True)

    def _make_bridge(self):
        """A network that nobody here has yet."""
        for number in range(250):
            self.bridge = _bridge_name(number)
            self._network = NETWORK.format(number)
            if self._network in _quiet(["ip", "-4", "addr"]).stdout:
                continue
            if _quiet(["ip", "link", "add", self.bridge, "type", "bridge"]).returncode != 0:
                continue
            _run(["ip", "addr", "add", self._network + "254/24", "dev", self.bridge])
            _run(["ip", "link", "set", self.bridge, "up"])
            return
        raise Unusable("no network is free")

    def _make_disk(self, name):
        if self._data_bytes is None:
            return []
        disk = os.path.join(self._work, name + ".disk")
        os.makedirs(disk)
        _run(["mount", "-t", "tmpfs", "-o", f"size={self._data_bytes},mode=0755", "lamppost", disk])
        self._mounts.append(disk)
        return [(disk, "/var/lib/lamppost")]

    def _make_device(self, name):
        if self._device_bytes is None:
            return []
        file = os.path.join(self._work, name + ".device")
        with open(file, "wb") as empty:
            empty.truncate(self._device_bytes)
        made = _quiet(["losetup", "--find", "--show", file])
        if made.returncode != 0:
            raise Unusable("there are no loop devices: " + made.stdout.strip())
        self._devices[name] = made.stdout.strip()
        return [(self._devices[name], self._devices[name])]

    def device(self, name):
        """Its path on the host, and outside."""
        return self._devices[name]

    @property
    def outside(self):
        """The address of this machine on the hosts' network."""
        return self._network + "254"

    def disk(self, name):
        """Where the outside sees the host's disk."""
        return os.path.join(self._work, name + ".disk")

    def __getitem__(self, name):
        return self._by_name[name]

    def __iter__(self):
        return iter(self._by_name.values())

    def cut(self, one, other):
        """Drops all that the two send to each other."""
        for here, there in [(one, other), (other, one)]:
            host, address = self[here], self[there].address
            host.network(["nft", "add", "table", "inet", "cut"])
            host.network(["nft", "add", "chain", "inet", "cut", "in", "{ type filter hook input priority 0; }"])
            host.network(["nft", "add", "rule", "inet", "cut", "in", "ip", "saddr", address, "drop"])

    def heal(self):
        for host in self:
            if host.is_on():
                host.network(["nft", "flush", "ruleset"])
