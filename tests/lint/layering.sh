# The pure layers are pure; tests/layering tells what that means.
# shellcheck shell=bash
/usr/bin/env python3 tests/layering/check.py .
