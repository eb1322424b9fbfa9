"""The clients of the soak that wrk cannot play, each a coroutine at its own pace.

Every answer is held against what its route promises; a difference is kept in
`wrong`, with its place in time. What a client breaks off itself is only counted.
"""
import asyncio
import collections
import socket
import struct
import time

PATIENCE = 30
LARGE_BYTES = 2_000_000
# Paths of the host "unwell": status, and what the body says.
UNHEALTHY = {
    "/": (503, b"unwell"),
    "/resets": (503, b"reset reason: connection termination"),
    "/closes": (503, b"reset reason: connection termination"),
    "/breaks-off": (200, None),  # and no end
    "/babbles": (502, b"reset reason: protocol error"),
    "/hangs": (504, b"upstream request timeout"),
    "/refuses": (503, b"reset reason: remote connection failure"),
}


class Line:
    """A connection that speaks HTTP/1.1."""

    def __init__(self, place):
        self.host, port = place.rsplit(":", 1)
        self.port, self.reader, self.writer = int(port), None, None

    async def open(self, receive_bytes=0):
        end = socket.socket()
        end.setblocking(False)
        if receive_bytes:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(end, (self.host, self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=end, limit=65536)

    async def say(self, text):
        self.writer.write(text)
        await self.writer.drain()

    async def head(self):
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, value in pairs}

    async def body(self, headers):
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        parts = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append((await self.reader.readexactly(size + 2))[:size])
        await self.reader.readexactly(2)
        return b"".join(parts)

    def close(self, is_abrupt=False):
        if self.writer is None:
            return
        if is_abrupt:
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                            struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()
        self.writer = None


class Load:
    """All clients together. `place`: the address that is the pod's http_proxy."""

    def __init__(self, place):
        self.place, self.is_over, self.started = place, False, time.monotonic()
        self.counts, self.wrong = collections.Counter(), []

    def note(self, kind, why=None):
        self.counts[kind] += 1
        if why is not None:
            self.counts[kind + ", wrong"] += 1
            if self.counts[kind + ", wrong"] <= 5:
                self.wrong.append(f"after {time.monotonic() - self.started:.1f} s: {kind}: {why}")

    async def ask(self, line, text):
        """One request on a connection that is opened when it is not: status, headers, body."""
        if line.writer is None:
            await line.open()
        await line.say(text)
        status, headers = await line.head()
        body = await line.body(headers)
        if headers.get("connection") == "close":
            line.close()
        return status, headers, body

    async def every(self, pace_s, kind, step):
        """`step` at its pace until the load is over; it answers None or what is wrong."""
        while not self.is_over:
            try:
                self.note(kind, await asyncio.wait_for(step(), PATIENCE))
            except (OSError, EOFError, ValueError, KeyError, IndexError, asyncio.TimeoutError) as why:
                self.note(kind, f"{type(why).__name__}: {why}")
            await asyncio.sleep(pace_s)

    def steady(self, host, want, is_keeping):
        line = Line(self.place)

        async def step():
            try:
                status, headers, body = await self.ask(line, b"GET http://%s:9080/ HTTP/1.1\r\nhost: %s:9080\r\n\r\n"
                                                       % (host, host))
            except BaseException:
                line.close()
                raise
            if not is_keeping:
                line.close()
            if status != 200 or want not in body or headers.get("x-edition", "").startswith("broken"):
                return f"{status} {headers} {body[:100]}"
            return None
        return step

    def uploads(self):
        line = Line(self.place)

        async def step():
            mark = b"%d" % self.counts["uploads"]
            piece = b"200\r\n" + mark + b"y" * (512 - len(mark)) + b"\r\n"
            try:
                status, _, body = await self.ask(line, b"POST http://echo:9080/ HTTP/1.1\r\nhost: echo:9080\r\n"
                                                 b"transfer-encoding: chunked\r\n\r\n" + 3 * piece + b"0\r\n\r\n")
            except BaseException:
                line.close()
                raise
            is_whole = body.count(b"y" * (512 - len(mark))) == 3 and mark + b"y" in body
            return None if status == 200 and is_whole else f"{status} {len(body)} bytes"
        return step

    async def trickled(self):
        line = Line(self.place)
        try:
            await line.open()
            for byte in b"GET http://shop:9080/ HTTP/1.1\r\nhost: shop:9080\r\n\r\n":
                await line.say(bytes((byte,)))
                await asyncio.sleep(0.005)
            status, headers = await line.head()
            body = await line.body(headers)
            return None if status == 200 and b"from v" in body else f"{status} {body}"
        finally:
            line.close()

    async def slow_reader(self):
        line = Line(self.place)
        try:
            await line.open(receive_bytes=16384)
            await line.say(b"GET http://large:9080/ HTTP/1.1\r\nhost: large:9080\r\n\r\n")
            status, headers = await line.head()
            left = int(headers["content-length"])
            while left > 0 and (piece := await line.reader.read(min(left, 65536))):
                left -= len(piece)
                await asyncio.sleep(0.02)
            return None if status == 200 and left == 0 else f"{status}, {left} bytes of {LARGE_BYTES} are missing"
        finally:
            line.close()

    async def leaver(self):
        """Leaves in the head, before the answer, in the answer; by a FIN or by a reset."""
        line, nth = Line(self.place), self.counts["leavers"]
        await line.open()
        text = b"GET http://%s:9080/ HTTP/1.1\r\nhost: x\r\n\r\n" % (b"large", b"dawdles", b"large")[nth % 3]
        await line.say(text[:20] if nth % 3 == 0 else text)
        if nth % 3 == 2:
            await line.reader.read(10000)
        line.close(is_abrupt=nth % 2 == 0)

    async def unhealthy(self):
        """The next of the routes that fail: it has to fail as it should."""
        path = list(UNHEALTHY)[self.counts["failures of upstreams"] % len(UNHEALTHY)]
        status_wanted, said = UNHEALTHY[path]
        line = Line(self.place)
        try:
            await line.open()
            await line.say(b"GET http://unwell:9080%s HTTP/1.1\r\nhost: unwell:9080\r\n\r\n" % path.encode())
            status, headers = await line.head()
            try:
                body = await line.body(headers)
            except asyncio.IncompleteReadError:
                body = None
            is_fine = body is None if said is None else body is not None and said in body
            return None if status == status_wanted and is_fine else f"{path}: {status} {body}"
        finally:
            line.close()

    def clients(self):
        """About 200 requests a second, so that a laptop has something left."""
        rows = [(0.05, "kept connections", self.steady(b"shop", b"from v", True)) for _ in range(4)]
        rows += [(0.04, "fresh connections", self.steady(b"shop", b"from v", False)),
                 (0.05, "retried", self.steady(b"mixed", b"well", True)),
                 (0.05, "slow answers", self.steady(b"dawdles", b"at last", True)),
                 (0.05, "uploads", self.uploads()), (0.1, "trickled heads", self.trickled),
                 (0.3, "slow readers", self.slow_reader), (0.3, "slow readers", self.slow_reader),
                 (0.05, "leavers", self.leaver), (0.05, "failures of upstreams", self.unhealthy),
                 (0.05, "failures of upstreams", self.unhealthy)]
        return [self.every(*row) for row in rows]
