/* Scenarios about connections: who is there, comes, goes and comes back. */
#include "builtin.h"

/* 64 KB for each connection is what is asked for; what is reached is told. */
#define IDLE(name, count, rate, measure, memory)                        \
    "name = \"" name "\"\n"                                             \
    "about = \"authenticated, a heartbeat every 30 s, nothing said\"\n" \
    "[users]\n"                                                         \
    "count = " count "\n"                                               \
    "connect_rate = \"" rate "\"\n"                                     \
    "heartbeat = \"30s\"\n"                                             \
    "[phases]\n"                                                        \
    "settle = \"auto\"\n"                                               \
    "measure = \"" measure "\"\n"                                       \
    "drain = \"1s\"\n"                                                  \
    "[thresholds]\n"                                                    \
    "\"hb.missed\" = \"=0\"\n"                                          \
    "\"dropped\" = \"=0\"\n"                                            \
    "\"connects.failed\" = \"=0\"\n"                                    \
    "\"srv.rss\" = \"<" memory "\"\n"

const char builtin_idle_20k[] =
    IDLE("idle-20k", "20_000", "4k/s", "30s", "1.31g");
const char builtin_idle_100k[] =
    IDLE("idle-100k", "100_000", "4k/s", "60s", "6.55g");
const char builtin_idle_1m[] =
    IDLE("idle-1m", "1_000_000", "5k/s", "60s", "65.5g");

#define CHURN                                         \
    "[users]\n"                                       \
    "count = 100_000\n"                               \
    "connect_rate = \"3k/s\"\n"                       \
    "heartbeat = \"15s\"\n"                           \
    "[churn]\n"                                       \
    "connects = \"278/s\"   # a million in an hour\n" \
    "session = \"5m\"\n"                              \
    "close = { fin = 0.7, rst = 0.2, silent = 0.1 }\n"

const char builtin_connect_1m_hour[] =
    "name = \"connect-1m-hour\"\n"
    "about = \"a million connects in an hour, ended by FIN, RST, "
    "silence\"\n" CHURN "[phases]\n"
    "measure = \"1h\"\n"
    "[thresholds]\n"
    "\"connects.failed\" = \"=0\"\n"
    "\"login.p99\" = \"<1s\"\n";

#define PRESENCE(name, about, visible)             \
    "name = \"" name "\"\n"                        \
    "about = \"" about "\"\n" CHURN "[presence]\n" \
    "contacts = 500\n"                             \
    "visible = " visible "\n"                      \
    "[phases]\n"                                   \
    "measure = \"2m\"\n"                           \
    "[thresholds]\n"                               \
    "\"connects.failed\" = \"=0\"\n"               \
    "\"online.p99\" = \"<1s\"\n"                   \
    "\"offline.p99\" = \"<2s\"   # after the TTL\n"

const char builtin_presence_500[] =
    PRESENCE("presence-500", "churn, told to all 500 contacts", "1.0");
const char builtin_presence_view[] = PRESENCE(
    "presence-view", "churn, told to who looks: 5 % of contacts", "0.05");

const char builtin_offline_catchup[] =
    "name = \"offline-catchup\"\n"
    "about = \"a million messages waiting for 10,000 who come back\"\n"
    "[users]\n"
    "count = 11_000\n"
    "connect_rate = \"2k/s\"\n"
    "[backlog]\n"
    "messages = 1_000_000\n"
    "users = 10_000\n"
    "rate = \"500/s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"50/s\"\n"
    "probe = true\n"
    "[phases]\n"
    "measure = \"40s\"\n"
    "drain = \"30s\"\n"
    "[thresholds]\n"
    "\"probe.p99\" = \"<100ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n";

const char builtin_herd_100k[] =
    "name = \"herd-100k\"\n"
    "about = \"100,000 drop at once and come back\"\n"
    "# With --server and --set fault.kind=kill it is the server that dies.\n"
    "[users]\n"
    "count = 100_000\n"
    "connect_rate = \"4k/s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"200/s\"\n"
    "receipts = [\"delivered\"]\n"
    "[fault]\n"
    "kind = \"rst\"\n"
    "count = 1\n"
    "[phases]\n"
    "measure = \"60s\"\n"
    "drain = \"20s\"\n"
    "[thresholds]\n"
    "\"back.max\" = \"<30s\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"srv.rss.ratio\" = \"<1.1\"\n"
    "\"refused\" = \"<1000\"    # busy for a moment, in the middle of it\n";

const char builtin_kill9[] =
    "name = \"kill9\"\n"
    "about = \"SIGKILL among sends, three times: what was acknowledged is "
    "there\"\n"
    "[users]\n"
    "count = 1_000\n"
    "connect_rate = \"1k/s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"500/s\"\n"
    "receipts = [\"delivered\"]\n"
    "[[traffic]]\n"
    "kind = \"group\"\n"
    "members = 20\n"
    "groups = 50\n"
    "rate = \"50/s\"\n"
    "[fault]\n"
    "kind = \"kill\"\n"
    "every = \"10s\"\n"
    "count = 3\n"
    "[phases]\n"
    "measure = \"40s\"\n"
    "drain = \"20s\"\n"
    "[thresholds]\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"order.mismatch\" = \"=0\"\n"
    "\"back.max\" = \"<30s\"\n";

const char builtin_freeze[] =
    "name = \"freeze\"\n"
    "about = \"the server stands still for 2 s, three times\"\n"
    "[users]\n"
    "count = 1_000\n"
    "connect_rate = \"1k/s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"500/s\"\n"
    "receipts = [\"delivered\"]\n"
    "[fault]\n"
    "kind = \"freeze\"\n"
    "every = \"8s\"\n"
    "for = \"2s\"\n"
    "count = 3\n"
    "[phases]\n"
    "measure = \"30s\"\n"
    "drain = \"10s\"\n"
    "[thresholds]\n"
    "\"e2e.max\" = \"<4s\"\n"
    "\"dropped\" = \"=0\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n";

const char builtin_slow_1pc[] =
    "name = \"slow-1pc\"\n"
    "about = \"1 % of the clients stop reading; the others feel nothing\"\n"
    "slow = 0.01\n"
    "[users]\n"
    "count = 10_000\n"
    "connect_rate = \"2k/s\"\n"
    "[[traffic]]\n"
    "kind = \"group\"\n"
    "members = 100\n"
    "groups = 100\n"
    "rate = \"50/s\"\n"
    "body = { bytes = 500 }\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"50/s\"\n"
    "probe = true\n"
    "[phases]\n"
    "measure = \"60s\"\n"
    "[thresholds]\n"
    "\"probe.p99\" = \"<100ms\"\n"
    "\"srv.rss.ratio\" = \"<1.5\"\n"
    "\"lost\" = \"=0\"\n";
