#include <inttypes.h>

#include "commands.h"
#include "doctor.h"
#include "report_text.h"
#include "scenario_value.h"

struct doctor_args {
    const char *conns, *source_ips;
    bool remote, json;
};

#define AT(field) offsetof(struct doctor_args, field)
const struct option doctor_options[] = {
    {.name = "conns",
     .letter = 'n',
     .type = OPT_TEXT,
     .arg = "N",
     .preset = "100k",
     .offset = AT(conns),
     .help = "how many are asked for: 20k, 1m"},
    {.name = "source-ips",
     .type = OPT_TEXT,
     .arg = "NET",
     .preset = "127.1.0.0/16",
     .offset = AT(source_ips),
     .help = "addresses to connect from"},
    {.name = "remote",
     .type = OPT_FLAG,
     .offset = AT(remote),
     .help = "the server is on another machine: one end here"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print it as JSON"},
    {.name = NULL},
};
#undef AT

static void put_lines(struct buf *b, const struct doctor *d)
{
    buf_printf(b, "%-14s %13s  %s\n", "limit", "fits", "there is");
    for (int k = BIND_FDS; k < BINDS; k++) {
        const struct doctor_line *l = &d->lines[k];

        buf_printf(b, "%-14s %13s  %s%s\n", doctor_name((enum doctor_bind)k),
                   l->fits < 0 ? "-" : show_count((double)l->fits), l->have,
                   k == (int)d->binds ? "  <- binds" : "");
    }
}

static void put_verdict(struct buf *b, const struct doctor *d,
                        const struct doctor_facts *f)
{
    buf_printf(b, "\n%s connections ", show_count((double)d->conns));
    if (!d->well) {
        buf_printf(b, "do not fit: %s fit, %s bind.\nTo lift it: %s\n",
                   show_count((double)d->fits), doctor_name(d->binds),
                   d->lines[d->binds].lift);
        return;
    }
    buf_printf(
        b,
        "fit: %d shard%s of up to %s descriptors, %s source address%s,\n"
        "%s of memory%s, %d core%s. The most is %s, where %s bind%s.\n",
        d->shards, d->shards == 1 ? "" : "s", show_count((double)(f->fd_limit)),
        show_count((double)d->addresses), d->addresses == 1 ? "" : "es",
        show_bytes((double)d->bytes), f->server_here ? " for both ends" : "",
        f->cores, f->cores == 1 ? "" : "s", show_count((double)d->fits),
        doctor_name(d->binds),
        d->binds == BIND_MEMORY || d->binds == BIND_TRACKED ? "s" : "");
    if (d->lines[BIND_TCP_MEM].fits < d->conns)
        buf_printf(b,
                   "With unread data in more than %s sockets at once the "
                   "kernel drops: %s\n",
                   show_count((double)d->lines[BIND_TCP_MEM].fits),
                   d->lines[BIND_TCP_MEM].lift);
}

static int show(const struct doctor *d, const struct doctor_facts *f, bool json)
{
    struct buf b;
    json_t *j;
    int rc;

    buf_init(&b, 65536);
    if (json) {
        j = doctor_json(d);
        json_write(&b, j, false);
        json_decref(j);
        buf_append_byte(&b, '\n');
    } else {
        put_lines(&b, d);
        put_verdict(&b, d, f);
    }
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

int cmd_doctor(const struct command *cmd, int argc, char **argv)
{
    struct doctor_args a = {0};
    struct options o = {0};
    struct doctor_facts f;
    struct doctor d;
    double conns;
    int rc = load_parse(cmd, &o, &a, argc, argv, 0, 0);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    if (value_number(a.conns, &conns) < 0 || conns < 1 || conns > 1e9) {
        rc = load_fail(LOAD_USAGE, "confab-load doctor --conns 100k",
                       "--conns '%s' must be a number such as 20k or 1m",
                       a.conns);
    } else if (doctor_sources(a.source_ips) == 0) {
        rc = load_fail(LOAD_USAGE, "--source-ips 127.1.0.0/16",
                       "--source-ips '%s' is no network", a.source_ips);
    } else {
        doctor_read(&f, a.source_ips, !a.remote);
        doctor_judge(&d, &f, (int64_t)conns);
        rc = show(&d, &f, a.json);
        if (rc == 0 && !d.well)
            rc = LOAD_MISSED;
    }
    options_release(&o);
    return rc;
}
