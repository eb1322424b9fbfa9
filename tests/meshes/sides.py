# SPDX-License-Identifier: Apache-2.0
"""A real istiod and pocketmesh: what each says to the proxies of a mesh; and the recordings' own comparison."""
import importlib.machinery
import importlib.util
import json
import os
import re
import select
import subprocess
import sys
import tempfile

SECTIONS = ("listeners", "routes", "clusters", "endpoints")
PATIENCE_S = 60
NO_VALUE = "(absent)"


class Refused(Exception):
    """A side does not take the mesh."""


def invalid(refusal):
    """What istiod has against an object, one message after the other; nothing if it is something else that it does not take."""
    _, found, messages = refusal.partition("configuration is invalid: ")
    several = re.match(r"\d+ errors? occurred:\n", messages)
    return re.findall(r"^\t\* (.*)$", messages, re.M) if several else [messages.strip()] if found else []


def load(path, name):
    """A Python file that has no .py."""
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Istiod:
    """The oracle: a process that answers a line with a line."""

    def __init__(self, reference, binary):
        tools = os.path.join(reference, "tools", "oracle")
        sys.path.insert(0, tools)
        self.derive = load(os.path.join(tools, "derive.py"), "derive")
        self.settle = load(os.path.join(tools, "record"), "record").settle
        self.binary, self.process, self.rest = binary, None, b""

    def start(self):
        self.rest = b""
        self.process = subprocess.Popen([self.binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def line(self):
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
            more = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not more:
                self.stop()
                raise Refused("istiod: no answer")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, mesh):
        """(descriptions of the proxies, their configurations)

        Gateways ask first. What a namespace's proxies see is kept by istiod until its next push: if a sidecar without a Sidecar
        asked before, a gateway of that namespace is given what the sidecar sees, with what its VirtualServices lead to.
        """
        cluster = self.derive.Cluster(self.derive.load_text(mesh.text()))
        proxies = [cluster.proxy(p) for p in sorted(mesh.proxies, key=lambda p: p["type"] != "router")]
        request = self.derive.request(cluster, proxies)
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            self.stop()
            raise Refused("istiod: %s" % error) from error
        answer = self.line()
        if answer.get("error"):
            raise Refused("istiod: " + answer["error"].strip())
        for p in proxies:
            self.settle(answer["proxies"][p["name"]])
        return proxies, answer["proxies"]


class Ours:
    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "mesh.yaml")

    def write(self, mesh):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(mesh.text())

    def validate(self, mesh):
        """What `validate` says of errors, as one text."""
        self.write(mesh)
        return subprocess.run([self.binary, "validate", "--webhook-only", "-q", self.path], stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False).stdout

    def ask(self, mesh, proxies):
        self.write(mesh)
        out = {}
        for p in proxies:
            words = [self.binary, "proxy-config", "all", p["name"], "-n", p["namespace"], "--type", p["type"], "--ip", p["ip"], "--service-account",
                     p["serviceAccount"], "-o", "json", "-q", "--profile", "istio-latest", "-f", self.path]
            if p["labels"]:
                words += ["--labels", ",".join("%s=%s" % pair for pair in p["labels"].items())]
            ran = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
            if ran.returncode != 0:
                said = ran.stderr.replace(self.folder.name, "").strip().splitlines()
                telling = [line for line in said if "error" in line or "ERROR" in line] or said or ["exit %d" % ran.returncode]
                raise Refused("pocketmesh: " + telling[0][:300])
            out[p["name"]] = json.loads(ran.stdout)
        return out


def in_order(listeners):
    """Two listeners may have one name; and istiod takes the ports of a PeerAuthentication as its hash map has them (Envoy finds
    chains by what they match)."""
    listeners.sort(key=lambda listener: (listener["name"], listener.get("trafficDirection", "")))
    for listener in listeners:
        if listener.get("name") == "virtualInbound":
            listener["filterChains"].sort(key=lambda chain: chain.get("filterChainMatch", {}).get("destinationPort", 0))


class Comparison:
    """The reference's `compare`, used as a module: [(path, istiod's value, ours)], as text."""

    def __init__(self, reference):
        folder = os.path.join(reference, "golden")
        self.compare = load(os.path.join(folder, "compare"), "compare")
        patterns, self.defaults = self.compare.read_ignore(os.path.join(folder, "ignore.txt"))
        self.judge = self.compare.Judge(patterns, self.defaults)

    def normal(self, sections, name):
        items = sections.get(name) or []
        if name == "endpoints":
            items = self.compare.endpoints_by_workload(items)
        return self.judge.normal(items, [name])

    def differences(self, expected, actual):
        out = []
        for side in (expected, actual):
            in_order(side.get("listeners") or [])
        for name in SECTIONS:
            diff = self.compare.Diff({k: self.compare.scalar(v) for k, v in self.defaults.items()})
            diff.walk(self.normal(expected, name), self.normal(actual, name), [name])
            out += [(path, self.shown(e), self.shown(a)) for path, e, a in diff.found]
        return out

    def shown(self, value):
        return NO_VALUE if value is self.compare.ABSENT else json.dumps(value, sort_keys=True)
