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
    "prometheus": "prometheus-cpp-pull",
    "protobuf": "protobuf",
    "rocksdb": "rocksdb",
    "spdlog": None,
    "systemd": "libsystemd",
    "tcmalloc": "libtcmalloc_minimal",
    "valijson": None,
    "xxhash": None,
}

_DEFINES = {
    # Debian has no archive of either; its headers can do without.
    "spdlog": ["SPDLOG_FMT_EXTERNAL", "FMT_HEADER_ONLY"],
    "xxhash": ["XXH_INLINE_ALL"],
}

def _pkg_config_libs(ctx, modules):
    result = ctx.execute(["pkg-config", "--libs"] + modules)
    if result.return_code != 0:
        fail("pkg-config does not know %s (./run installs what is needed): %s" % (modules, result.stderr))
    return [word.strip() for word in result.stdout.split(" ") if word.strip()]

def _absl_modules(ctx):
    listing = ctx.execute(["sh", "-c", "pkg-config --list-package-names | grep ^absl_ | sort"])
    names = [name for name in listing.stdout.split("\n") if name]
    if not names:
        fail("pkg-config knows no Abseil library: is libabsl-dev installed?")
    return names

# With --config=portable everything that may differ from one distribution to the next is linked in. All of it
# is one group, for each library: an archive needs others, and the linker takes only what is missing.
_ARCHIVES = [
    "rocksdb",
    "snappy",
    "bz2",
    "lz4",
    "zstd",
    "grpc++_reflection",
    "grpc++",
    "grpc",
    "address_sorting",
    "re2",
    "upb",
    "cares",
    "z",
    "gpr",
    "ssl",
    "crypto",
    "protobuf",
]

# Shared in both ways of linking: every system that has systemd has its library, and tests stay here.
_ALWAYS_SHARED = ["systemd", "gtest", "gmock", "benchmark"]

# Debian has no archives of these. The package brings them along, and the programs find them beside themselves.
# They are named one by one, those too that only the others need: a program's search path holds for what the
# program itself asks for.
_BUNDLED = [
    "libprometheus-cpp-pull.so.1.0",
    "libprometheus-cpp-core.so.1.0",
    "libcivetweb-cpp.so.1",
    "libcivetweb.so.1",
    "libz.so.1",
]

def _bundled():
    libraries = ["-l:" + library for library in _BUNDLED]
    search = ["-Wl,--enable-new-dtags", "-Wl,-rpath,\\\\$$ORIGIN/../lib/lamppost"]
    return search + ["-Wl,--push-state,--no-as-needed"] + libraries + ["-Wl,--pop-state"]

def _linked_in(archives):
    libraries = ["-l" + archive for archive in archives]
    return ["-Wl,-Bstatic", "-Wl,--start-group"] + libraries + ["-Wl,--end-group", "-Wl,-Bdynamic", "-pthread", "-ldl"]

def _cc_library(name, shared, portable, defines):
    return """
cc_library(
    name = "%s",
    defines = %s,
    linkopts = select({
        ":portable": %s,
        "//conditions:default": %s,
    }),
    visibility = ["//visibility:public"],
    deps = select({
        ":portable": ["@lamppost//third_party/portable:arc4random"],
        "//conditions:default": [],
    }),
)
""" % (name, defines, portable, shared)

def _system_libraries_impl(ctx):
    build = """
load("@rules_cc//cc:defs.bzl", "cc_library")

config_setting(
    name = "portable",
    define_values = {"linkage": "portable"},
)
"""

    # One target for all of Abseil: the linker takes only what is used (--as-needed).
    absl_modules = _absl_modules(ctx)
    absl = _pkg_config_libs(ctx, absl_modules)
    absl_archives = {word[2:]: None for word in absl if word.startswith("-labsl_")}.keys()
    portable = _linked_in(_ARCHIVES + absl_archives)
    for name, module in _PKG_CONFIG.items():
        shared = _pkg_config_libs(ctx, [module]) if module else []
        if name == "grpc":
            shared = ["-lgrpc++_reflection"] + shared
        linked_in = portable if module else []
        if name == "tcmalloc":
            linked_in = _linked_in(["tcmalloc_minimal"])
        elif name in _ALWAYS_SHARED:
            linked_in = shared
        elif name == "prometheus":
            linked_in = _bundled()
        build += _cc_library(name, shared, linked_in, _DEFINES.get(name, []))
    build += _cc_library("absl", absl, portable, [])
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
