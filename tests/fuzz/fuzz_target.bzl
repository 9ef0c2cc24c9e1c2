"""A fuzz target: one libFuzzer program, and one plain test over the same function and corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

def fuzz_target(name, deps):
    """Makes NAME_fuzz, which ./run fuzz builds and runs, and NAME_fuzz_test, which is an ordinary test.

    Args:
      name: what is fuzzed; NAME_fuzz.cc defines LLVMFuzzerTestOneInput, corpus/NAME/ has its inputs.
      deps: of NAME_fuzz.cc, beside the shared header.
    """
    cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + "_fuzz.cc"],
        deps = deps + [":fuzz"],
        alwayslink = True,
    )

    # Only with --config=fuzz, which compiles everything with clang and counts edges.
    cc_binary(
        name = name + "_fuzz",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_target"],
    )
    cc_test(
        name = name + "_fuzz_test",
        args = ["$(locations :%s_corpus)" % name],
        data = [":%s_corpus" % name],
        deps = [
            ":replay",
            ":" + name + "_target",
        ],
    )
    native.filegroup(
        name = name + "_corpus",
        srcs = native.glob(["corpus/%s/*" % name]),
    )
