"""The pure layers are pure, and check.py would notice if they were not."""

import os
import tempfile
import unittest

from tests.layering import check

# The project's own folder, wherever Bazel runs this: the file here is a link to the one there.
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

CLEAN = {
    "services/clock/BUILD.bazel": 'cc_library(name = "clock", hdrs = ["clock.h"], deps = ["@system//:absl"])',
    "services/clock/clock.h": "#include <atomic>\n",
    "services/common/BUILD.bazel": (
        'cc_library(name = "error", srcs = ["error.cc"], deps = ["@system//:absl"])\n'
        'cc_library(name = "mutation", hdrs = ["mutation.h"])\n'
        'cc_library(name = "server", hdrs = ["server.h"], deps = ["@system//:grpc"])\n'
        'cc_library(name = "utf8", srcs = ["utf8.cc"], deps = ["@system//:absl"])\n'
    ),
    "services/common/error.cc": '#include "absl/status/status.h"\n',
    "services/common/mutation.h": "#include <optional>\n",
    "services/common/utf8.cc": "#include <string>\n",
    "services/common/server.h": "#include <thread>\n",
    "services/kv/faults/BUILD.bazel": 'cc_library(name = "link_faults", hdrs = ["link_faults.h"])\n',
    "services/kv/faults/link_faults.h": "#include <map>\n",
    "services/kv/core/BUILD.bazel": (
        'cc_library(name = "replica", srcs = ["replica.cc"], hdrs = ["replica.h"],\n'
        '    deps = [":heads", "//services/clock", "//services/common:error", "@system//:xxhash"])\n'
        'cc_library(name = "heads", hdrs = ["heads.h"])\n'
        'cc_library(name = "script", testonly = True, srcs = ["script.cc"], deps = ["@system//:gtest"])\n'
        'cc_test(name = "replica_test", srcs = ["replica_test.cc"], deps = ["@system//:gtest"])\n'
    ),
    "services/kv/core/replica.h": '#include "services/kv/core/heads.h"\n#include "services/clock/clock.h"\n',
    "services/kv/core/replica.cc": (
        '#include "services/kv/core/replica.h"\n'
        "// absl::Now() and std::thread are only spoken of here. #include <thread>\n"
        "/* #include <mutex>\n#include <chrono> */\n"
        'const char* kText = "std::mutex // time(nullptr)";\n'
        'const char* kRaw = R"x(\n#define rand() 4\nrand();)x";\n'
        "const long kBig = 1'000'000; int time_ms(int); int x = operand(3) + a.rand(2) + clock().now();\n"
    ),
    "services/kv/core/heads.h": '#include <map>\n#include "absl/strings/str_cat.h"\n#include "xxhash.h"\n'
    '#include "absl/base/internal/raw_logging.h"\nvoid f() { ABSL_RAW_CHECK(true, "x"); }\n',
    "services/kv/core/script.cc": "#include <fstream>\n",
    "services/kv/core/replica_test.cc": "#include <thread>\n",
    "services/rpc/core/BUILD.bazel": (
        'cc_library(name = "engine", srcs = ["engine.cc"], deps = ["@system//:crypto", "@system//:valijson"])\n'
    ),
    "services/rpc/core/engine.cc": (
        "#include <openssl/sha.h>\n#include <nlohmann/json.hpp>\n#include <valijson/schema.hpp>\n"
    ),
    "services/rpc/storage/BUILD.bazel": (
        'cc_library(name = "record_table", srcs = ["record_table.cc"])\n'
        'cc_library(name = "etcd_request_store", srcs = ["etcd.cc"], deps = ["@system//:grpc"])\n'
    ),
    "services/rpc/storage/record_table.cc": "#include <map>\n",
}


