#!/usr/bin/env python3
"""The public headers as an embedder meets them.

    check_headers.py SOURCE_DIR LIBRARY

Each one alone is C99 and C++11 without an extension or a warning, and has no padding that the
compiler puts in. A program that names every symbol of src/libctrd.syms links and starts.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

SOURCE, LIBRARY = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/support"))
from tap import Skip, Tap, run  # noqa: E402

STRICT = ["-Wall", "-Wextra", "-Werror", "-Wundef", "-Wpadded", "-fsyntax-only", "-pedantic-errors"]
LANGUAGES = [
    ("gcc", ["-std=c99", "-Wstrict-prototypes", "-Wc++-compat", "-xc"]),
    ("clang", ["-std=c99", "-Wstrict-prototypes", "-xc"]),
    ("gcc", ["-std=c11", "-xc"]),
    ("g++", ["-std=c++11", "-Wold-style-cast", "-Wzero-as-null-pointer-constant", "-xc++"]),
    ("clang++", ["-std=c++11", "-xc++"]),
    ("g++", ["-std=c++20", "-xc++"]),
]


def check_alone(tap, header, directory):
    for compiler, options in LANGUAGES:
        with tap.test(f"{header.name} alone: {compiler} {options[0]}"):
            if shutil.which(compiler) is None:
                raise Skip(f"no {compiler}")
            source = directory / "alone.c"
            # twice: the guard holds
            source.write_text(f"#include <libctrd/{header.name}>\n" * 2 + "extern int used;\n")
            run([compiler, *options, *STRICT, "-I", SOURCE / "include", source])


def initialisers(directory):
    """Each CTRD_*_INIT initialises its struct, in C and in C++."""
    lines = ["#include <libctrd/libctrd.h>"]
    for header in sorted((SOURCE / "include/libctrd").glob("*.h")):
        for name in re.findall(r"^#define (CTRD_\w+)_INIT\b", header.read_text(), re.M):
            lines.append(f"extern {name.lower()} x_{name.lower()};")
            lines.append(f"{name.lower()} x_{name.lower()} = {name}_INIT;")
    source = directory / "initialisers.c"
    source.write_text("\n".join(lines) + "\n")
    return source


def every_symbol(directory):
    names = re.findall(r"^\t(ctrd_\w+);", (SOURCE / "src/libctrd.syms").read_text(), re.M)
    source = directory / "symbols.c"
    source.write_text(
        "#include <libctrd/libctrd.h>\n#include <stdio.h>\n"
        "int main(void)\n{\n\tvoid (*const all[])(void) = {\n"
        + "".join(f"\t\t(void (*)(void)){name},\n" for name in names)
        + "\t};\n\tfor (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)\n"
          "\t\tif (all[i] == 0)\n\t\t\treturn 1;\n"
          '\tprintf("%s\\n", ctrd_version_string());\n\treturn 0;\n}\n')
    return source


def main():
    with Tap() as tap, tempfile.TemporaryDirectory(prefix="ctrd-headers-") as name:
        directory = Path(name)
        for header in sorted((SOURCE / "include/libctrd").glob("*.h")):
            check_alone(tap, header, directory)
        for compiler, options in LANGUAGES:
            with tap.test(f"initialisers: {compiler} {options[0]}"):
                if shutil.which(compiler) is None:
                    raise Skip(f"no {compiler}")
                run([compiler, *[o for o in options if "old-style" not in o and "zero-as" not in o
                                 and "c++-compat" not in o], "-Wall", "-Werror", "-pedantic-errors",
                     "-fsyntax-only", "-I", SOURCE / "include", initialisers(directory)])
        with tap.test("a program that names every symbol links and runs"):
            program = directory / "symbols"
            run(["gcc", "-std=c99", "-I", SOURCE / "include", every_symbol(directory),
                 "-o", program, LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"])
            run([program])


main()
