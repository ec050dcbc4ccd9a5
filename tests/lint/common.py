"""What the checks share: where the tree is, its files, and how a finding is reported."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns):
    """Files of the tree that match: tracked ones, and new ones that git does not ignore."""
    try:
        out = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard", "--", *patterns],
            check=True, capture_output=True).stdout
        names = sorted({n for n in out.decode().split("\0") if n})
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        names = sorted({str(p.relative_to(ROOT)) for pattern in patterns
                        for p in ROOT.rglob(pattern.lstrip(":(glob)"))
                        if p.is_file() and "build" not in p.relative_to(ROOT).parts[:1]})
    return [ROOT / n for n in names if (ROOT / n).is_file()]


def finish(problems, what):
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)


def at(path, line, text):
    return f"{path.relative_to(ROOT)}:{line}: {text}"
