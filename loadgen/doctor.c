#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario_value.h"

const char *doctor_name(enum doctor_bind b)
{
    static const char *const names[BINDS] = {
        [BIND_NONE] = "nothing",          [BIND_FDS] = "descriptors",
        [BIND_FILE_MAX] = "open files",   [BIND_PORTS] = "ports",
        [BIND_WATCHES] = "epoll watches", [BIND_TRACKED] = "conntrack",
        [BIND_MEMORY] = "memory",         [BIND_TCP_MEM] = "tcp_mem",
    };

    return names[b];
}

int64_t doctor_sources(const char *network)
{
    int bits;

    if (!value_is_network(network))
        return 0;
    bits = (int)strtol(strchr(network, '/') + 1, NULL, 10);
    return INT64_C(1) << (32 - bits);
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t out;

    return __builtin_mul_overflow(a, b, &out) ? INT64_MAX : out;
}

static int64_t least_one(int64_t v)
{
    return v > 0 ? v : 0;
}

static int64_t ends(const struct doctor_facts *f)
{
    return f->server_here ? 2 : 1;
}

static int64_t bytes_each(const struct doctor_facts *f)
{
    return ends(f) * DOCTOR_KERNEL_BYTES + DOCTOR_CLIENT_BYTES +
           (f->server_here ? DOCTOR_SERVER_BYTES : 0);
}

/* ---- one line each ---- */

static void fds(struct doctor_line *l, const struct doctor_facts *f)
{
    int64_t each = least_one(f->fd_limit - DOCTOR_SPARE_FDS);

    l->fits = f->own_tables ? times(each, DOCTOR_SHARDS) : each;
    snprintf(l->have, sizeof(l->have),
             f->own_tables ? "%" PRId64 " a process; a table of its own for "
                             "each shard"
                           : "%" PRId64 " a process, one table for all",
             f->fd_limit);
    snprintf(l->lift, sizeof(l->lift),
             "raise the hard limit: ulimit -Hn, LimitNOFILE=, "
             "/etc/security/limits.conf");
}

static void file_max(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = least_one(f->file_max - f->files) / ends(f);
    snprintf(l->have, sizeof(l->have),
             "%" PRId64 " of the system, %" PRId64 " in use", f->file_max,
             f->files);
    snprintf(l->lift, sizeof(l->lift), "sysctl -w fs.file-max=%" PRId64,
             times(f->file_max, 4));
}

static void ports(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = times(f->ports, f->sources);
    snprintf(l->have, sizeof(l->have),
             "%" PRId64 " for each of %" PRId64 " source addresses", f->ports,
             f->sources);
    snprintf(l->lift, sizeof(l->lift),
             "more addresses: --set users.source_ips=127.1.0.0/16, or sysctl "
             "-w net.ipv4.ip_local_port_range='1024 65535'");
}

static void watches(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = f->watches < 0 ? -1 : f->watches / ends(f);
    snprintf(l->have, sizeof(l->have), "%" PRId64 " of a user", f->watches);
    snprintf(l->lift, sizeof(l->lift),
             "sysctl -w fs.epoll.max_user_watches=%" PRId64,
             times(f->watches, 4));
}

/* Loopback is tracked only where a rule asks for it: when nothing is tracked
 * although this machine talks, nothing will be. */
static void tracked(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = f->tracked > 0 ? least_one(f->tracked_max - f->tracked) : -1;
    snprintf(l->have, sizeof(l->have),
             f->tracked > 0 ? "%" PRId64 " entries, %" PRId64 " in use"
                            : "not in the way",
             f->tracked_max, f->tracked);
    snprintf(l->lift, sizeof(l->lift),
             "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64
             ", or a NOTRACK rule",
             times(least_one(f->tracked_max), 4));
}

static void memory(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = f->memory / bytes_each(f);
    snprintf(l->have, sizeof(l->have),
             "%.1f GB to be had, %" PRId64 " bytes a connection%s",
             (double)f->memory / 1e9, bytes_each(f),
             f->server_here ? ", both ends" : "");
    snprintf(l->lift, sizeof(l->lift),
             f->server_here ? "more memory, or the server on another machine "
                              "(then 4,360 bytes)"
                            : "more memory, or agents on more machines");
}

static void tcp_mem(struct doctor_line *l, const struct doctor_facts *f)
{
    l->fits = least_one(f->tcp_pages - f->tcp_in_use) / ends(f);
    snprintf(l->have, sizeof(l->have),
             "%" PRId64 " pages for unread data, a page a socket",
             f->tcp_pages);
    snprintf(l->lift, sizeof(l->lift),
             "sysctl -w net.ipv4.tcp_mem='%" PRId64 " %" PRId64 " %" PRId64 "'",
             f->tcp_pages, times(f->tcp_pages, 2), times(f->tcp_pages, 4));
}

/* ---- all together ---- */

static void choose(struct doctor *d)
{
    d->fits = INT64_MAX;
    d->binds = BIND_NONE;
    for (int b = BIND_FDS; b < BIND_TCP_MEM; b++) {
        if (d->lines[b].fits < 0 || d->lines[b].fits >= d->fits)
            continue;
        d->fits = d->lines[b].fits;
        d->binds = (enum doctor_bind)b;
    }
    d->well = d->conns <= d->fits;
}

void doctor_judge(struct doctor *d, const struct doctor_facts *f, int64_t conns)
{
    int64_t table = f->fd_limit - DOCTOR_SPARE_FDS;

    memset(d, 0, sizeof(*d));
    d->conns = conns;
    fds(&d->lines[BIND_FDS], f);
    file_max(&d->lines[BIND_FILE_MAX], f);
    ports(&d->lines[BIND_PORTS], f);
    watches(&d->lines[BIND_WATCHES], f);
    tracked(&d->lines[BIND_TRACKED], f);
    memory(&d->lines[BIND_MEMORY], f);
    tcp_mem(&d->lines[BIND_TCP_MEM], f);
    choose(d);
    d->shards = table > 0 ? (int)((conns + table - 1) / table) : 0;
    d->shards = d->shards < 1 ? 1 : d->shards;
    d->addresses = f->ports > 0 ? (conns + f->ports - 1) / f->ports : 0;
    d->bytes = times(conns, bytes_each(f));
}

void doctor_sentence(const struct doctor *d, char *out, size_t room)
{
    out[0] = '\0';
    if (d->well)
        return;
    snprintf(out, room,
             "%" PRId64 " connections do not fit: %s end at %" PRId64 " (%s); "
             "%s",
             d->conns, doctor_name(d->binds), d->fits, d->lines[d->binds].have,
             d->lines[d->binds].lift);
}

json_t *doctor_json(const struct doctor *d)
{
    json_t *lines = json_object();

    for (int b = BIND_FDS; b < BINDS; b++)
        json_object_set_new(
            lines, doctor_name((enum doctor_bind)b),
            json_pack("{s:I,s:s,s:s}", "fits", (json_int_t)d->lines[b].fits,
                      "have", d->lines[b].have, "lift", d->lines[b].lift));
    return json_pack("{s:I,s:b,s:I,s:s,s:i,s:I,s:I,s:o}", "conns",
                     (json_int_t)d->conns, "fit", d->well, "most",
                     (json_int_t)d->fits, "binds", doctor_name(d->binds),
                     "shards", d->shards, "addresses", (json_int_t)d->addresses,
                     "bytes", (json_int_t)d->bytes, "limits", lines);
}
