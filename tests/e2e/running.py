"""`pocketmesh up` as a running process, for the tests that are its clients.

The program is the first word of the command line; a test's files lie in the folder
SCRIPT.d beside it. Nothing sleeps: everything waits for a line, an answer or an end,
and gives up after PATIENCE seconds.
"""
import http.client
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30
HERE = os.path.abspath(sys.argv[0]) + ".d"
UP_D = os.path.join(os.path.dirname(os.path.abspath(__file__)), "up.d")
BINARY = os.path.abspath(sys.argv[1])


class Up:
    """A running mesh; its output comes line by line."""

    def __init__(self, *words, cwd=HERE, wait=True):
        self.process = subprocess.Popen([BINARY, "up", "-o", "json", *words], cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out, self.err, self.said = queue.Queue(), queue.Queue(), []
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self.readers:
            reader.start()
        if wait:
            self.until("ready")
            state = json.loads(self.out.get(timeout=PATIENCE))
            self.rows, self.admin = state["listening"], state.get("admin")

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def until(self, part):
        """The next line of standard error with `part` in it."""
        while True:
            line = self.err.get(timeout=PATIENCE)
            assert line is not None, f"it ended before it said {part!r}: {self.said}"
            self.said.append(line)
            if part in line:
                return line

    def row(self, kind, name):
        found = [row for row in self.rows if row["kind"] == kind and row["name"] == name]
        assert found, f"no {kind} {name} in {self.rows}"
        return found[0]

    def place(self, name="shopper", kind="client"):
        row = self.row(kind, name)
        return f"{row['address']}:{row['port']}"

    def dial(self, name="shopper", kind="client"):
        row = self.row(kind, name)
        return http.client.HTTPConnection(row["address"], row["port"], timeout=PATIENCE)

    def get(self, url, connection=None, **headers):
        connection = connection or self.dial()
        connection.request("GET", url, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}

    def end(self, number=signal.SIGTERM, code=0):
        if number is not None:
            self.process.send_signal(number)
        got = self.process.wait(timeout=PATIENCE)
        for reader in self.readers:
            reader.join()
        rest = []
        while (line := self.err.get()) is not None:
            rest.append(line)
        self.process.stdout.close(), self.process.stderr.close()
        assert got == code, f"exit {got} instead of {code}: {self.said + rest}"
        return rest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def equal(got, want, what=""):
    assert got == want, f"{what} {got!r} instead of {want!r}"


class Skipped(Exception):
    """A test's word that this machine has not what it needs."""


def run(tests):
    """Every test, one after the other; prints the counts; the exit code."""
    passed = failed = skipped = 0
    for test in tests:
        started = time.monotonic()
        try:
            test()
            passed += 1
            print(f"ok {test.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"skipped: {test.__name__}: {why}")
        except (AssertionError, OSError, ValueError, KeyError, IndexError, queue.Empty,
                http.client.HTTPException, subprocess.TimeoutExpired) as why:
            failed += 1
            print(f"FAILED: {test.__name__}: {type(why).__name__}: {why}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


def curl(*words):
    return subprocess.run(["curl", "-sS", "-m", str(PATIENCE), *words], capture_output=True, text=True, check=False)


def copy(here=UP_D):
    """A folder with the same files, to be edited."""
    folder = tempfile.mkdtemp()
    for name in os.listdir(here):
        shutil.copy(os.path.join(here, name), folder)
    return folder


def edit(folder, old, new):
    """As an editor does: a new file takes the old one's name."""
    path = os.path.join(folder, "mesh.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text, old
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    os.replace(path + ".new", path)
