#!/usr/bin/env python3
"""Every C file is laid out by .clang-format (`./dev format` does it)."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from common import ROOT, finish, tracked


def check(files):
    """One clang-format for many files: starting it costs more than most files do."""
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, files)],
                         capture_output=True, text=True, cwd=ROOT)
    places = {}
    for name, line in re.findall(r"^([^:\n]+):(\d+):\d+: error:", run.stderr, re.M):
        places.setdefault(name, []).append(int(line))
    if run.returncode != 0 and not places:
        return [f"clang-format: {run.stderr}"]
    return [f"{name.removeprefix(str(ROOT) + '/')}: laid out otherwise at {len(lines)} places, "
            f"first in line {min(lines)}: ./dev format" for name, lines in places.items()]


def main():
    files = tracked("*.c", "*.h", "**/*.c", "**/*.h")
    with ThreadPoolExecutor(2) as pool:
        problems = [p for found in pool.map(check, (files[::2], files[1::2])) for p in found]
    finish(sorted(problems), f"layout of {len(files)} files")


main()
