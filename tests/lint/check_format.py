#!/usr/bin/env python3
"""Every C file is laid out by .clang-format (`./dev format` does it)."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from common import ROOT, finish, tracked


def check(path):
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", str(path)], capture_output=True,
                         text=True, cwd=ROOT)
    found = re.findall(r":(\d+):\d+: error:", run.stderr)
    if run.returncode == 0 and not found:
        return []
    return [f"{path.relative_to(ROOT)}: laid out otherwise at {len(found)} places, first in line "
            f"{found[0] if found else '?'}: ./dev format"]


def main():
    files = tracked("*.c", "*.h", "**/*.c", "**/*.h")
    with ThreadPoolExecutor(2) as pool:
        problems = [p for found in pool.map(check, files) for p in found]
    finish(problems, f"layout of {len(files)} files")


main()
