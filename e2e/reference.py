#!/usr/bin/env python3
"""A whole confab client of the standard library, from confab-protocol(7) alone.

usage: reference.py URL NAME PASSWORD_FILE [--send USER TEXT] [--count N]

Logs in, catches up, prints each entry once as a JSON line and acknowledges it
after that. --send: send TEXT to USER. --count: end after N messages of others
(and after what was to be sent). Neither: go on for ever.
"""
import argparse, base64, hashlib, json, os, queue, random, socket, ssl, sys, threading, time
import urllib.parse, urllib.request


class Link:  # RFC 6455, as much of it as a client needs
    def __init__(self, url):
        u, key = urllib.parse.urlsplit(url), base64.b64encode(os.urandom(16))
        tls, self.code = u.scheme in ("wss", "https"), 1006
        self.s = socket.create_connection((u.hostname, u.port or (443 if tls else 80)), 60)
        if tls:
            self.s = ssl.create_default_context().wrap_socket(self.s, server_hostname=u.hostname)
        self.f, self.texts, self.lock = self.s.makefile("rb"), queue.Queue(), threading.Lock()
        self.s.sendall(b"GET /v1/chat HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"
                       b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: confab.v1\r\n\r\n"
                       % (u.netloc.encode(), key))
        head = list(iter(lambda: self.f.readline().strip(), b""))
        proof = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        if b" 101 " not in head[0] + b" " or base64.b64encode(proof) not in b"".join(head):
            raise OSError("no upgrade: %r" % head)
        threading.Thread(target=self.read, daemon=True).start()

    def send(self, data, opcode=1):
        mask, n = os.urandom(4), len(data)
        size = (bytes([128 | n]) if n < 126 else b"\xfe" + n.to_bytes(2, "big")
                if n < 65536 else b"\xff" + n.to_bytes(8, "big"))
        masked = bytes(b ^ mask[i & 3] for i, b in enumerate(data))
        with self.lock:
            self.s.sendall(bytes([128 | opcode]) + size + mask + masked)

    def read(self):  # in a thread: texts into the queue, None at the end
        text = b""
        try:
            while self.code == 1006:
                first, n = self.f.read(2)
                if n > 125:
                    n = int.from_bytes(self.f.read(2 if n == 126 else 8), "big")
                data, opcode = self.f.read(n), first & 15
                if opcode == 8:
                    self.code = int.from_bytes(data[:2], "big") or 1005
                elif opcode == 9:
                    self.send(data, 10)
                elif opcode < 3:
                    text += data
                    if first & 128:
                        self.texts.put(text.decode())
                        text = b""
        except (OSError, ValueError):
            pass
        self.texts.put(None)


