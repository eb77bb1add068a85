#include "metrics_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "process.h"
#include "shard.h"

static int gauge(struct buf *out, const char *name, const char *help,
                 long long value)
{
    return buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name,
                      help, name, name, value);
}

static long long connections(const struct server *s)
{
    long long n = 0;

    for (int i = 0; i < s->shard_count; i++)
        n += atomic_load(&s->shards[i]->connections);
    return n;
}

int metrics_page(struct server *s, struct buf *out)
{
    struct metrics **sets = mem_array((size_t)s->shard_count, sizeof(*sets));
    static struct timing sum; /* main's thread only */
    int rc;

    memset(&sum, 0, sizeof(sum));
    for (int i = 0; i < s->shard_count; i++) {
        sets[i] = node_metrics(s->shards[i]->node);
        timing_merge(&sum, node_sent_hist(s->shards[i]->node));
    }
    rc = metrics_write(out, sets, s->shard_count);
    if (rc == 0)
        rc = timing_write(out, "confab_sent_seconds",
                          "From the arrival of a send to its answer", &sum);
    if (rc == 0)
        rc = gauge(out, "confab_sockets", "Sockets open", connections(s));
    if (rc == 0)
        rc = gauge(out, "confab_uptime_seconds", "Since the start",
                   (clock_wall(&s->clock.base) - s->started) / 1000);
    if (rc == 0)
        rc = process_write(s, out);
    free(sets);
    return rc;
}
