"""Programs with the deliberate bugs of services/common/mutation.h compiled in."""

def _with_mutations_impl(settings, _attr):
    copts = settings["//command_line_option:copt"]
    return {"//command_line_option:copt": copts + ["-DLAMPPOST_MUTATIONS"]}

_with_mutations = transition(
    implementation = _with_mutations_impl,
    inputs = ["//command_line_option:copt"],
    outputs = ["//command_line_option:copt"],
)

def _mutated_program_impl(ctx):
    program = ctx.attr.program[0]
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.executable.program, is_executable = True)

    # Without the mutated program by its own name: there it would hide the ordinary one from a test that has both.
    files = program[DefaultInfo].default_runfiles.files.to_list()
    runfiles = [link] + [file for file in files if file != ctx.executable.program]
    return [DefaultInfo(
        executable = link,
        files = depset([link]),
        runfiles = ctx.runfiles(files = runfiles),
    )]

mutated_program = rule(
    implementation = _mutated_program_impl,
    attrs = {
        "program": attr.label(
            cfg = _with_mutations,
            doc = "The program, built in an ordinary way elsewhere and with mutations here.",
            executable = True,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "The same program, it and all that it is made of built with -DLAMPPOST_MUTATIONS.",
    executable = True,
)