class Client:
    def __init__(self, args):
        self.args, self.got, self.n, self.store, self.conv = args, 0, 0, None, None
        self.at, self.seen = {}, set()  # cursor of each conversation; ids that were printed
        self.todo = args.send and {"cid": os.urandom(16).hex(), "body": {"text": args.send[1]}}
        with open(args.password_file, encoding="utf-8") as f:
            login = {"name": args.name, "password": f.readline().rstrip("\r\n")}
        http = "http" + args.url[2:] if args.url.startswith("ws") else args.url
        with urllib.request.urlopen(http + "/v1/login", json.dumps(login).encode(), 60) as f:
            self.me = json.load(f)

    def put(self, kind, then=None, **members):
        self.n += 1
        self.asked[self.n] = then
        self.link.send(json.dumps({"t": kind, "n": self.n, **members}).encode())

    def out(self, event, **row):
        print(json.dumps({"event": event, **row}), flush=True)

    def finished(self):
        return not self.todo and (self.args.send or self.args.count) and (
            self.got >= (self.args.count or 0))

    def push(self):  # what is to be sent, step by step; after a reconnect with the same cid
        def found(f):
            self.put("conv.open", opened, user=f["user"])

        def opened(f):
            self.conv = f["conv"]
            self.push()

        def sent(f):
            self.todo = None
            self.out("sent", conv=f["conv"], seq=f["seq"], id=f["id"], dup=f.get("dup", False))

        if self.todo and self.conv:
            self.put("send", sent, conv=self.conv, **self.todo)
        elif self.todo:
            self.put("user.find", found, name=self.args.send[0])

    def entry(self, conv, e):
        if e["seq"] > self.at.setdefault(conv, e["seq"] - 1) + 1:
            self.later.setdefault(conv, time.monotonic() + 0.5)  # R6: a hole; wait, then ask
        elif e["seq"] > self.at[conv]:
            self.at[conv] = self.news[conv] = e["seq"]
            if e["id"] not in self.seen:
                self.seen.add(e["id"])
                self.got += e["k"] == "msg" and e["from"] != self.me["user"]
                self.out("entry", conv=conv, **e)

    def covered(self, conv, first, last):
        if first <= self.at.setdefault(conv, first - 1) + 1 and last > self.at[conv]:
            self.at[conv] = self.news[conv] = last

    def handle(self, f):
        kind, conv, then = f.pop("t"), f.get("conv"), self.asked.pop(f.get("re"), None)
        if kind == "welcome":
            if self.store not in (None, f["store"]):
                self.at, self.store = {}, f["store"]  # another store: ask for all of it again
                raise OSError("another store")
            self.store, self.beat = f["store"], f["hb"] / 1000
            self.later["hb"] = time.monotonic() + random.random() * self.beat
            self.push()
        elif kind == "entry":
            self.entry(f.pop("conv"), f)
        elif kind == "batch":
            for e in f["entries"]:
                self.entry(conv, e)
            self.covered(conv, f["from"], f["to"])
            if f["more"] and "re" in f:
                self.later[conv] = 0  # the next page
        elif kind == "gap" and f["why"] == "deferred" and conv in self.at:
            self.later[conv] = 0
        elif kind == "gap":
            self.covered(conv, f["from"], f["to"])
        elif kind == "bye":
            self.window = f.get("retry")
        elif kind == "err" and f["temp"]:
            self.later["again"] = time.monotonic() + f.get("retry", 1000) / 1000
        elif kind == "err" and self.link and f.get("re") == 1 and f["code"] == "bad_frame":
            self.at = {}  # last_seen was above the head
        elif kind == "err":
            self.out("error", code=f["code"], msg=f.get("msg"))
            sys.exit(1)
        elif then:
            then(f)

    def due(self, what):
        if what == "hb":
            self.put("hb", act=True)
            self.later["hb"] = time.monotonic() + self.beat
        elif what == "again":
            self.push()
        else:
            self.put("history", conv=what, after=self.at[what], limit=200)

    def session(self):  # until the connection ends, or nothing is left to do
        self.link = Link(self.args.url)
        self.asked, self.later, self.news, self.n = {}, {"hb": time.monotonic() + 30}, {}, 0
        self.put("hello", ver=[1], token=self.me["token"], ua="reference.py", last_seen=self.at)
        while not self.finished() or self.news:
            for what in [w for w, when in self.later.items() if when <= time.monotonic()]:
                del self.later[what]
                self.due(what)
            try:
                wait = min(self.later.values()) - time.monotonic()
                text = self.link.texts.get(timeout=max(0.01, wait))
            except queue.Empty:
                continue
            if text is None:
                return
            for line in filter(str.strip, text.split("\n")):
                self.handle(json.loads(line))
            if self.news:  # it is printed and flushed: now it may be acknowledged
                at = list(self.news.items())
                self.news = {}
                self.link.send(json.dumps({"t": "ack", "at": at}).encode())
        self.link.send(b'{"t":"bye"}')
        while self.link.texts.get(timeout=30) is not None:
            pass

    def run(self):
        tries = 0
        while not self.finished():
            began, self.link, self.window = time.monotonic(), None, None
            try:
                self.session()
            except OSError:
                pass
            if self.link and 4400 <= self.link.code < 4500:
                self.out("error", code=self.link.code)
                sys.exit(1)
            if not self.finished():
                tries = 0 if time.monotonic() - began > 60 else tries + 1
                low, high = self.window or (0, min(60000, 500 * 2 ** tries))
                time.sleep(random.uniform(low, high) / 1000)


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("name")
parser.add_argument("password_file")
parser.add_argument("--send", nargs=2, metavar=("USER", "TEXT"))
parser.add_argument("--count", type=int, metavar="N")
Client(parser.parse_args()).run()
