#include <inttypes.h>
#include <string.h>

#include "live.h"
#include "report_text.h"

#define GREEN "\033[32;1m"
#define RED "\033[31;1m"
#define YELLOW "\033[33;1m"

static double known(const struct collect *c, const char *name)
{
    double v = -1;

    return result_value(c, name, &v) == 0 ? v : -1;
}

static void put_head(struct buf *out, const struct result_input *in,
                     const char *name)
{
    const struct collect *c = in->collect;
    int64_t most = 0;

    for (int i = 0; i < c->nseconds; i++)
        most = c->seconds[i].conns > most ? c->seconds[i].conns : most;
    (void)buf_printf(out, "\n%.40s on %.60s\n%.1f s measured, %s connections\n",
                     name, in->url != NULL ? in->url : "?",
                     (double)c->phase_ms[PHASE_MEASURE] / 1000,
                     show_count((double)most));
}

static void put_metric(struct buf *out, const char *name, const struct hist *h)
{
    struct quantiles q;

    quantiles_of(&q, h);
    (void)buf_printf(out, "  %-14s %12s %9s %9s %9s", name,
                     show_count((double)q.count), show_ns((double)q.p50),
                     show_ns((double)q.p90), show_ns((double)q.p99));
    (void)buf_printf(out, " %9s %9s\n",
                     q.count < ENOUGH_FOR_P999 ? "n<10k"
                                               : show_ns((double)q.p999),
                     show_ns((double)q.max));
}

static void put_metrics(struct buf *out, const struct collect *c)
{
    bool any = false;

    for (int i = 0; i < METRICS; i++) {
        if (c->hists[i].count == 0)
            continue;
        if (!any)
            (void)buf_printf(out, "\n  %-14s %12s %9s %9s %9s %9s %9s\n", "",
                             "count", "p50", "p90", "p99", "p99.9", "max");
        any = true;
        put_metric(out, metric_name((enum metric)i), &c->hists[i]);
    }
}

static void put_rates(struct buf *out, const struct collect *c)
{
    double offered = known(c, "rate.offered"),
           achieved = known(c, "rate.achieved");

    if (offered > 0)
        (void)buf_printf(out,
                         "  rate       %s/s offered, %s/s achieved "
                         "(%.1f %%)\n",
                         show_rate(offered), show_rate(achieved),
                         100 * achieved / offered);
}

static void put_machine(struct buf *out, const struct result_input *in)
{
    const struct collect *c = in->collect;
    double srv = known(c, "srv.cpu"), gen = known(c, "gen.cpu"),
           rss = known(c, "srv.rss");

    if (srv >= 0)
        (void)buf_printf(out, "  server     %.0f %% of a core%s%s\n", srv,
                         rss >= 0 ? ", " : "", rss >= 0 ? show_bytes(rss) : "");
    if (gen >= 0)
        (void)buf_printf(out, "  generator  %.0f %% of a core", gen);
    if (gen >= 0 && in->outcome != NULL)
        (void)buf_printf(
            out,
            ", %d shard%s, %" PRId64 " B a client, lag p99 "
            "%.2f ms",
            in->outcome->shards, in->outcome->shards == 1 ? "" : "s",
            in->outcome->bytes_per_client, in->outcome->lag_p99_ms);
    if (gen >= 0 && in->outcome != NULL && in->outcome->storm_ms > 0)
        (void)buf_printf(out, " (%.2f ms in %.1f s of storm)",
                         in->outcome->storm_lag_p99_ms,
                         (double)in->outcome->storm_ms / 1000);
    if (gen >= 0)
        (void)buf_append_byte(out, '\n');
}

static const char *balance(bool ok, bool colour)
{
    if (ok)
        return colour ? GREEN "balanced\033[0m" : "balanced";
    return colour ? RED "DOES NOT ADD UP\033[0m" : "DOES NOT ADD UP";
}

static void put_faults(struct buf *out, const struct collect *c)
{
    const char *comma = "";

    (void)buf_append_text(out, "  faults     ");
    for (const enum count *v = result_violations; *v != COUNTS; v++) {
        if (c->all[*v] == 0)
            continue;
        (void)buf_printf(out, "%s%s %s", comma, show_count((double)c->all[*v]),
                         count_name(*v));
        comma = ", ";
    }
    if (comma[0] == '\0')
        (void)buf_append_text(out, "none");
    if (c->all[COUNT_DUP_WIRE] > 0)
        (void)buf_printf(out, "; %s repeated on the wire, which is allowed",
                         show_count((double)c->all[COUNT_DUP_WIRE]));
    (void)buf_append_byte(out, '\n');
}

