"""python3's http.server with HTTP/1.1: the request's body comes back as it comes in.

    echo.py        prints its port
"""
import http.server


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pieces(self):
        if self.headers.get("transfer-encoding", "") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("content-length", 0))
        while left > 0:
            piece = self.rfile.read(min(left, 65536))
            left -= len(piece)
            yield piece

    def do_POST(self):
        """Chunked; the framing that came in stands in a header."""
        is_chunked = "transfer-encoding" in self.headers
        self.send_response(200)
        self.send_header("x-framing", "chunked" if is_chunked else "length " + self.headers["content-length"])
        self.send_header("x-forwarded-proto", self.headers.get("x-forwarded-proto", ""))
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in self.pieces():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
