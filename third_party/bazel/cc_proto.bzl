"""C++ code from .proto files by Debian's protoc and gRPC plugin."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def cc_proto_library(name, srcs, grpc = [], deps = [], root = "proto", visibility = None):
    """Generates and compiles messages and, for the files named in grpc, services.

    Args:
      name: the cc_library; its headers are included by their path below root, "path/to/file.pb.h".
      srcs: .proto files of this package.
      grpc: those among srcs that define a service.
      deps: other cc_proto_library targets whose files these import; all below proto/.
      root: the folder that protoc takes these files' names from, and includes are relative to.
      visibility: as everywhere.
    """
    outs = []
    for src in srcs:
        base = src[:-len(".proto")]
        outs += [base + ".pb.h", base + ".pb.cc"]
        if src in grpc:
            outs += [base + ".grpc.pb.h", base + ".grpc.pb.cc"]

    # Protoc writes beside the import root; $(RULEDIR) is the package's own folder.
    native.filegroup(
        name = name + "_protos",
        srcs = srcs + [dep + "_protos" for dep in deps],
        visibility = ["//visibility:public"],
    )
    grpc_flags = "--plugin=protoc-gen-grpc=$(location @system//:grpc_cpp_plugin) --grpc_out=$(GENDIR)/" + root
    grpc_srcs = " ".join(["$(location %s)" % src for src in grpc])
    imports = "-Iproto" if root == "proto" else "-I%s -Iproto" % root
    protoc = "$(location @system//:protoc) %s -I/usr/include " % imports
    command = protoc + "--cpp_out=$(GENDIR)/" + root + " " + " ".join(["$(location %s)" % src for src in srcs])
    if grpc:
        command += " && " + protoc + grpc_flags + " " + grpc_srcs
    native.genrule(
        name = name + "_gen",
        srcs = [":" + name + "_protos"] + srcs,
        outs = outs,
        cmd = command,
        tools = [
            "@system//:grpc_cpp_plugin",
            "@system//:protoc",
        ],
    )
    cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".cc")],
        hdrs = [out for out in outs if out.endswith(".h")],
        strip_include_prefix = "/" + root,
        visibility = visibility,
        deps = deps + [
            "@system//:grpc",
            "@system//:protobuf",
        ],
    )
