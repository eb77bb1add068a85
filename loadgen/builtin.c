/* The scenarios that come with the program, as the files a user would write:
 * `confab-load scenarios show NAME` prints one to start from. */
#include "builtin.h"

const char builtin_direct_100ms[] =
    "name = \"direct-100ms\"\n"
    "about = \"one to one with all receipts: the line under 100 ms\"\n"
    "[users]\n"
    "count = 2_000\n"
    "connect_rate = \"2k/s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"1k/s\"\n"
    "arrivals = \"poisson\"\n"
    "body = { bytes = 200, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read:100%\"]\n"
    "[phases]\n"
    "settle = \"auto\"\n"
    "measure = \"30s\"\n"
    "drain = \"10s\"\n"
    "[thresholds]\n"
    "\"e2e.p99\" = \"<100ms\"\n"
    "\"sent.p99\" = \"<100ms\"\n"
    "\"read.p99\" = \"<2s\"      # receipts are gathered for a second\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"reordered\" = \"=0\"\n";

const char builtin_group_500[] =
    "name = \"group-500\"\n"
    "about = \"groups of 500, every copy accounted for\"\n"
    "[users]\n"
    "count = 20_000\n"
    "connect_rate = \"2k/s\"\n"
    "[[traffic]]\n"
    "kind = \"group\"\n"
    "members = 500\n"
    "groups = 40\n"
    "rate = \"20/s\"\n"
    "arrivals = \"poisson\"\n"
    "body = { bytes = 200, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read:30%\"]\n"
    "[[traffic]]\n"
    "kind = \"direct\"        # the quiet probe: does fan-out hold it up?\n"
    "rate = \"50/s\"\n"
    "probe = true\n"
    "[phases]\n"
    "measure = \"60s\"\n"
    "drain = \"10s\"\n"
    "[thresholds]\n"
    "\"e2e.p99\" = \"<100ms\"\n"
    "\"fanout.last.p99\" = \"<100ms\"\n"
    "\"probe.p99\" = \"<100ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"order.mismatch\" = \"=0\"\n";

const char builtin_channel_10k[] =
    "name = \"channel-10k\"\n"
    "about = \"one channel of 10,000 who all look at it, and a probe\"\n"
    "[users]\n"
    "count = 10_100\n"
    "connect_rate = \"2k/s\"\n"
    "[[traffic]]\n"
    "kind = \"channel\"\n"
    "members = 10_000\n"
    "view = 1.0\n"
    "rate = \"1/s\"\n"
    "arrivals = \"constant\"\n"
    "body = { bytes = 200 }\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"50/s\"\n"
    "probe = true\n"
    "[phases]\n"
    "measure = \"30s\"\n"
    "drain = \"10s\"\n"
    "[thresholds]\n"
    "\"fanout.last.max\" = \"<500ms\"\n"
    "\"probe.p99\" = \"<20ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"order.mismatch\" = \"=0\"\n";

const char builtin_threads[] =
    "name = \"threads\"\n"
    "about = \"a working day's mix: rooms, threads, direct messages\"\n"
    "[users]\n"
    "count = 5_000\n"
    "connect_rate = \"2k/s\"\n"
    "[[traffic]]\n"
    "name = \"teams\"\n"
    "kind = \"group\"\n"
    "members = 20\n"
    "groups = 500\n"
    "rate = \"200/s\"\n"
    "threads = 0.4\n"
    "body = { bytes = 150, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read:50%\"]\n"
    "[[traffic]]\n"
    "name = \"company\"\n"
    "kind = \"group\"\n"
    "members = 500\n"
    "groups = 10\n"
    "rate = \"2/s\"\n"
    "threads = 0.2\n"
    "body = { bytes = 400, spread = \"lognormal\" }\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"100/s\"\n"
    "body = { bytes = 100, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read\"]\n"
    "[thresholds]\n"
    "\"e2e.p99\" = \"<100ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"order.mismatch\" = \"=0\"\n";

