# SPDX-License-Identifier: Apache-2.0
"""The two proxies: ours and a real Envoy, each with a backend of its own, on the same manifests. Every port is the kernel's."""
import json
import os
import re
import select
import subprocess
import tempfile
import time
import urllib.request

from exchange import Backend

PATIENCE = 30.0

# One application, 127.0.0.1, reached through a sidecar's listener and a gateway's.
MESH = """
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {clusterIP: 127.70.0.1, selector: {app: app}, ports: [{name: http, port: 9080, targetPort: %PORT%}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app-0, labels: {app: app, sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 127.0.0.1, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8000, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:%RULES%
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app-inside}
spec:
  hosts: [app]
  http:%RULES%
"""

RULES = """
  - {name: direct, match: [{uri: {prefix: /direct}}], directResponse: {status: 418, body: {string: "short and stout"}}}
  - {name: away, match: [{uri: {prefix: /away}}], redirect: {uri: /there, redirectCode: 307}}
  - name: rewritten
    match: [{uri: {prefix: /old/}}]
    rewrite: {uri: /new/, authority: other.example}
    headers:
      request: {set: {x-set: one}, add: {x-added: two}, remove: [x-gone]}
      response: {set: {x-told: three}, remove: [x-secret]}
    route: [{destination: {host: app}}]
    timeout: 0s
    retries: {attempts: 0}
  - {name: all, route: [{destination: {host: app}}], timeout: 0s, retries: {attempts: 0}}"""

PLACES = {  # what a case names: the proxy, and the listener
    "gateway": ("default/edge", "0.0.0.0_8000"),
    "sidecar": ("client", "0.0.0.0_9080"),
}


class Side:
    """A proxy under test: `ports` by place, its backend, its process."""

    def __init__(self, name, folder):
        self.name, self.folder, self.ports, self.processes = name, folder, {}, []
        self.backend = Backend()
        self.manifest = os.path.join(folder, name + ".yaml")
        with open(self.manifest, "w") as f:
            f.write(MESH.replace("%RULES%", RULES).replace("%PORT%", str(self.backend.port)))

    def log_of(self, place):
        return []

    def check(self):
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {process.returncode}:\n" + self.last_words())

    def last_words(self):
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.startswith(self.name) and name.endswith(".err"):
                with open(os.path.join(self.folder, name), errors="replace") as f:
                    text += f.read()[-4000:]
        return text

    def stop(self):
        for process in self.processes:
            if process.stdin is not None:
                process.stdin.close()
            else:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.backend.close()

    def spawn(self, place, command, **more):
        with open(os.path.join(self.folder, f"{self.name}-{place}.err"), "w") as err:
            process = subprocess.Popen(command, stderr=err, **more)
        self.processes.append(process)
        return process


class Ours(Side):
    def __init__(self, serve, folder):
        super().__init__("pocketmesh", folder)
        self.outputs, self.pending = {}, {}
        for place, (proxy, listener) in PLACES.items():
            process = self.spawn(place, [serve, self.manifest, proxy, f"{listener}=127.0.0.1"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            while True:
                line = process.stdout.readline().decode()
                if not line:
                    process.wait()
                    raise RuntimeError(f"{self.name} does not start:\n" + self.last_words())
                if line == "ready\n":
                    break
                self.ports[place] = int(line.split()[1])
            os.set_blocking(process.stdout.fileno(), False)
            self.outputs[place], self.pending[place] = process.stdout, b""

    def log_of(self, place):
        """What was logged since the last question: "STATUS FLAGS DETAILS"."""
        self.pending[place] += self.outputs[place].read() or b""
        *lines, self.pending[place] = self.pending[place].split(b"\n")
        return [line.decode("latin-1").removeprefix("log ") for line in lines]


class Envoy(Side):
    def __init__(self, envoy, pocketmesh, folder):
        super().__init__("envoy", folder)
        self.logs = {}
        for place, (proxy, listener) in PLACES.items():
            config, log, admin = (os.path.join(folder, f"envoy-{place}.{end}") for end in ("json", "log", "admin"))
            with open(config, "w") as f:
                subprocess.run([pocketmesh, "export", "envoy", proxy, "-f", self.manifest, "-q", "--access-log", log,
                                "--listen", f"{listener}=127.0.0.1:0"], stdout=f, check=True)
            self.spawn(place, [envoy, "-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "error",
                               "--admin-address-path", admin, "--file-flush-interval-msec", "2"], stdout=subprocess.DEVNULL)
            self.ports[place] = self.port_of(admin, listener)
            self.logs[place] = [log, 0]

    def port_of(self, admin, listener):
        """The kernel's choice, as Envoy's admin interface tells it."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            self.check()
            try:
                with open(admin) as f:
                    address = f.read().strip()
                with urllib.request.urlopen(f"http://{address}/ready") as answer:
                    answer.read()
                with urllib.request.urlopen(f"http://{address}/listeners?format=json") as answer:
                    for status in json.load(answer)["listener_statuses"]:
                        if status["name"] == listener:
                            return status["local_address"]["socket_address"]["port_value"]
            except OSError:
                pass
            select.select([], [], [], 0.02)
        raise RuntimeError("envoy does not start:\n" + self.last_words())

    def log_of(self, place):
        path, at = self.logs[place]
        try:
            with open(path, "rb") as f:
                f.seek(at)
                data = f.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self.logs[place][1] += end
        out = []
        for line in data[:end].splitlines():
            entry = json.loads(line)
            out.append(f"{entry['response_code']} {entry['response_flags']} {entry['response_code_details'] or '-'}")
        return out


def both(options):
    """(folder, ours, envoy); the caller stops them."""
    folder = tempfile.TemporaryDirectory(prefix="differential-")
    ours = Ours(options.serve, folder.name)
    try:
        envoy = Envoy(options.envoy, options.pocketmesh, folder.name)
    except BaseException:
        ours.stop()
        raise
    return folder, ours, envoy
