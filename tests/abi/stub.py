#!/usr/bin/env python3
"""Print a C file with an empty body for every public function.

A library made of it has the ABI that the headers promise and nothing of the types behind it: what
`struct uv_loop_s` looks like is no promise of ours, and differs from machine to machine.
"""

import re
import sys
from pathlib import Path

headers = Path(sys.argv[1]) / "libctrd"
print("#include <libctrd/libctrd.h>\n")
for header in sorted(headers.glob("*.h")):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    for declaration in re.findall(r"^CTRD_API\s+([^;]*);", text, re.M):
        print(f"{declaration}\n{{\n\t__builtin_trap();\n}}\n")
