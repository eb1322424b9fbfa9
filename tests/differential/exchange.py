# SPDX-License-Identifier: Apache-2.0
"""One case at one proxy: a client that says exactly these bytes, a backend that answers by a script, and what both saw."""
import select
import socket
import struct

import http1

CLIENT_ADDRESS = "127.0.0.2"  # Envoy treats 127.0.0.1 as itself
PATIENCE_MS = 10000
KEPT_MS = 1500  # a proxy that lets go of a connection does so before
PROBE = b"GET /are-you-there HTTP/1.1\r\nhost: app\r\n\r\n"
PROBE_ANSWER = b"HTTP/1.1 200 OK\r\nx-probe: yes\r\ncontent-length: 5\r\n\r\nprobe"
PLAIN = (("send", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),)


def joined(steps):
    """What is sent in pieces, in one."""
    out = []
    for step in steps:
        if step[0] == "send" and out and out[-1][0] == "send":
            out[-1] = ("send", out[-1][1] + step[1])
        else:
            out.append(step)
    return tuple(out)


class BackendConnection:
    def __init__(self, sock):
        self.sock, self.heard, self.at, self.answer = sock, b"", 0, None
        self.need = None  # bytes of the body under way that are still to come, "chunks", or None before a head
        self.is_ended = self.is_shut = False