const char builtin_day_100b[] =
    "name = \"day-100b\"\n"
    "about = \"50 messages of 1 KB per user and day, from the quiet hours "
    "to the peak\"\n"
    "# 100 thousand million messages a day are 2 thousand million users; here\n"
    "# are as many as fit. 20,000 users x 50 a day are 11.6/s on average; the\n"
    "# rate climbs from half of that to two and a half times.\n"
    "[users]\n"
    "count = 20_000\n"
    "connect_rate = \"2k/s\"\n"
    "heartbeat = \"30s\"\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"4/s\"\n"
    "rate_end = \"20/s\"\n"
    "body = { bytes = 1024, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read\"]\n"
    "[[traffic]]\n"
    "kind = \"group\"\n"
    "members = 10\n"
    "groups = 2_000\n"
    "rate = \"2/s\"\n"
    "rate_end = \"9/s\"\n"
    "body = { bytes = 1024, spread = \"lognormal\" }\n"
    "receipts = [\"delivered\", \"read:30%\"]\n"
    "[phases]\n"
    "measure = \"10m\"\n"
    "[thresholds]\n"
    "\"e2e.p99\" = \"<100ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"hb.missed\" = \"=0\"\n";

const char builtin_soak[] =
    "name = \"soak\"\n"
    "about = \"a day of churn and talk: nothing may grow (CI: --for 10m)\"\n"
    "[users]\n"
    "count = 5_000\n"
    "connect_rate = \"1k/s\"\n"
    "[churn]\n"
    "connects = \"20/s\"\n"
    "session = \"2m\"\n"
    "close = { fin = 0.7, rst = 0.2, silent = 0.1 }\n"
    "[[traffic]]\n"
    "kind = \"direct\"\n"
    "rate = \"100/s\"\n"
    "receipts = [\"delivered\", \"read\"]\n"
    "[[traffic]]\n"
    "kind = \"group\"\n"
    "members = 20\n"
    "groups = 100\n"
    "rate = \"20/s\"\n"
    "receipts = [\"delivered\"]\n"
    "[phases]\n"
    "measure = \"24h\"\n"
    "drain = \"20s\"\n"
    "[thresholds]\n"
    "\"e2e.p99\" = \"<100ms\"\n"
    "\"lost\" = \"=0\"\n"
    "\"dup\" = \"=0\"\n"
    "\"slope.rss\" = \"<1%\"         # in 10 minutes\n"
    "\"slope.fds\" = \"<1%\"\n"
    "\"slope.e2e\" = \"<10%\"\n";

/* ---- the list ---- */

#define ROW(n, text, what)                     \
    {                                          \
        .name = n, .about = what, .toml = text \
    }

static const struct builtin_scenario all[] = {
    ROW("idle-20k", builtin_idle_20k, "20,000 who only heartbeat"),
    ROW("idle-100k", builtin_idle_100k, "100,000 who only heartbeat"),
    ROW("idle-1m", builtin_idle_1m, "1,000,000 who only heartbeat"),
    ROW("connect-1m-hour", builtin_connect_1m_hour,
        "a million connects in an hour; --speed 30 for two minutes"),
    ROW("presence-500", builtin_presence_500,
        "that churn seen by 500 contacts each"),
    ROW("presence-view", builtin_presence_view,
        "the same, and only 5 % of the contacts on the screen"),
    ROW("direct-100ms", builtin_direct_100ms,
        "one to one, all receipts, under 100 ms"),
    ROW("group-500", builtin_group_500, "groups of 500 and a probe"),
    ROW("channel-10k", builtin_channel_10k, "a channel of 10,000"),
    ROW("threads", builtin_threads, "rooms, threads, direct messages"),
    ROW("day-100b", builtin_day_100b, "50 messages per user and day"),
    ROW("offline-catchup", builtin_offline_catchup,
        "a million messages waiting for 10,000 users"),
    ROW("herd-100k", builtin_herd_100k, "100,000 drop and come back at once"),
    ROW("kill9", builtin_kill9,
        "SIGKILL among sends, nothing lost; needs --server"),
    ROW("freeze", builtin_freeze, "the server stands still for two seconds"),
    ROW("slow-1pc", builtin_slow_1pc, "1 % of the clients stop reading"),
    ROW("soak", builtin_soak, "a day of churn and talk"),
    {.name = NULL},
};

const struct builtin_scenario *scenario_builtins(void)
{
    return all;
}
