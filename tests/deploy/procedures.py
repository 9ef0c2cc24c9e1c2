"""What a page of docs/ says to do on hosts, done as it stands there."""

import os
import re

# In the pages, so that they can be read.
ADDRESSES = {"A": "10.0.0.1", "B": "10.0.0.2", "C": "10.0.0.3"}


def blocks_of(page, section):
    """The sh blocks below a heading of docs/PAGE.md."""
    path = os.path.join(os.environ["LAMPPOST_TOP"], "docs", page + ".md")
    with open(path, encoding="utf-8") as file:
        text = re.search(rf"(?ms)^### {re.escape(section)}\n(.*?)(?=^##|\Z)", file.read()).group(1)
    return re.findall(r"(?ms)^```sh\n(.*?)^```", text)


def perform(cluster, block):
    """Runs each line where the comment above it says; gives what they print."""
    for node, address in ADDRESSES.items():
        block = block.replace(address, cluster.host(node).address)
    assert "10.0.0." not in block, block
    parts = re.split(r"(?m)^# at ([ABC])\n", block)
    assert parts[0] == "", parts[0]
    return "".join(cluster.host(node).run("set -e\n" + lines) for node, lines in zip(parts[1::2], parts[2::2]))
