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

    def test_no_symbol_is_newer_than_ubuntu_22_04(self):
        for name in PROGRAMS:
            symbols = output_of("objdump", "-T", self.program(name))
            wanted = set(re.findall(r"\b(GLIBC|GLIBCXX|CXXABI)_([0-9.]+)\b", symbols))
            self.assertTrue(wanted, name)
            for family, version in wanted:
                self.assertLessEqual(tuple(map(int, version.split("."))), NEWEST[family], (name, family))

    def test_only_libraries_that_every_system_has_are_needed(self):
        for name in PROGRAMS:
            needed = set(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", self.program(name))))
            self.assertLessEqual(needed, LIBRARIES, name)

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
