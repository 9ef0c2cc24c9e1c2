#!/usr/bin/env bash
# Bazel starts this in the folder that holds its copy of the project.
set -euo pipefail
exec python3 -B -m unittest --verbose tests.layering.layering_test
