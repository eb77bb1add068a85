"""Raw sockets against confabd: for tests that must send what no client would.

Only the standard library. Every wait is for an event on a descriptor."""
import atexit
import base64
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BIN = os.environ.get("BIN", "build/dev/bin")


class Server:
    """confabd --dev, ended with the object. descriptors: its hard limit."""

    def __init__(self, *args, data=None, dev=True, descriptors=0):
        self.dir = tempfile.TemporaryDirectory(prefix="confab-e2e-")
        self.data = data or os.path.join(self.dir.name, "data")
        self.ready = os.path.join(self.dir.name, "ready.json")
        self.log = open(os.path.join(self.dir.name, "log"), "w+b")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "confabd"), *(["--dev"] if dev else []),
             "--data", self.data, "--ready-file", self.ready, *args],
            stderr=self.log, stdout=self.log,
            preexec_fn=(lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (descriptors, descriptors)))
            if descriptors else None)
        atexit.register(self.kill)
        self.wait_ready()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_ready(self):
        end = time.monotonic() + 30
        while not os.path.exists(self.ready):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit("confabd did not start: " + self.text())
            select.select([], [], [], 0.02)
        with open(self.ready, encoding="utf-8") as f:
            info = json.load(f)
        host, port = info["url"].split("//")[1].rsplit(":", 1)
        self.address = (host, int(port))
        self.http = info["url"].replace("ws:", "http:")

    def text(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return -9
        return self.process.returncode

    def post(self, path, body, token=None):
        """(status, answer as text)"""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.http + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def register(self, name):
        status, text = self.post("/v1/register", {
            "name": name, "password": "password-" + name, "device": "test"})
        assert status == 201, (status, text)
        return json.loads(text)


def connect(server, timeout=15):
    s = socket.create_connection(server.address, timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


HANDSHAKE = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "confab.v1",
}


def handshake_bytes(method="GET", path="/v1/chat", change=None):
    headers = dict(HANDSHAKE)
    headers.update(change or {})
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{k}: {v}" for k, v in headers.items() if v is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_headers(s):
    """Status code of the answer; 0: closed without one."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = s.recv(1)
            if not more:
                break
            data += more
    except (ConnectionError, socket.timeout):
        return -1 if not data else 0
    if not data.startswith(b"HTTP/1."):  # refusals say 1.0
        return 0
    return int(data.split()[1])


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """One WebSocket frame; length lies about the payload."""
    n = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if n < 126:
        head += bytes([mask_bit | n])
    elif n < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", n)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    body = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
    return head + mask + body


class WebSocket:
    def __init__(self, server, change=None, timeout=15):
        self.s = connect(server, timeout)
        self.s.sendall(handshake_bytes(change=change))
        self.status = read_headers(self.s)
        self.buffer = b""
        self.lines = []

    def raw(self, data):
        try:
            self.s.sendall(data)
        except ConnectionError:
            pass

    def send(self, obj):
        self.raw(frame(1, json.dumps(obj).encode()))

    def exactly(self, n):
        while len(self.buffer) < n:
            more = self.s.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def frame(self):
        """(opcode, payload)"""
        a, b = self.exactly(2)
        n = b & 127
        if n == 126:
            n = struct.unpack(">H", self.exactly(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.exactly(8))[0]
        return a & 15, self.exactly(n)

    def next(self):
        """The next object; raises when the connection ends."""
        while not self.lines:
            opcode, payload = self.frame()
            if opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                raise ConnectionError(code)
            if opcode == 1:
                self.lines = [x for x in payload.split(b"\n") if x]
        return json.loads(self.lines.pop(0))

    def until(self, kind):
        while True:
            obj = self.next()
            if obj["t"] == kind:
                return obj

    def hello(self, account, **more):
        self.send({"t": "hello", "n": 1, "ver": [1], "dev": account["dev"],
                   "token": account["token"], **more})
        return self.until("synced")

    def close_code(self):
        """The code it is closed with; 0: cut without one."""
        try:
            while True:
                self.next()
        except ConnectionError as end:
            code = end.args[0] if end.args else 0
            return code if isinstance(code, int) and code >= 1000 else 0
        except socket.timeout:
            return -1

    def close(self):
        self.s.close()


class Checks:
    """Counts, and tells what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, what=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"not ok: {name} {what}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
