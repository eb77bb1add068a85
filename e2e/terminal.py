"""confab on a pseudo terminal, with a model of the screen (pyte).

Every wait is for something to appear; while it waits, the output of all
terminals is read, so that none of them blocks."""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

try:
    import pyte
except ImportError:
    print("skipped: python3-pyte is not installed")
    sys.exit(77)

PATIENCE = 30
everybody = []

# What confab and Readline may write: styles, cursor left/right/up/down,
# clearing, inserting and deleting, bracketed paste.
OURS = re.compile(
    rb"\x1b\[(?:0|1|2|7|27|3[1-6])?m|\x1b\[\d*[ABCDGKJP@]|\x1b\[H"
    rb"|\x1b\[\?2004[hl]|\x1b\[\?1034h")
# Directional controls have no width; pyte drops what follows some of them.
NO_WIDTH = dict.fromkeys([*range(0x202a, 0x202f), *range(0x2066, 0x206a)])


class Terminal:
    def __init__(self, argv, env, columns=80, rows=24):
        self.screen = pyte.HistoryScreen(columns, rows, history=2000)
        self.stream = pyte.Stream(self.screen)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.raw = b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ,
                            struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(argv[0], argv, env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.modes = None
        everybody.append(self)

    # ---- out ----
    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            everybody.remove(self)
            return
        self.raw += data
        self.stream.feed(self.decoder.decode(data).translate(NO_WIDTH))

    def lines(self):
        return [line.rstrip()
                for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def history(self):
        """What scrolled away, and the screen."""
        old = []
        for row in self.screen.history.top:
            old.append("".join(row[x].data for x in range(
                self.screen.columns)).rstrip())
        return "\n".join(old + self.lines())

    def prompt(self):
        """The line of the cursor."""
        return self.lines()[self.screen.cursor.y]

    # ---- in ----
    def type(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def keys(self, text):
        """One by one, each seen on its own: a person."""
        for key in text:
            self.type(key)
            pump(0.01)

    def enter(self, text=""):
        self.keys(text)
        self.type("\r")

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    # ---- waiting ----
    def wait(self, what, seconds=PATIENCE):
        """True once what() holds, or a text is on the screen."""
        holds = what if callable(what) else (lambda: what in self.text())
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            pump(0.1)
        return True

    def wait_stopped(self):
        pid, status = os.waitpid(self.pid, os.WUNTRACED)
        return pid == self.pid and os.WIFSTOPPED(status)

    def wait_exit(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
                pump(0.05)
                return self.status
            pump(0.05)
        os.kill(self.pid, signal.SIGKILL)
        return None

    def terminal_modes(self):
        return termios.tcgetattr(self.fd)

    # ---- what it wrote ----
    def foreign(self):
        """Escape sequences and controls that are not ours."""
        rest = OURS.sub(b"", self.raw)
        text = rest.decode("utf-8", "replace")
        bad = re.findall(r"[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f].{0,12}", text)
        return bad


def pump(seconds):
    ready, _, _ = select.select([t.fd for t in everybody], [], [], seconds)
    for t in list(everybody):
        if t.fd in ready:
            t.read()


class People:
    """Accounts of a server, each used from a home of its own."""

    def __init__(self, server, home, binary):
        self.server, self.home, self.binary = server, home, binary

    def env(self, name, **more):
        env = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8",
               "TERM": "xterm-256color", "TZ": "UTC", "INPUTRC": "/dev/null",
               "HOME": self.home,
               "CONFAB_HOME": os.path.join(self.home, name),
               "CONFAB_SERVER": "ws://%s:%d" % self.server.address}
        env.update(more)
        return env

    def register(self, name):
        secret = os.path.join(self.home, name + ".password")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as f:
            f.write("password-" + name)
        self.run(name, "account", "register", name, "--password-file", secret)

    def run(self, name, *args, stdin=b"", **more):
        done = subprocess.run([self.binary, *args], env=self.env(name, **more),
                              input=stdin, capture_output=True, timeout=60,
                              check=False)
        return (done.returncode, done.stdout.decode("utf-8", "replace"),
                done.stderr.decode("utf-8", "replace"))

    def chat(self, name, *args, columns=80, rows=24, **more):
        return Terminal([self.binary, "chat", *args], self.env(name, **more),
                        columns, rows)
