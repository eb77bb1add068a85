"""The map of ARCHITECTURE.md as tables: who may include whom.

Used by rules.py. A folder is a layer; what is not listed is forbidden.
"""

import fnmatch

BASE = ["lib/base"]
PROTO = BASE + ["lib/proto"]
CLIENT = PROTO + ["lib/e2ee", "lib/client"]
INTERFACES = ["server/store", "server/bus", "server/presence",
              "server/registry", "server/blob", "server/push"]
CORE = INTERFACES + ["server/core"] + PROTO

# layer -> layers it may include, besides itself
LAYERS = {
    "lib/base": [],
    "lib/proto": BASE,
    "lib/e2ee": PROTO,
    "lib/client": PROTO + ["lib/e2ee"],
    "server/store": PROTO,
    "server/bus": PROTO,
    "server/presence": PROTO,
    "server/registry": PROTO,
    "server/blob": PROTO,
    "server/push": PROTO,
    "server/core": CORE,
    "server": CORE,
    "cli/script": CLIENT,
    "cli": CLIENT + ["cli/script"],
    "loadgen": CLIENT,
}

# Folders whose files may include anything: they look at the rest.
FREE = ["tests", "e2e"]

# Where a quoted include is looked up, after the folder of the file itself.
ROOTS = ["lib", "server", "cli", "loadgen"]

# Foreign header -> the files behind whose door it lives.
DOORS = {
    "uv.h": ["lib/base/loop*.c", "lib/base/worker*.c"],
    "libwebsockets.h": ["lib/client/link*.c", "server/net*.[ch]",
                        "server/http*.[ch]",
                        "server/guard*.c", "server/upgrade*.c",
                        "server/admin*.[ch]"],
    "jansson.h": ["lib/base/json*.[ch]"],
    "sodium.h": ["lib/e2ee/*", "server/auth*.c"],
    "curl/*": ["lib/base/fetch*.c"],
    "readline/*": ["cli/input*.c"],
    "sqlite3.h": ["server/store/sqlite*.[ch]", "lib/client/archive*.[ch]",
                  "cli/script/fixture_store.c"],
    "openssl/*": ["server/net*.c", "server/tls*.c", "server/listen*.c",
                  "lib/client/link*.c", "loadgen/tls*.c"],
    "zlib.h": ["loadgen/hist*.c"],
    "liburing.h": ["loadgen/io_uring*.c"],
    "utf8proc.h": ["lib/base/text*.c", "cli/tty*.c"],
    "qrencode.h": ["cli/qr*.c"],
    "zstd.h": ["server/blob/*.c"],
    "check.h": [],
}

# The machine: events in, effects out. No clock, socket, file or thread.
PURE = ["server/core/*", "server/store/*", "server/bus/*",
        "server/presence/*", "server/registry/*"]
# Backends that own files and threads; they come with a target of their own.
IMPURE = ["server/store/sqlite*", "server/bus/redis*", "server/bus/kafka*",
          "server/store/cassandra*", "server/registry/redis*",
          "server/presence/redis*", "server/*/local*.c",
          "server/presence/presence_backend.h",
          "server/registry/registry_backend.h"]
PURE_HEADERS = ["pthread.h", "threads.h", "time.h", "signal.h", "poll.h",
                "fcntl.h", "unistd.h", "netdb.h", "sys/*", "netinet/*",
                "arpa/*", "base/loop.h", "base/worker.h", "base/fetch.h"]
PURE_ALLOWED = ["sys/types.h"]


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def layer_of(path):
    """The layer a file lies in: the longest listed folder above it."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    while folder:
        if folder in LAYERS or folder in FREE:
            return folder
        folder = folder.rsplit("/", 1)[0] if "/" in folder else ""
    return None


def is_pure(path):
    return matches(path, PURE) and not matches(path, IMPURE)
