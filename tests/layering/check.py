"""Checks that the pure layers are pure: services/clock, services/kv/core, services/rpc/core and what they build on.

Their files may include only a list of standard headers, parts of Abseil and each other; through the
project's own headers this is followed to the end. They may not call what reads a clock, draws random
numbers, waits, or touches files, by whatever header it came. Their BUILD files may name only pure
libraries. Tests and test-only libraries may do more: they are left out.

usage: check.py TOP     prints each offence as "file:line: what"; exit status 1 if there is any
"""

import ast
import os
import re
import sys

# Every target of these packages is pure.
PURE_PACKAGES = ("services/clock", "services/kv/core", "services/kv/faults", "services/rpc/core")
# Single targets of mixed packages that are pure too.
PURE_TARGETS = (
    "//services/common:error",
    "//services/common:mutation",
    "//services/common:utf8",
    "//services/rpc/storage:record_table",
)
PURE_SYSTEM_LIBRARIES = (
    "@system//:absl",
    "@system//:crypto",
    "@system//:json",
    "@system//:valijson",
    "@system//:xxhash",
)

STANDARD_HEADERS = frozenset("""
    algorithm any array atomic bit bitset cassert cctype cerrno charconv climits cmath cstddef cstdint
    cstdlib cstring deque exception forward_list functional initializer_list iterator limits list map memory
    new numeric optional queue set stack stdexcept string string_view tuple type_traits typeindex
    unordered_map unordered_set utility variant vector
""".split())
# Computation only: hashes, JSON, JSON Schema.
PURE_LIBRARY_HEADERS = re.compile(r"xxhash\.h|openssl/sha\.h|nlohmann/json\.hpp|valijson/[a-z_/]+\.hpp")
# Assertions that stay on in release builds; the logging in the same header is refused by name below.
ASSERTIONS = "absl/base/internal/raw_logging.h"
IMPURE_ABSL = re.compile(r"absl/(time|synchronization|random|flags|debugging|log)/|/internal/")

IMPURE_NAMES = re.compile(
    r"""
    \babsl::(Now|SleepFor|GetCurrentTimeNanos|Mutex|MutexLock|CondVar|Notification|BitGen|InsecureBitGen)\b
  | \bstd::(thread|jthread|this_thread|async|future|promise|mutex|shared_mutex|recursive_mutex
           |condition_variable|chrono|filesystem|fstream|ifstream|ofstream|cin|cout|cerr|clog
           |random_device|rand|srand|time|clock|getenv|system|fopen|printf)\b
  | (?<![\w.>:])(?:::)?(?:clock_gettime|gettimeofday|nanosleep|usleep|rand|srand|rand_r|random|drand48
           |getrandom|getenv|fopen|pthread_\w+|printf|fprintf)\s*\(
  | (?<![\w.>:])(?:::)?time\s*\(\s*(?:nullptr|NULL|0|&)
  | \bABSL_(?:RAW|INTERNAL)_LOG\b
  | \bthread_local\b
  | \bgrpc::
  | \bgoogle::protobuf\b
    """,
    re.VERBOSE,
)

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def _blank(text):
    """As many lines, nothing on them."""
    return "\n" * text.count("\n")


def without_comments(text):
    return TOKENS.sub(lambda m: " " + _blank(m.group()) if m.group("comment") else m.group(), text)


def without_comments_and_literals(text):
    return TOKENS.sub(lambda m: " " + _blank(m.group()), text)


def _line(text, offset):
    return text.count("\n", 0, offset) + 1


class Rule:
    """One target of a BUILD file."""

    def __init__(self, package, kind, call):
        self.package = package
        self.kind = kind
        self.line = call.lineno
        self.arguments = {k.arg: k.value for k in call.keywords if k.arg}
        self.name = self._value("name", "")
        self.is_for_tests = kind.endswith("_test") or self._value("testonly", False) in (True, 1)

    def _value(self, key, default):
        node = self.arguments.get(key)
        return node.value if isinstance(node, ast.Constant) else default

    def strings(self, key):
        """The attribute as a list of strings, or None if it is anything but a plain list."""
        node = self.arguments.get(key)
        if node is None:
            return []
        try:
            value = ast.literal_eval(node)
        except ValueError:
            return None
        return value if isinstance(value, list) else None

    def label(self, text):
        """The full form of a label in this rule's attributes."""
        if text.startswith(":"):
            return "//%s%s" % (self.package, text)
        if text.startswith(("//", "@")) and ":" not in text:
            return "%s:%s" % (text, text.rsplit("/", 1)[-1])
        return text


