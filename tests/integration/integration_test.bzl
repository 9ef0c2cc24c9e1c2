"""Tests that start whole programs."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def integration_test(name, harness = "//tests/integration/testing:cluster", size = "medium", tags = [], data = [], deps = []):
    """A GoogleTest in NAME.cc over real nodes, or whatever the harness starts.

    Args:
      name: the target, and the source without .cc.
      harness: the library that starts the programs, and brings them along.
      size: as in cc_test.
      tags: beside those that all of them have.
      data: programs beside those of the harness.
      deps: beside the harness.
    """
    cc_test(
        name = name,
        size = size,
        srcs = [name + ".cc"],
        data = data,
        tags = [
            "integration",
            "noasan",
        ] + tags,
        deps = [
            harness,
            "//tests/integration/testing:process",
            "@system//:absl",
            "@system//:gtest",
            "@system//:gmock",
        ] + deps,
    )
