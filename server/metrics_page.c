#include "metrics_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "shard.h"

static long resident_bytes(void)
{
    long pages = 0, dummy = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &dummy, &pages) != 2)
        pages = 0;
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

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
    static struct hist sum; /* main's thread only */
    int rc;

    memset(&sum, 0, sizeof(sum));
    for (int i = 0; i < s->shard_count; i++) {
        sets[i] = node_metrics(s->shards[i]->node);
        hist_merge(&sum, node_sent_hist(s->shards[i]->node));
    }
    rc = metrics_write(out, sets, s->shard_count);
    if (rc == 0)
        rc = hist_write(out, "confab_sent_seconds",
                        "From the arrival of a send to its answer", &sum);
    if (rc == 0)
        rc = gauge(out, "confab_sockets", "Sockets open", connections(s));
    if (rc == 0)
        rc = gauge(out, "confab_resident_bytes", "Memory in use",
                   resident_bytes());
    if (rc == 0)
        rc = gauge(out, "confab_uptime_seconds", "Since the start",
                   (clock_wall(&s->clock.base) - s->started) / 1000);
    free(sets);
    return rc;
}
