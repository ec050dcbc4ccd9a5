"""TAP for tests written in Python."""

import contextlib
import sys


class Tap:
    """with Tap() as tap: with tap.test("name"): ...; an exception fails that test and no other."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            print(f"1..{self.count}")
            sys.exit(1 if self.failed else 0)

    @contextlib.contextmanager
    def test(self, name):
        self.count += 1
        try:
            yield
        except Skip as reason:
            print(f"ok {self.count} - {name} # SKIP {reason}")
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            text = f"{type(error).__name__}: {error}"
            print("\n".join("# " + line for line in text.splitlines()))
            print(f"not ok {self.count} - {name}")
        else:
            print(f"ok {self.count} - {name}")
        sys.stdout.flush()


class Skip(Exception):
    pass


def run(command, **options):
    """Run a command; its output is the exception when it fails."""
    import subprocess
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(c) for c in command)}\nstatus {done.returncode}\n"
                           f"{done.stdout}")
    return done.stdout
