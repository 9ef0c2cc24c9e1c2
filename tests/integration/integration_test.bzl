"""Tests that start whole programs."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def integration_test(name, size = "medium", tags = [], data = [], deps = []):
    """A GoogleTest in NAME.cc over real nodes.

    Args:
      name: the target, and the source without .cc.
      size: as in cc_test.
      tags: beside those that all of them have.
      data: programs beside lamppost-kv.
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
            "//tests/integration/testing:cluster",
            "//tests/integration/testing:process",
            "@system//:absl",
            "@system//:gtest",
            "@system//:gmock",
        ] + deps,
    )
