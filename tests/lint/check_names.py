#!/usr/bin/env python3
"""Names and words that may not be in the tree."""

import re

from common import ROOT, at, finish, tracked

# what -> (files, pattern, why)
RULES = [
    (("tests/unit/*", "tests/scenario/*", "tests/local/*", "tests/support/*", "tests/fuzz/*.c"),
     re.compile(r"(?<![\w.>])(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)\s*\("),
     "tests wait for what happens, not for time"),
    (("src/*.c", "src/**/*.c"),
     re.compile(r"(?<![\w.>])(exit|abort|atexit|system|popen|sleep|usleep|signal|strtok|sprintf|strcpy|strcat|"
                r"gets|strndup|asprintf|vasprintf|open_memstream|getline|uv_spawn|uv_queue_work|uv_default_loop|"
                r"setenv|putenv|unsetenv|chdir|fchdir|umask)\s*\("),
     "not in the library"),
    (("*",), re.compile(r"(?<![\w.])/(?:work|home)/\w"), "a path of somebody's machine"),
    (("src/*.c", "src/**/*.c", "src/*.h", "src/**/*.h", "include/*.h", "include/**/*.h"),
     re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "say it in an issue"),
]
# (file, word): where a word is meant, and why
ALLOWED = {
    # The helper is a program of its own: its process is its own too.
    r"src/local/helper/": {"exit", "umask", "chdir", "fchdir", "setenv", "signal"},
}
# globals of our objects: ctrd_ public, ctrd__ private
DEFINITION = re.compile(r"^(?!static\b|typedef\b|extern\b|return\b|else\b|struct\s+\w+\s*\{|enum\b|union\b)"
                        r"[a-zA-Z_][\w\s*]*?[\s*](\w+)\([^;{}]*\)\s*\{", re.M)
STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)


def blank(match):
    """Comments and strings hold no calls; their lines stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def is_allowed(path, word):
    name = path.relative_to(ROOT).as_posix()
    return any(name.startswith(where) and word in words for where, words in ALLOWED.items())


def check_rule(patterns, pattern, why):
    problems = []
    for path in tracked(*patterns):
        if path.suffix in (".abi",) or "tests/fuzz/corpus" in path.as_posix():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path.resolve().parent == (ROOT / "tests/lint") and patterns == ("*",):
            continue
        code = STRING_OR_COMMENT.sub(blank, text) if path.suffix in (".c", ".h") and \
            "machine" not in why and "issue" not in why else text
        for match in pattern.finditer(code):
            word = match.group(1) if pattern.groups else match.group(0)
            if not is_allowed(path, word):
                problems.append(at(path, code.count("\n", 0, match.start()) + 1, f"{word}: {why}"))
    return problems


def check_prefixes():
    problems = []
    for path in tracked("src/*.c", "src/**/*.c"):
        if path.is_relative_to(ROOT / "src/local/helper"):
            continue  # a program: nothing links against it
        code = STRING_OR_COMMENT.sub(blank, path.read_text())
        for match in DEFINITION.finditer(code):
            name = match.group(1)
            if not name.startswith("ctrd_") and name not in ("if", "while", "for", "switch"):
                problems.append(at(path, code.count("\n", 0, match.start(1)) + 1,
                                   f"{name} is global and has no prefix"))
    return problems


def check_test_names():
    problems = []
    seen = {}
    for path in tracked("tests/unit/*.c", "tests/scenario/*.c", "tests/local/*.c"):
        for match in re.finditer(r"^TEST(?:_TIMEOUT)?\((\w+)", path.read_text(), re.M):
            line = path.read_text().count("\n", 0, match.start()) + 1
            if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", match.group(1)):
                problems.append(at(path, line, f"{match.group(1)}: name a test noun_does_what"))
            key = (path.parent, match.group(1))
            if key in seen and seen[key] != path:
                problems.append(at(path, line, f"{match.group(1)} is in {seen[key].name} too"))
            seen[key] = path
    return problems


def main():
    problems = []
    for patterns, pattern, why in RULES:
        problems += check_rule(patterns, pattern, why)
    problems += check_prefixes() + check_test_names()
    finish(problems, "names")


main()
