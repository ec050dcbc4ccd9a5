#!/usr/bin/env python3
"""Includes go down only.

util         util and libctrd/{base,error}.h
core         util, core, public headers
a backend    util, core, public headers, its own files; never another backend
the helper   util, its own files, what src/local shares with it
public       public headers and the C library alone; never uv.h
"""

import re
from pathlib import PurePosixPath

from common import ROOT, at, finish, tracked

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
BACKENDS = ("local", "remote", "fake")


def room(path):
    """The room of a file, given relative to src/."""
    parts = PurePosixPath(path).parts
    if len(parts) == 1:
        return "core"
    return parts[0]


def resolve(source, kind, name):
    """Where in our tree an include leads to, relative to the root; None if out of it."""
    if name.startswith("libctrd/"):
        return f"include/{name}"
    candidates = [ROOT / "src" / name]
    if kind == '"':
        candidates.insert(0, source.parent / name)
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve().relative_to(ROOT).as_posix()
    return None


def refuse(source, target):
    """Why a file of src/ may not include the target; None if it may."""
    here = room(source.relative_to(ROOT / "src"))
    public = target.startswith("include/")
    there = "public" if public else room(target.removeprefix("src/"))
    if not public and not target.startswith("src/"):
        return "is not in src/ or include/"
    if here == "util":
        if public:
            allowed = target in ("include/libctrd/base.h", "include/libctrd/error.h")
            return None if allowed else "util knows libctrd/base.h and libctrd/error.h alone"
        return None if there == "util" else f"util may not know of {there}"
    if there in BACKENDS and here == "core":
        return f"the core may not know of {there}/"
    if here in BACKENDS and there in BACKENDS and here != there:
        return f"{here} may not know of {there}"
    return None


def main():
    problems = []
    count = 0
    for source in tracked("src/*.c", "src/*.h", "src/**/*.c", "src/**/*.h", "include/*.h", "include/**/*.h"):
        count += 1
        text = source.read_text(errors="replace")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            kind, name = match.groups()
            target = resolve(source, kind, name)
            if source.is_relative_to(ROOT / "include"):
                if kind == '"' or name in ("uv.h", "stdbool.h", "sys/types.h") or (
                        target is not None and not target.startswith("include/")):
                    problems.append(at(source, line, f"a public header may not include {name}"))
                continue
            if target is None:
                if kind == '"':
                    # made while building: named by its room
                    if not re.search(r"(_data|_gen|_embed|config)\w*\.h$", name):
                        problems.append(at(source, line, f'"{name}" is not in the tree'))
                continue
            if why := refuse(source, target):
                problems.append(at(source, line, f"{name}: {why}"))
    finish(problems, f"includes of {count} files")


main()
