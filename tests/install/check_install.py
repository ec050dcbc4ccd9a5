#!/usr/bin/env python3
"""What `meson install` leaves is enough for programs out of the tree.

    check_install.py SOURCE_DIR BUILD_DIR

Installs into a directory of its own and builds program.c there as the README says, with nothing but
cc and pkg-config, three ways; each runs without the build directory.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
from tap import Tap, run  # noqa: E402

PROGRAM = SOURCE / "tests/install/program.c"


def install(directory):
    """Install under a DESTDIR; the prefix as pkg-config will see it."""
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", directory])
    pc = next(directory.rglob("libctrd.pc"))
    # a DESTDIR is no sysroot: the files say the final prefix, here it is under the directory
    prefix = re.search(r"^prefix=(.*)$", pc.read_text(), re.M).group(1)
    return pc.parent, directory / prefix.lstrip("/")


def pkg_config(pc_dir, prefix, *arguments):
    env = dict(os.environ, PKG_CONFIG_PATH=str(pc_dir))
    done = subprocess.run(["pkg-config", f"--define-variable=prefix={prefix}", *arguments],
                          env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pkg-config {arguments}: {done.stderr}")
    return done.stdout.split()


def interpreter_and_libraries(program):
    out = run(["readelf", "--program-headers", "--dynamic", "--wide", program])
    return "INTERP" in out, set(re.findall(r"Shared library: \[([^\]]+)\]", out))


def main():
    with Tap() as tap, tempfile.TemporaryDirectory(prefix="ctrd-install-") as name:
        directory = Path(name)
        pc_dir, prefix = Path(), Path()
        with tap.test("meson install leaves headers, libraries and pkg-config files"):
            pc_dir, prefix = install(directory / "root")
            for header in (SOURCE / "include/libctrd").glob("*.h"):
                assert (prefix / "include/libctrd" / header.name).is_file(), header.name
            extra = {p.suffix for p in (prefix / "include").rglob("*") if p.is_file()} - {".h"}
            assert not extra, f"installed among the headers: {extra}"
            for file in ("libctrd.so", "libctrd.so.0", "libctrd.a"):
                assert (pc_dir.parent / file).exists(), file
        libdir = pc_dir.parent

        with tap.test("a program links the shared library"):
            program = directory / "shared"
            run(["cc", PROGRAM, "-o", program,
                 *pkg_config(pc_dir, prefix, "--cflags", "--libs", "libctrd")])
            assert "libctrd.so.0" in interpreter_and_libraries(program)[1]
            out = run([program], env=dict(os.environ, LD_LIBRARY_PATH=str(libdir)))
            assert out.startswith("libctrd fake"), out

        with tap.test("a program links libctrd.a, the system's libraries shared"):
            program = directory / "archive"
            run(["cc", PROGRAM, "-o", program,
                 *pkg_config(pc_dir, prefix, "--cflags", "--libs", "libctrd-static")])
            libraries = interpreter_and_libraries(program)[1]
            assert "libctrd.so.0" not in libraries and "libuv.so.1" in libraries, libraries
            run([program])

        with tap.test("a program is wholly static"):
            program = directory / "static"
            run(["cc", "-static", PROGRAM, "-o", program,
                 *pkg_config(pc_dir, prefix, "--static", "--cflags", "--libs", "libctrd")])
            has_interpreter, libraries = interpreter_and_libraries(program)
            assert not has_interpreter and not libraries, libraries
            run([program])

        with tap.test("a C++ program links the shared library"):
            program = directory / "cplusplus"
            source = directory / "program.cpp"
            source.write_text(PROGRAM.read_text())
            run(["c++", "-std=c++11", source, "-o", program,
                 *pkg_config(pc_dir, prefix, "--cflags", "--libs", "libctrd")])
            run([program], env=dict(os.environ, LD_LIBRARY_PATH=str(libdir)))


main()
