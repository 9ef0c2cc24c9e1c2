"""Tests that start lamppost-rpc."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def rpc_test(name, size = "medium", tags = [], data = [], deps = []):
    """A GoogleTest in NAME.cc over real servers.

    Args:
      name: the target, and the source without .cc.
      size: as in cc_test.
      tags: beside those that all of them have.
      data: programs beside lamppost-rpc.
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
            "//tests/integration/rpc/testing:rpc_server",
            "//tests/integration/testing:process",
            "@system//:absl",
            "@system//:gmock",
            "@system//:gtest",
        ] + deps,
    )
