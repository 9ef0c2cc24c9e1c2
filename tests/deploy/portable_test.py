"""What is in the package: programs that run on older systems too, and what Debian wants of a package."""

import os
import re
import subprocess
import tempfile
import unittest

PACKAGE = os.environ["LAMPPOST_PACKAGE"]
PROGRAMS = ["lamppost", "lamppost-kv", "lamppost-rpc"]
# Ubuntu 22.04's.
NEWEST = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13)}
# What the package brings along, for the servers alone.
BUNDLED = {
    "libprometheus-cpp-pull.so.1.0", "libprometheus-cpp-core.so.1.0", "libcivetweb-cpp.so.1", "libcivetweb.so.1", "libz.so.1",
}
SERVERS = ["lamppost-kv", "lamppost-rpc"]
LIBRARIES = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libsystemd.so.0", "ld-linux-x86-64.so.2"}


def output_of(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


class PortableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(work.cleanup)
        cls.root = work.name
        output_of("dpkg-deb", "-x", PACKAGE, cls.root)

    def program(self, name):
        return os.path.join(self.root, "usr/bin", name)

    def library(self, name):
        return os.path.join(self.root, "usr/lib/lamppost", name)

    def test_no_symbol_is_newer_than_ubuntu_22_04(self):
        for name in [self.program(name) for name in PROGRAMS] + [self.library(name) for name in BUNDLED]:
            symbols = output_of("objdump", "-T", name)
            wanted = set(re.findall(r"\b(GLIBC|GLIBCXX|CXXABI)_([0-9.]+)\b", symbols))
            self.assertTrue(wanted, name)
            for family, version in wanted:
                self.assertLessEqual(tuple(map(int, version.split("."))), NEWEST[family], (name, family))

    def test_only_libraries_that_every_system_has_are_needed(self):
        for name in PROGRAMS:
            bundled = BUNDLED if name in SERVERS else set()
            needed = set(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", self.program(name))))
            self.assertLessEqual(needed, LIBRARIES | bundled, name)
            # Each by its own name: what only another library asks for is not looked for in the same place.
            self.assertLessEqual(bundled, needed, name)
        for name in BUNDLED:
            needed = set(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", self.library(name))))
            self.assertLessEqual(needed, LIBRARIES | BUNDLED, name)

    def test_the_servers_take_the_packages_libraries(self):
        for name in SERVERS:
            found = dict(re.findall(r"(\S+) => (\S+)", output_of("ldd", self.program(name))))
            for library in BUNDLED:
                self.assertEqual(os.path.realpath(found[library]), os.path.realpath(self.library(library)), name)

    def test_the_package_depends_on_nothing_that_ubuntu_22_04_lacks(self):
        depends = output_of("dpkg-deb", "-f", PACKAGE, "Depends")
        self.assertEqual(set(re.findall(r"(?:^|, )([a-z0-9.+-]+)", depends)),
                         {"libc6", "libgcc-s1", "libstdc++6", "libsystemd0", "systemd"}, depends)

    def test_the_libraries_licences_are_there(self):
        folder = os.path.join(self.root, "usr/share/doc/lamppost/licences")
        self.assertEqual(set(os.listdir(folder)), {
            "libcivetweb1", "libprometheus-cpp-core1.0", "libprometheus-cpp-pull1.0", "zlib1g",
        })

    def test_the_programs_are_the_packages_version(self):
        version = output_of("dpkg-deb", "-f", PACKAGE, "Version").strip()
        for name in PROGRAMS:
            self.assertEqual(output_of(self.program(name), "--version").strip(), f"{name} {version}")

    def test_lintian_finds_no_fault(self):
        done = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", "error,warning", PACKAGE], check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_sample_settings_are_what_the_programs_take(self):
        for program, file in [("lamppost-kv", "kv.env"), ("lamppost-rpc", "rpc.env")]:
            path = os.path.join(self.root, "usr/share/doc/lamppost/examples", file)
            with open(path, encoding="utf-8") as lines:
                names = re.findall(r"(?m)^#?(LAMPPOST_\w+)=", lines.read())
            self.assertTrue(names)
            known = output_of(self.program(program), "--help")
            for name in names:
                self.assertIn(f"(Env:{name})", known)


if __name__ == "__main__":
    unittest.main()
