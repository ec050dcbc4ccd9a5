#!/usr/bin/env python3
"""Every public function is declared once, exported once and documented.

Header functions (CTRD_API) = names in src/libctrd.syms; each has a doc comment that opens with a
sentence and ends with @thread and @since, and says @param for each parameter and @return for what
it returns. `--update` rewrites the newest version node of src/libctrd.syms.
"""

import re
import sys

from common import ROOT, at, finish

SYMS = ROOT / "src/libctrd.syms"
DECLARATION = re.compile(r"^CTRD_API\s+([^;]*?)\b(ctrd_\w+)\s*\(([^;]*)\)\s*(?:__attribute__[^;]*|CTRD_\w+[^;]*)?;",
                         re.M | re.S)


def functions():
    """(header, line, returned type, name, parameters, doc comment or None)"""
    for header in sorted((ROOT / "include/libctrd").glob("*.h")):
        text = header.read_text()
        for match in DECLARATION.finditer(text):
            doc = None  # only a comment that ends right where the declaration starts
            end = text.rfind("*/", 0, match.start())
            if end >= 0 and text[end + 2:match.start()].strip() == "":
                start = text.rfind("/*", 0, end)
                if text.startswith("/**", start):
                    doc = text[start + 3:end]
            yield (header, text.count("\n", 0, match.start()) + 1, match.group(1).strip(),
                   match.group(2), match.group(3), doc)


def exported():
    """name -> version node; the nodes in order"""
    names, nodes = {}, []
    node, is_global = None, False
    text = re.sub(r"/\*.*?\*/", "", SYMS.read_text(), flags=re.S)
    for line in text.splitlines():
        line = line.strip()
        if match := re.match(r"(CTRD_[0-9.]+)\s*\{", line):
            node = match.group(1)
            nodes.append(node)
        elif line == "global:":
            is_global = True
        elif line == "local:":
            is_global = False
        elif is_global and (match := re.match(r"(\w+);", line)):
            if match.group(1) in names:
                print(f"src/libctrd.syms: {match.group(1)} is in two nodes")
                sys.exit(1)
            names[match.group(1)] = node
    return names, nodes


def parameter_names(parameters):
    parameters = re.sub(r"/\*.*?\*/", "", parameters, flags=re.S)
    if parameters.strip() in ("", "void"):
        return []
    depth, parts = 0, [""]
    for char in parameters:
        depth += char == "("
        depth -= char == ")"
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    names = []
    for part in parts:
        if part.strip() == "...":
            continue
        match = re.search(r"\(\s*\*\s*(\w+)\s*\)", part) or re.search(r"(\w+)\s*(?:\[\w*\]\s*)*$", part)
        if match:
            names.append(match.group(1))
    return names


def main():
    declared = list(functions())
    names, nodes = exported()
    if "--update" in sys.argv[1:]:
        older = {n for n, node in names.items() if node != nodes[-1]}
        newest = sorted({f[3] for f in declared} - older)
        text = SYMS.read_text()
        body = "global:\n" + "".join(f"\t{n};\n" for n in newest)
        start = text.index("global:", text.index(nodes[-1]))
        end = text.index("}", start)
        tail = text[start:end]
        rest = tail[tail.index("local:"):] if "local:" in tail else ""
        SYMS.write_text(text[:start] + body + rest + text[end:])
        return

    problems = []
    seen = {}
    for header, line, returned, name, parameters, doc in declared:
        if name in seen:
            problems.append(at(header, line, f"{name} is declared twice"))
        seen[name] = header
        if name not in names:
            problems.append(at(header, line, f"{name} is not in src/libctrd.syms (./dev syms-update)"))
        if doc is None:
            problems.append(at(header, line, f"{name} has no doc comment"))
            continue
        for tag in ("@thread", "@since"):
            if not re.search(re.escape(tag) + r"\s+\S", doc):
                problems.append(at(header, line, f"{name}: the doc comment has no {tag}"))
        if returned != "void" and "@return" not in doc:
            problems.append(at(header, line, f"{name}: the doc comment has no @return"))
        if not re.match(r"[\s*]*[A-Z][a-z]+[^.]*", doc):
            problems.append(at(header, line, f"{name}: the doc comment opens with no sentence"))
        told = set()
        for several in re.findall(r"@param\s+(\w+(?:,\s*\w+)*)", doc):
            told |= set(re.split(r",\s*", several))
        for parameter in parameter_names(parameters):
            if parameter not in told:
                problems.append(at(header, line, f"{name}: no @param {parameter}"))
        for parameter in told - set(parameter_names(parameters)):
            problems.append(at(header, line, f"{name}: @param {parameter} is no parameter"))
    for name in sorted(set(names) - set(seen)):
        problems.append(f"src/libctrd.syms: {name} is declared in no header")
    finish(problems, f"{len(seen)} public functions")


main()