def read_rules(top, package):
    """The targets of a package; its BUILD file, as Starlark, is Python to the parser."""
    path = os.path.join(top, package, "BUILD.bazel")
    with open(path, encoding="utf-8") as source:
        tree = ast.parse(source.read(), path)
    rules = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            kind = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            rule = Rule(package, kind, node)
            if rule.name:
                rules.append(rule)
    return rules


class Checker:
    def __init__(self, top):
        self._top = top
        self._seen = set()
        self.offences = []
        self.files_checked = 0

    def run(self):
        for package in PURE_PACKAGES:
            rules = read_rules(self._top, package)
            self._check_rules(rules)
            for name in sorted(self._sources(package, rules)):
                self._check_file(os.path.join(package, name))
        for target in PURE_TARGETS:
            package, name = target[2:].split(":")
            rules = [rule for rule in read_rules(self._top, package) if rule.name == name]
            if not rules:
                self._report(package + "/BUILD.bazel", 1, "%s is gone" % target)
            self._check_rules(rules)
            for rule in rules:
                for file in (rule.strings("srcs") or []) + (rule.strings("hdrs") or []):
                    self._check_file(os.path.join(package, file))
        return self.offences

    def _report(self, path, line, what):
        self.offences.append("%s:%d: %s" % (path, line, what))

    def _sources(self, package, rules):
        """All C++ files of the folder, but for those that tests alone name."""
        for_tests, for_all = set(), set()
        for rule in rules:
            named = for_tests if rule.is_for_tests else for_all
            for key in ("srcs", "hdrs", "textual_hdrs"):
                named.update(rule.strings(key) or [])
        for name in os.listdir(os.path.join(self._top, package)):
            if name.endswith((".cc", ".h", ".inc")) and name not in for_tests - for_all:
                # One that no BUILD file names yet is judged by its name.
                if name in for_all or not name.endswith("_test.cc"):
                    yield name

    def _check_rules(self, rules):
        allowed = set(PURE_TARGETS) | set(PURE_SYSTEM_LIBRARIES)
        for rule in rules:
            if rule.is_for_tests:
                continue
            path = rule.package + "/BUILD.bazel"
            for key in ("deps", "implementation_deps", "srcs", "hdrs", "textual_hdrs"):
                if rule.strings(key) is None:
                    self._report(path, rule.line, "%s: %s is not a plain list" % (rule.name, key))
            for dep in (rule.strings("deps") or []) + (rule.strings("implementation_deps") or []):
                label = rule.label(dep)
                package = label[2:].split(":")[0] if label.startswith("//") else None
                if label not in allowed and package not in PURE_PACKAGES:
                    self._report(path, rule.line, "%s depends on %s, which is not pure" % (rule.name, dep))

    def _check_file(self, path):
        if path in self._seen:
            return
        self._seen.add(path)
        self.files_checked += 1
        with open(os.path.join(self._top, path), encoding="utf-8") as source:
            text = source.read().replace("\\\n", "\n")
        code = without_comments(text)
        for match in INCLUDE.finditer(code):
            self._check_include(path, _line(code, match.start()), match.group(1))
        bare = without_comments_and_literals(text)
        for match in IMPURE_NAMES.finditer(bare):
            self._report(path, _line(bare, match.start()), "uses " + match.group().strip().rstrip("( "))

    def _check_include(self, path, line, what):
        match = re.fullmatch(r'<([^>]+)>|"([^"]+)"', what)
        if not match:
            self._report(path, line, "includes %s, which cannot be followed" % what)
            return
        header = match.group(1) or match.group(2)
        if header in STANDARD_HEADERS or header == ASSERTIONS or PURE_LIBRARY_HEADERS.fullmatch(header):
            return
        if header.startswith("absl/") and not IMPURE_ABSL.search(header):
            return
        if header.startswith("services/") and os.path.isfile(os.path.join(self._top, header)):
            self._check_file(header)
            implementation = os.path.splitext(header)[0] + ".cc"
            if os.path.isfile(os.path.join(self._top, implementation)):
                self._check_file(implementation)
            return
        self._report(path, line, "includes %s, which is not on the list of pure headers" % header)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    checker = Checker(arguments[0])
    for offence in checker.run():
        print(offence)
    print("%d files checked, %d offences" % (checker.files_checked, len(checker.offences)))
    return 1 if checker.offences or not checker.files_checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
