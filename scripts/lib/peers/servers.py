"""Servers to measure beside each other: what each is, whether it is here, how
it is started on a free port of the loopback, and what it promises."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
MODULES = os.environ.get("CONFAB_PEERS",
                         os.path.join(TOP, "build", "peers")) + "/node_modules"
BUN = os.path.join(MODULES, ".bin", "bun")
INSTALL = "scripts/setup --peers"
ROOM = 16000  # connections: one node of confab, so one thread of all of them

MOSQUITTO = """listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 0
persistence false
set_tcp_nodelay true
log_type error
"""

# Any name and password may log in; a session waits for one answer at a time,
# so that its queue has to hold what comes meanwhile.
EJABBERD = """hosts: [localhost]
loglevel: error
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - {{port: {port}, ip: "127.0.0.1", module: mod_mqtt, backlog: 4096}}
modules:
  mod_mqtt: {{max_queue: unlimited, queue_type: ram}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, argv):
    return argv if core is None else ["taskset", "-c", str(core), *argv]


def first():
    """Run in a child: before other programs, where that is allowed."""
    if os.geteuid() == 0:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))


class Kind:
    """name, the driver's scheme, what `sent` means there, how to start it."""

    def __init__(self, name, scheme, promise, command, here):
        self.name = name
        self.scheme = scheme
        self.promise = promise
        self.command = command  # (binaries, folder, port) -> argv
        self.here = here        # () -> bool

    def missing(self):
        return not self.here()


def confab(*more):
    def command(binaries, folder, port):
        return [os.path.join(binaries, "confabd"), "--data", folder + "/data",
                "--listen", f"127.0.0.1:{port}", "--connections", str(ROOM),
                "--per-address", "1000000", "--no-budgets", "--nodes", "1",
                "--ready-file", folder + "/ready", "--log-level", "error",
                *more]
    return command


def mosquitto(_binaries, folder, port):
    path = os.path.join(folder, "mosquitto.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(MOSQUITTO.format(port=port))
    return [find("mosquitto"), "-c", path]


def erlang_code():
    """Where the folders of ejabberd and its libraries are, or None."""
    found = glob.glob("/usr/lib/*/ejabberd-*/ebin") \
        + glob.glob("/usr/lib/erlang/lib/ejabberd-*/ebin")
    return os.path.dirname(os.path.dirname(found[0])) if found else None


def ejabberd(_binaries, folder, port):
    """Its own start as ejabberdctl does it, less the change to its user and
    the distribution of Erlang: a node without a name has no cookie and no
    epmd, and listens on the one port alone."""
    path = os.path.join(folder, "ejabberd.yml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(EJABBERD.format(port=port))
    return ["env", f"HOME={folder}", f"EJABBERD_CONFIG_PATH={path}",
            f"EJABBERD_LOG_PATH={folder}/ejabberd.log",
            f"ERL_CRASH_DUMP={folder}/crash", f"ERL_LIBS={erlang_code()}",
            f"ERL_MAX_PORTS={2 * ROOM}", find("erl"), "-noinput", "+K", "true",
            "+P", "250000", "-mnesia", "dir", f'"{folder}/spool"', "-s",
            "ejabberd"]


def find(name):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return shutil.which(name, path=path)


KINDS = [
    Kind("confab", "", "synced to disk, then delivered until acknowledged",
         confab(), lambda: True),
    Kind("confab async", "", "written to disk, not synced, delivered until "
         "acknowledged", confab("--durability", "async"), lambda: True),
    Kind("bun", "ws-echo", "nothing: relayed, or lost with a connection",
         lambda _b, _f, port: [BUN, HERE + "/relay-bun.js", str(port)],
         lambda: os.path.exists(BUN)),
    Kind("node ws", "ws-echo", "nothing: relayed, or lost with a connection",
         lambda _b, _f, port: [find("node"), HERE + "/relay-ws.js", str(port)],
         lambda: find("node") and os.path.exists(MODULES + "/ws")),
    Kind("mosquitto QoS 1", "mqtt", "in memory of the broker, acknowledged "
         "both ways", mosquitto, lambda: find("mosquitto")),
    Kind("mosquitto QoS 0", "mqtt0", "nothing: at most once",
         mosquitto, lambda: find("mosquitto")),
    Kind("ejabberd QoS 1", "mqtt", "in memory of the session, one at a time, "
         "acknowledged both ways", ejabberd,
         lambda: find("erl") and erlang_code()),
    Kind("ejabberd QoS 0", "mqtt0", "nothing: at most once", ejabberd,
         lambda: find("erl") and erlang_code()),
    Kind("nats", "nats", "nothing: at most once",
         lambda _b, _f, port: [find("nats-server"), "-a", "127.0.0.1", "-p",
                               str(port), "-l", os.devnull],
         lambda: find("nats-server")),
]


class Server:
    """One of them, running; ended by stop() or as a context."""

    def __init__(self, kind, binaries, core=None):
        self.kind = kind
        self.folder = tempfile.TemporaryDirectory(prefix="confab-peer-")
        port = free_port()
        argv = kind.command(binaries, self.folder.name, port)
        argv = pinned(core, argv)
        self.log = open(self.folder.name + "/log", "w+b")
        self.process = subprocess.Popen(
            argv, stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=first if core is not None else None,
            env={**os.environ, "NODE_PATH": MODULES})
        self.pid = self.process.pid
        self.address = ("127.0.0.1", port)
        self.ready = os.path.join(self.folder.name, "ready")
        self.wait()
        self.target = ["--url", f"{kind.scheme or 'ws'}://127.0.0.1:{port}",
                       "--server-pid", str(self.pid)]
        if not kind.scheme:
            with open(self.ready, encoding="utf-8") as f:
                self.target += ["--admin", json.load(f)["socket"]]

    def wait(self):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            if self.kind.scheme or os.path.exists(self.ready):
                try:
                    socket.create_connection(self.address, 1).close()
                    return
                except OSError:
                    pass
            time.sleep(0.02)
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.stop()
        raise SystemExit(f"{self.kind.name} did not start: {text[-500:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