class Backend:
    """Listens on 127.0.0.1; answers the k-th request of a case with its k-th script."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.begin([])

    def begin(self, answers):
        self.answers, self.asked, self.connections, self.was_probed = answers, 0, [], False

    def sockets(self):
        return [self.listener] + [c.sock for c in self.connections if c.sock is not None and not c.is_ended]

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(BackendConnection(sock))

    def on_ready(self, sock):
        if sock is self.listener:
            self.accept()
            return
        connection = next(c for c in self.connections if c.sock is sock)
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            connection.is_ended = True
            return
        connection.heard += data
        self.turn(connection)

    def turn(self, connection):
        """Reads requests as far as they go."""
        while connection.sock is not None:
            if connection.need is None and not self.take_head(connection):
                return
            if not self.skip_body(connection):
                return
            connection.need = None
            self.act(connection, "end")

    def take_head(self, connection):
        end = connection.heard.find(http1.HEAD_END, connection.at)
        if end < 0:
            return False
        start, headers = http1.split_head(connection.heard[connection.at:end])
        connection.at = end + 4
        lengths = http1.values_of(headers, "content-length")
        if any(v.lower() == "chunked" for v in http1.values_of(headers, "transfer-encoding")):
            connection.need = "chunks"
        else:
            connection.need = int(lengths[0]) if lengths and lengths[0].isdigit() else 0
        if start == "GET /are-you-there HTTP/1.1":
            self.was_probed = True
            connection.answer = ("end", (("send", PROBE_ANSWER),))
        else:
            connection.answer = self.answers[self.asked % len(self.answers)] if self.answers else ("end", PLAIN)
            self.asked += 1
        if start.startswith("HEAD "):  # a body that nobody asked for comes with its head, not by luck
            connection.answer = (connection.answer[0], joined(connection.answer[1]))
        self.act(connection, "head")
        return True

    def skip_body(self, connection):
        if connection.need == "chunks":
            _, end, is_whole, _ = http1.read_chunks(connection.heard, connection.at)
            if is_whole:
                connection.at = end
            return is_whole
        here = min(connection.need, len(connection.heard) - connection.at)
        connection.at += here
        connection.need -= here
        return connection.need == 0

    def act(self, connection, when):
        if connection.answer is None or connection.answer[0] != when or connection.sock is None:
            return
        script, connection.answer = connection.answer[1], None
        for step in script:
            try:
                self.step(connection, step)
            except OSError:
                return  # the proxy has closed already

    @staticmethod
    def step(connection, step):
        sock = connection.sock
        if sock is None or connection.is_shut:
            return
        if step[0] == "send":
            sock.setblocking(True)
            sock.sendall(step[1])
            sock.setblocking(False)
        elif step[0] == "shut":
            sock.shutdown(socket.SHUT_WR)
            connection.is_shut = True
        elif step[0] == "close":
            sock.close()
            connection.sock = None
        elif step[0] == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            connection.sock = None

    def drain(self):
        """Ends every connection and waits until the proxy has let go of it: the next case meets an empty pool. How many it kept."""
        kept = 0
        for c in self.connections:
            if c.sock is not None and not c.is_shut and not c.is_ended:
                try:
                    c.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    c.is_ended = True
        left = [c for c in self.connections if c.sock is not None]
        for c in left:
            while not c.is_ended:
                if not select.select([c.sock], [], [], KEPT_MS / 1000)[0]:
                    kept += 1
                    break
                self.on_ready(c.sock)
            c.sock.close()
            c.sock = None
        return kept

    def close(self):
        self.listener.close()


class Seen:
    """What client and backend saw, and what the proxy logged, as lines."""

    def __init__(self, client, end, upstream, kept):
        self.client, self.end, self.upstream, self.kept, self.log = client, end, upstream, kept, []

    def lines(self):
        out = ["client heard:"]
        for message in self.client:
            out += ["  " + line for line in message.lines()] + ["  --"]
        out.append(f"client's connection: {self.end}")
        for i, connection in enumerate(self.upstream):
            out.append(f"backend heard on connection {i + 1}:")
            for message in connection:
                out += ["  " + line for line in message.lines()] + ["  --"]
        if self.kept:
            out.append(f"connections to the backend that the proxy kept although it was ended: {self.kept}")
        return out + ["logged: " + line for line in self.log]


class Client:
    def __init__(self, side, place):
        self.side, self.heard, self.is_closed = side, b"", False
        self.sock = socket.socket()
        self.sock.bind((CLIENT_ADDRESS, 0))
        self.sock.connect(("127.0.0.1", side.ports[place]))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def on_ready(self):
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self.heard += data
        self.is_closed = not data

    def settle(self, is_done, quiet_ms):
        """Carries bytes until `is_done`, or the connection is closed, or nothing has happened for a while."""
        while not self.is_closed and not is_done():
            wanted = [self.sock] + self.side.backend.sockets()
            ready = select.select(wanted, [], [], quiet_ms / 1000)[0]
            if not ready:
                return
            for sock in ready:
                if sock is self.sock:
                    self.on_ready()
                elif sock.fileno() >= 0:
                    self.side.backend.on_ready(sock)

    def say(self, data):
        at = 0
        while at < len(data) and not self.is_closed:
            readable, writable, _ = select.select([self.sock] + self.side.backend.sockets(), [self.sock], [], PATIENCE_MS / 1000)
            if not readable and not writable:
                raise RuntimeError(f"{self.side.name} takes no more bytes")
            for sock in readable:
                if sock is self.sock:
                    self.on_ready()
                else:
                    self.side.backend.on_ready(sock)
            if writable and not self.is_closed:
                try:
                    at += self.sock.send(data[at:])
                except OSError:
                    self.settle(lambda: False, 1)
                    self.is_closed = True


def play(case, side, quiet_ms):
    """The case at one side; what was seen."""
    backend = side.backend
    backend.begin(case.answers)
    client = Client(side, case.place)
    for piece in case.pieces():
        client.say(piece)
        if case.is_waiting:
            client.settle(lambda: False, 2)
    wanted = len(case.requests)
    client.settle(lambda: http1.complete_count(client.heard, case.methods()) >= wanted, quiet_ms)
    if case.end == "fin":
        client.settle(lambda: False, quiet_ms)  # what stands behind the requests is answered by then, or never
        if not client.is_closed:
            client.sock.shutdown(socket.SHUT_WR)
            client.settle(lambda: False, quiet_ms)
    elif not client.is_closed:
        client.say(PROBE)
        client.settle(lambda: b"x-probe: yes" in client.heard and client.heard.endswith(b"probe"), quiet_ms)
    is_probed = backend.was_probed
    client.sock.close()
    kept = backend.drain()
    end = "closed" if client.is_closed else "open, the next request was served" if is_probed and client.heard.endswith(b"probe") \
        else "open, and silent"
    upstream = [http1.messages(c.heard, [], True) for c in backend.connections if c.heard]
    return Seen(http1.messages(client.heard, case.methods(), False), end, upstream, kept)
