#!/usr/bin/env python3
"""The binary face of the library is the one that tests/abi/libctrd.abi records.

    check_abi.py SOURCE_DIR LIBRARY

Until release 0.1 the face may change together with its record (`./dev abi-update`); what these
tests prevent is that it changes unseen. The check itself is checked: against small fixtures, and
against the real headers with a member taken out.

The record is made from the headers alone (stub.py). The library is compared with it as well, but
there abidiff must pass over what the record cannot know: the inside of opaque types.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE, LIBRARY = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
from tap import Tap, run  # noqa: E402

DUMP = SOURCE / "tests/abi/dump"
RECORD = SOURCE / "tests/abi/libctrd.abi"
SYMS = SOURCE / "src/libctrd.syms"

FIXTURE_H = """#include <stdint.h>
struct fixture { uint32_t size; uint32_t flags; uint64_t first; %s };
int fixture_read(const struct fixture *options);
%s
"""
FIXTURE_C = """#include "fixture.h"
int fixture_read(const struct fixture *options) { return (int)options->size; }
%s
"""
EXTRA = "uint64_t second;"
SECOND = ("int fixture_second(void);", "int fixture_second(void) { return 2; }")


def differences(old, new, *options):
    """What abidiff says; None when the two are the same."""
    done = subprocess.run(["abidiff", "--no-show-locs", *options, str(old), str(new)],
                          capture_output=True, text=True, check=False)
    if done.returncode & 3:
        raise RuntimeError(f"abidiff failed: {done.stdout}{done.stderr}")
    return None if done.returncode == 0 else done.stdout


def fixture(directory, name, members, functions):
    """A small library with these members and functions."""
    place = directory / name
    place.mkdir()
    (place / "fixture.h").write_text(FIXTURE_H % (members, functions[0]))
    (place / "fixture.c").write_text(FIXTURE_C % functions[1])
    run(["gcc", "-g", "-shared", "-fPIC", "-o", place / "libfixture.so", place / "fixture.c"])
    return place / "libfixture.so"


def promise(directory, name, change=lambda text: text):
    """The record of the present headers, with a change made to each of them."""
    place = directory / name / "libctrd"
    place.mkdir(parents=True)
    for header in (SOURCE / "include/libctrd").glob("*.h"):
        (place / header.name).write_text(change(header.read_text()))
    run([DUMP, directory / f"{name}.abi", place.parent, SYMS])
    return directory / f"{name}.abi"


def check_fixtures(tap, directory):
    both = fixture(directory, "both", EXTRA, SECOND)
    with tap.test("the check passes what has not changed"):
        assert differences(both, fixture(directory, "same", EXTRA, SECOND)) is None
    with tap.test("the check fails on a removed member"):
        assert differences(both, fixture(directory, "member", "", SECOND)) is not None
    with tap.test("the check fails on a removed function"):
        assert differences(both, fixture(directory, "function", EXTRA, ("", ""))) is not None
    with tap.test("the check fails on a member of another type"):
        assert differences(both, fixture(directory, "type", "int64_t second;", SECOND)) is not None


def check_promise(tap, directory):
    hint = "\nif that is meant: ./dev abi-update, and a line in CHANGELOG.md"
    with tap.test("the headers promise the recorded ABI"):
        changes = differences(RECORD, promise(directory, "now"), "--harmless")
        assert changes is None, changes + hint
    with tap.test("libctrd.so has the recorded ABI"):
        changes = differences(RECORD, LIBRARY)
        assert changes is None, changes + hint
    with tap.test("a member removed from a header fails both"):
        less = promise(directory, "less", lambda t: t.replace("\tuint64_t user_time_ns;\n", ""))
        assert differences(RECORD, less, "--harmless") is not None
        assert differences(less, LIBRARY) is not None


def check_library(tap):
    with tap.test("libctrd.so exports src/libctrd.syms and nothing else"):
        nodes, node = {}, None
        for line in SYMS.read_text().splitlines():
            if match := re.match(r"(CTRD_[\d.]+) \{", line):
                node = match.group(1)
            elif match := re.match(r"\t(ctrd_\w+);", line):
                nodes[match.group(1)] = node
        out = run(["nm", "-D", "--defined-only", LIBRARY])
        exported = dict(re.findall(r"^\w+ [TDBRVW] (\w+)@@(\w[\w.]*)$", out, re.M))
        missing = sorted(set(nodes) - set(exported))
        extra = sorted(set(exported) - set(nodes))
        assert not missing, f"not defined: {missing}"
        assert not extra, f"not meant to be seen: {extra}"
        wrong = sorted(n for n in nodes if nodes[n] != exported[n])
        assert not wrong, f"another version node: {wrong}"

    with tap.test("libctrd.so is named, bound and kept as promised"):
        out = run(["readelf", "--dynamic", "--program-headers", "--wide", LIBRARY])
        for word in ("[libctrd.so.0]", "NODELETE", "BIND_NOW", "GNU_RELRO"):
            assert word in out, f"no {word} in\n{out}"
        assert re.search(r"GNU_STACK.* RW ", out), "executable stack"

    with tap.test("libctrd.so has no constructor or destructor of its own"):
        # crt files bring one entry of each
        out = run(["readelf", "--dynamic", "--wide", LIBRARY])
        for tag in ("INIT_ARRAYSZ", "FINI_ARRAYSZ"):
            match = re.search(rf"\({tag}\)\s+(\d+)", out)
            assert match and int(match.group(1)) <= 8, f"{tag}: {match.group(0) if match else out}"

    with tap.test("libctrd.so needs no more than it says"):
        out = run(["readelf", "--dynamic", "--wide", LIBRARY])
        needed = set(re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", out))
        known = {"libuv.so.1", "libyajl.so.2", "libsodium.so.23", "libc.so.6",
                 "ld-linux-x86-64.so.2"}
        assert needed <= known, f"{sorted(needed - known)}"


def main():
    with Tap() as tap, tempfile.TemporaryDirectory(prefix="ctrd-abi-") as name:
        check_fixtures(tap, Path(name))
        check_promise(tap, Path(name))
        check_library(tap)


main()
