#!/usr/bin/env python3
"""Every source file says first what it is responsible for; versions and links agree."""

import re

from common import ROOT, at, finish, tracked


def check_heads():
    problems = []
    for path in tracked("src/*.c", "src/*.h", "src/**/*.c", "src/**/*.h", "include/*.h", "include/**/*.h",
                        "tests/*.c", "tests/**/*.c", "tests/*.h", "tests/**/*.h", "examples/*.c"):
        text = path.read_text(errors="replace")
        match = re.match(r"\s*/\*(.*?)\*/", text, re.S)
        words = re.sub(r"SPDX-License-Identifier:.*|[*\s]+", " ", match.group(1)).split() if match else []
        if len(words) < 4:
            problems.append(at(path, 1, "opens with no comment on what the file is responsible for"))
    return problems


def check_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)
    header = (ROOT / "include/libctrd/version.h").read_text()
    numbers = [re.search(rf"#define CTRD_VERSION_{part} (\d+)", header).group(1)
               for part in ("MAJOR", "MINOR", "PATCH")]
    if ".".join(numbers) != version:
        return [f"include/libctrd/version.h says {'.'.join(numbers)}, meson.build {version}"]
    return []


def check_umbrella():
    umbrella = (ROOT / "include/libctrd/libctrd.h").read_text()
    return [f"include/libctrd/libctrd.h does not include {header.name}"
            for header in sorted((ROOT / "include/libctrd").glob("*.h"))
            if header.name != "libctrd.h" and f"libctrd/{header.name}" not in umbrella]


def check_links():
    """Relative links of the pages lead somewhere."""
    problems = []
    for page in tracked("*.md", "docs/*.md", "docs/**/*.md"):
        # code is no prose: blank it, lines stay
        text = re.sub(r"^```.*?^```|`[^`\n]*`", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                      page.read_text(), flags=re.S | re.M)
        for match in re.finditer(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            target = match.group(1)
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (page.parent / target).exists():
                problems.append(at(page, text.count("\n", 0, match.start()) + 1, f"{target} is not there"))
    return problems


finish(check_heads() + check_version() + check_umbrella() + check_links(), "head comments, versions, links")