class LayeringTest(unittest.TestCase):
    def check(self, changes):
        """The offences in a small project that is clean but for the changes."""
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as top:
            for path, text in {**CLEAN, **changes}.items():
                os.makedirs(os.path.join(top, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return check.Checker(top).run()

    def assert_caught(self, changes, *parts):
        offences = self.check(changes)
        self.assertEqual(len(offences), 1, offences)
        for part in parts:
            self.assertIn(part, offences[0])

    def test_the_project_is_pure(self):
        checker = check.Checker(TOP)
        self.assertEqual(checker.run(), [])
        # Not by having looked at nothing.
        self.assertIn("services/clock/lamport_clock.cc", checker._seen)
        self.assertIn("services/common/error.cc", checker._seen)
        self.assertIn("services/kv/core/store.h", checker._seen)

    def test_the_clean_example_is_clean(self):
        self.assertEqual(self.check({}), [])

    def test_each_forbidden_header_is_caught(self):
        for header in (
            "thread mutex shared_mutex condition_variable future chrono ctime fstream iostream filesystem "
            "random cstdio unistd.h sys/stat.h time.h pthread.h grpcpp/grpcpp.h "
            "google/protobuf/message.h rocksdb/db.h spdlog/spdlog.h absl/time/clock.h "
            "absl/synchronization/mutex.h absl/random/random.h absl/base/internal/spinlock.h"
        ).split():
            with self.subTest(header=header):
                self.assert_caught(
                    {"services/kv/core/heads.h": "#include <map>\n#include <%s>\n" % header},
                    "services/kv/core/heads.h:2: includes " + header,
                )

    def test_odd_spellings_of_an_include_are_caught(self):
        for line in ("#  include   <thread>", "# include <thread>  // why", "#include /* x */ <thread>"):
            with self.subTest(line=line):
                self.assert_caught({"services/clock/clock.h": line + "\n"}, "clock.h:1", "thread")
        self.assert_caught({"services/clock/clock.h": "#include HEADER\n"}, "cannot be followed")
        self.assert_caught({"services/clock/clock.h": "#include \\\n<thread>\n"}, "cannot be followed")

    def test_a_generated_proto_header_is_caught(self):
        header = "lamppost/kv/v1/types.pb.h"
        self.assert_caught({"services/kv/core/heads.h": '#include "%s"\n' % header}, header)

    def test_a_header_reached_through_others_is_caught(self):
        self.assert_caught(
            {"services/kv/core/heads.h": '#include "services/common/server.h"\n'},
            "services/common/server.h:1: includes thread",
        )

    def test_the_implementation_of_a_header_that_is_reached_is_checked(self):
        self.assert_caught(
            {
                "services/kv/core/heads.h": '#include "services/common/names.h"\n',
                "services/common/names.h": "#include <string>\n",
                "services/common/names.cc": "#include <fstream>\n",
            },
            "services/common/names.cc:1: includes fstream",
        )

    def test_a_file_that_no_target_names_is_checked(self):
        self.assert_caught({"services/kv/core/new.cc": "#include <mutex>\n"}, "new.cc:1: includes mutex")

    def test_a_test_file_that_a_library_takes_in_is_checked(self):
        build = CLEAN["services/kv/core/BUILD.bazel"].replace('"heads.h"', '"heads.h", "script.cc"')
        self.assert_caught({"services/kv/core/BUILD.bazel": build}, "script.cc:1: includes fstream")

    def test_each_forbidden_call_is_caught(self):
        for call in (
            "absl::Now()",
            "absl::SleepFor(x)",
            "time(nullptr)",
            "::time(0)",
            "std::time(nullptr)",
            "clock_gettime(CLOCK_REALTIME, &t)",
            "rand()",
            "std::rand()",
            "std::chrono::steady_clock::now()",
            "std::thread t",
            "std::mutex m",
            "ABSL_RAW_LOG(INFO, text)",
            "thread_local int x",
            "getenv(name)",
            "fopen(name, mode)",
            "grpc::Status()",
        ):
            with self.subTest(call=call):
                self.assert_caught({"services/kv/core/replica.cc": "\nauto x = 1; %s;\n" % call}, "replica.cc:2: uses")

    def test_an_impure_dependency_is_caught(self):
        for dep in ("@system//:grpc", "//services/common:server", "//proto/lamppost/kv/v1:kv", "@system//:rocksdb"):
            with self.subTest(dep=dep):
                self.assert_caught(
                    {"services/clock/BUILD.bazel": 'cc_library(name = "clock", deps = ["%s"])' % dep},
                    "services/clock/BUILD.bazel:1: clock depends on " + dep,
                )

    def test_a_dependency_that_cannot_be_read_is_caught(self):
        text = 'cc_library(name = "clock", deps = ["@system//:absl"] + select({}))'
        self.assert_caught({"services/clock/BUILD.bazel": text}, "deps is not a plain list")

    def test_the_error_library_must_be_pure_too(self):
        text = CLEAN["services/common/BUILD.bazel"].replace("system//:absl", "system//:grpc", 1)
        self.assert_caught({"services/common/BUILD.bazel": text}, "error depends on @system//:grpc")
        self.assert_caught({"services/common/error.cc": "#include <ctime>\n"}, "error.cc:1: includes ctime")


if __name__ == "__main__":
    unittest.main()