static void put_copies(struct buf *out, const struct accounting *a, bool colour)
{
    (void)buf_printf(out, "  copies     %s = %s got",
                     show_count((double)a->expected),
                     show_count((double)a->copies));
    if (a->unacked > 0)
        (void)buf_printf(out, " - %s not owed", show_count((double)a->unacked));
    (void)buf_printf(
        out, " + %s in the log + %s lost: %s\n", show_count((double)a->backlog),
        show_count((double)a->lost), balance(a->copies_balanced, colour));
}

static void put_accounting(struct buf *out, const struct collect *c,
                           bool colour)
{
    struct accounting a;

    accounting_of(&a, c);
    (void)buf_printf(out,
                     "\n  sent       %s = %s acked + %s refused + %s "
                     "unknown: %s\n",
                     show_count((double)a.sent), show_count((double)a.acked),
                     show_count((double)a.refused),
                     show_count((double)a.unknown),
                     balance(a.balanced, colour));
    put_copies(out, &a, colour);
    if (c->all[COUNT_AWAY] > 0)
        (void)buf_printf(
            out, "  away       %s users, %s of them read back %s of the log\n",
            show_count((double)c->all[COUNT_AWAY]),
            show_count((double)c->all[COUNT_AWAY_READ]),
            show_count((double)c->all[COUNT_BACKLOG_READ]));
    if (c->all[COUNT_RECEIPTS] > 0)
        (void)buf_printf(out,
                         "  receipts   %s last marks = %s told + %s lost\n",
                         show_count((double)c->all[COUNT_RECEIPTS]),
                         show_count((double)(c->all[COUNT_RECEIPTS] -
                                             c->all[COUNT_RECEIPTS_LOST])),
                         show_count((double)c->all[COUNT_RECEIPTS_LOST]));
    put_faults(out, c);
}

static void put_thresholds(struct buf *out, const struct verdicts *v,
                           bool colour)
{
    static const char *const words[] = {"ok", "MISSED", "inconclusive"};
    static const char *const sgr[] = {GREEN, RED, YELLOW};

    if (v == NULL || v->n == 0)
        return;
    (void)buf_append_byte(out, '\n');
    for (int i = 0; i < v->n; i++)
        (void)buf_printf(
            out, "  %s%-12s%s %-30.63s %s\n", colour ? sgr[v->v[i].state] : "",
            words[v->v[i].state], colour ? "\033[0m" : "", v->v[i].text,
            v->v[i].has_value ? show_verdict(&v->v[i]) : v->v[i].why);
}

/* Words in lines of 76 columns behind an indent of two. */
static void put_wrapped(struct buf *out, const char *text)
{
    size_t column = 0, n;

    while (*text != '\0') {
        text += strspn(text, " \n");
        n = strcspn(text, " \n");
        if (n == 0)
            break;
        (void)buf_append_text(out, column == 0       ? "  "
                                   : column + n > 75 ? "\n  "
                                                     : " ");
        column = column + n > 75 ? n : column + n + 1;
        (void)buf_append(out, text, n);
        text += n;
    }
    if (column > 0)
        (void)buf_append_byte(out, '\n');
}

/* A pass needs every threshold judged: name the first one that was not. */
static void put_unjudged(struct buf *out, const struct verdicts *v)
{
    char text[200];

    for (int i = 0; v != NULL && i < v->n; i++) {
        if (v->v[i].state != VERDICT_UNKNOWN)
            continue;
        snprintf(text, sizeof(text), "not judged: %.63s (%s)%s", v->v[i].text,
                 v->v[i].why, v->unknown > 1 ? ", and others" : "");
        put_wrapped(out, text);
        return;
    }
}

void live_summary(struct buf *out, const struct result_input *in,
                  const char *name, bool colour)
{
    enum load_exit code =
        result_exit(in->outcome, in->verdicts, in->unreachable);
    char why[600];
    const char *sgr = code == LOAD_PASS                              ? GREEN
                      : code == LOAD_INVALID || code == LOAD_STOPPED ? YELLOW
                                                                     : RED;

    put_head(out, in, name);
    put_metrics(out, in->collect);
    (void)buf_append_byte(out, '\n');
    put_rates(out, in->collect);
    put_machine(out, in);
    (void)buf_printf(out, "  binds      %s\n",
                     result_binds(in->collect, in->outcome,
                                  in->env != NULL ? in->env->cores : 0));
    put_accounting(out, in->collect, colour);
    put_thresholds(out, in->verdicts, colour);
    (void)buf_printf(out, "\n%s%s%s (exit %d)\n", colour ? sgr : "",
                     load_exit_word(code), colour ? "\033[0m" : "", code);
    if (in->outcome != NULL) {
        result_reason(why, sizeof(why), in->outcome);
        put_wrapped(out, why);
    }
    put_unjudged(out, in->verdicts);
}
