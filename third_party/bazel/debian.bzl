"""Repositories made from Debian's packages: rules_cc, the system libraries, the protocol compilers."""

_TOOLCHAIN_TYPE = "[\"@bazel_tools//tools/cpp:toolchain_type\"]"

def _debian_rules_cc_impl(ctx):
    # Debian's copy loads a symbol, use_cpp_toolchain, that its own Bazel (4.2.3) does not have.
    # Everything is linked as it is, but for the two files that load it, which are rewritten.
    root = "/usr/share/bazel/rules/cc"
    rewritten = [
        "cc/private/rules_impl/cc_flags_supplier.bzl",
        "cc/private/rules_impl/compiler_flag.bzl",
    ]
    listing = ctx.execute(["find", ".", "-type", "f", "-o", "-type", "l"], working_directory = root)
    if listing.return_code != 0:
        fail("package bazel-rules-cc is missing: " + listing.stderr)
    for path in listing.stdout.splitlines():
        path = path[2:]
        if path in rewritten:
            text = ctx.read(root + "/" + path)
            text = text.replace(", \"use_cpp_toolchain\"", "")
            text = text.replace("use_cpp_toolchain()", _TOOLCHAIN_TYPE)
            ctx.file(path, text)
        else:
            ctx.symlink(root + "/" + path, path)

debian_rules_cc = repository_rule(
    implementation = _debian_rules_cc_impl,
    local = True,
)

def _empty_coverage_tools_impl(ctx):
    # Without it, `bazel test` tries to download a coverage reporter that no test here uses.
    ctx.file("WORKSPACE", "")
    ctx.file("BUILD.bazel", """
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""")

empty_coverage_tools = repository_rule(implementation = _empty_coverage_tools_impl)

# Bazel target name -> pkg-config module; None: header only.
_PKG_CONFIG = {
    "benchmark": "benchmark",
    "cli11": None,
    "crypto": "libcrypto",
    "gmock": "gmock",
    "grpc": "grpc++",
    "gtest": "gtest_main",
    "json": None,
    "protobuf": "protobuf",
    "rocksdb": "rocksdb",
    "spdlog": "spdlog",
    "systemd": "libsystemd",
    "tcmalloc": "libtcmalloc_minimal",
    "valijson": None,
    "xxhash": None,
}

def _pkg_config_libs(ctx, module):
    result = ctx.execute(["pkg-config", "--libs", module])
    if result.return_code != 0:
        fail("pkg-config does not know %s (./run installs what is needed): %s" % (module, result.stderr))
    return [word for word in result.stdout.split(" ") if word.strip()]

def _absl_libs(ctx):
    # One target for all of Abseil: the linker takes only what is used (--as-needed).
    listing = ctx.execute(["sh", "-c", "pkg-config --list-package-names | grep ^absl_ | sort"])
    names = [name for name in listing.stdout.split("\n") if name]
    if not names:
        fail("pkg-config knows no Abseil library: is libabsl-dev installed?")
    result = ctx.execute(["pkg-config", "--libs"] + names)
    return [word.strip() for word in result.stdout.split(" ") if word.strip()]

def _cc_library(name, linkopts, defines = []):
    return """
cc_library(
    name = "%s",
    defines = %s,
    linkopts = %s,
    visibility = ["//visibility:public"],
)
""" % (name, defines, [option.strip() for option in linkopts])

def _system_libraries_impl(ctx):
    build = "load(\"@rules_cc//cc:defs.bzl\", \"cc_library\")\n"
    for name, module in _PKG_CONFIG.items():
        linkopts = _pkg_config_libs(ctx, module) if module else []
        defines = []
        if name == "grpc":
            linkopts = ["-lgrpc++_reflection"] + linkopts
        if name == "spdlog":
            # As Debian's library was built; the headers must agree with it.
            defines = ["SPDLOG_COMPILED_LIB", "SPDLOG_SHARED_LIB", "SPDLOG_FMT_EXTERNAL"]
        if name == "xxhash":
            defines = ["XXH_INLINE_ALL"]
        build += _cc_library(name, linkopts, defines)
    build += _cc_library("absl", _absl_libs(ctx))
    ctx.file("WORKSPACE", "")
    ctx.file("BUILD.bazel", build + """
exports_files([
    "protoc",
    "grpc_cpp_plugin",
])
""")
    ctx.symlink("/usr/bin/protoc", "protoc")
    ctx.symlink("/usr/bin/grpc_cpp_plugin", "grpc_cpp_plugin")

system_libraries = repository_rule(
    implementation = _system_libraries_impl,
    local = True,
)
