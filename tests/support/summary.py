#!/usr/bin/env python3
"""Add up what the passes of `./dev test` did.

    summary.py DIRECTORY

DIRECTORY holds one file per pass: NN-label.json, the log that meson wrote, or NN-label.failed with
the reason for which the pass never ran. Counts TAP subtests; a program that ends before its plan is
done, or with a status that its subtests do not explain, counts as one more failure. Prints the
output of what failed, each skip with its reason, a line per pass, and the sum as the last line.
"""

import json
import re
import sys
from pathlib import Path

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?([^#]*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)")
SHOWN_LINES = 300


class Pass:
    def __init__(self, label):
        self.label = label
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0
        self.failures = []  # (name, why, output)
        self.skips = []  # (name, reason)

    def fail(self, name, why, output=""):
        self.failed += 1
        self.failures.append((name, why, output))

    def skip(self, name, reason):
        self.skipped += 1
        self.skips.append((name, reason or "no reason given"))


def add_tap(result, name, log):
    plan, done, failed_here, comments = None, 0, 0, []
    lines = (log.get("stdout") or "").splitlines()
    for line in lines:
        if match := PLAN.match(line):
            plan = int(match.group(1))
            if plan == 0:
                result.skip(name, line.partition("#")[2].strip().removeprefix("SKIP").strip())
            continue
        match = RESULT.match(line)
        if not match:
            comments.append(line)
            continue
        done += 1
        subtest = f"{name}: {match.group(3)}"
        if match.group(4) and match.group(4).upper() == "SKIP":
            result.skip(subtest, match.group(5))
        elif match.group(1):
            failed_here += 1
            result.fail(subtest, "", "\n".join(comments))
        else:
            result.passed += 1
        comments = []
    tail = "\n".join(comments + [log.get("stderr") or ""]).strip()
    if plan is None:
        result.fail(name, f"printed no plan, status {log.get('returncode')}", tail)
    elif done < plan:
        result.fail(name, f"ended after {done} of {plan} tests, status {log.get('returncode')}", tail)
    elif log.get("returncode") != 0 and failed_here == 0:
        result.fail(name, f"ended with status {log.get('returncode')}", tail)


def add_plain(result, name, log):
    output = "\n".join(x for x in (log.get("stdout"), log.get("stderr")) if x)
    if log.get("result") == "SKIP" or log.get("returncode") == 77:
        result.skip(name, output.strip().splitlines()[-1] if output.strip() else "")
    elif log.get("returncode") == 0:
        result.passed += 1
    else:
        result.fail(name, f"{log.get('result')}, status {log.get('returncode')}", output)


def read_pass(path):
    result = Pass(path.stem.partition("-")[2])
    if path.suffix == ".failed":
        result.fail(result.label, "did not run", path.read_text())
        return result
    count = 0
    for line in path.read_text().splitlines():
        log = json.loads(line)
        count += 1
        result.seconds += log.get("duration") or 0
        name = log["name"].rpartition(" / ")[2]
        if re.search(r"^(1\.\.\d|ok \d|not ok \d)", log.get("stdout") or "", re.M):
            add_tap(result, name, log)
        else:
            add_plain(result, name, log)
    if count == 0:
        result.fail(result.label, "ran no test")
    return result


def print_failure(label, name, why, output):
    print(f"\n=== FAILED [{label}] {name}" + (f": {why}" if why else ""))
    lines = output.splitlines()
    if len(lines) > SHOWN_LINES:
        lines = lines[:SHOWN_LINES // 2] + ["[...]"] + lines[-SHOWN_LINES // 2:]
    for line in lines:
        print("    " + line)


def main():
    directory = Path(sys.argv[1])
    passes = [read_pass(p) for p in sorted(directory.iterdir()) if p.suffix in (".json", ".failed")]
    for one in passes:
        for failure in one.failures:
            print_failure(one.label, *failure)
    print()
    for one in passes:
        for name, reason in one.skips:
            print(f"skipped [{one.label}] {name}: {reason}")
    for one in passes:
        print(f"{one.label:24} {one.passed:5} passed {one.failed:4} failed {one.skipped:4} skipped"
              f" {one.seconds:8.1f} s")
    passed = sum(p.passed for p in passes)
    failed = sum(p.failed for p in passes)
    skipped = sum(p.skipped for p in passes)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or passed == 0 else 0)


main()
