#include "report.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live.h"
#include "report_text.h"

const char *report_name(const struct run *r)
{
    const char *name = json_string_value(
        json_object_get(json_object_get(r->doc, "scenario"), "name"));

    return name != NULL && name[0] != '\0' ? name : "run";
}

static const char *class_of(enum load_exit code)
{
    return code == LOAD_PASS                              ? "good"
           : code == LOAD_INVALID || code == LOAD_STOPPED ? "warn"
                                                          : "bad";
}

static void put_element(struct buf *out, const char *tag, const char *class,
                        const char *text)
{
    (void)buf_printf(out, "<%s%s%s%s>", tag,
                     class[0] != '\0' ? " class=\"" : "", class,
                     class[0] != '\0' ? "\"" : "");
    put_escaped(out, text);
    (void)buf_printf(out, "</%s>", tag);
}

static void put_title(struct buf *out, const struct run *r)
{
    const char *about = json_string_value(
        json_object_get(json_object_get(r->doc, "scenario"), "about"));

    (void)buf_append_text(out, "<header>\n<p class=\"soft\">confab-load ");
    put_escaped(out, r->version);
    (void)buf_append_text(out, " on ");
    put_escaped(out, r->url);
    (void)buf_printf(out, ", %s</p>\n", show_time(r->started_ms));
    put_element(out, "h1", "", report_name(r));
    if (about != NULL)
        put_element(out, "p", "soft", about);
    (void)buf_printf(out, "<p><span class=\"badge %s\">%s</span> ",
                     class_of(r->exit), load_exit_word(r->exit));
    if (r->verdicts.missed > 0)
        (void)buf_printf(out, "%d of %d thresholds missed. ",
                         r->verdicts.missed, r->verdicts.n);
    put_escaped(out, r->outcome.verdict);
    (void)buf_append_text(out, "</p>\n</header>\n");
}

static void put_tile(struct buf *out, const char *class, const char *value,
                     const char *what)
{
    (void)buf_append_text(out, "<div class=\"tile\">");
    put_element(out, "b", class, value);
    put_element(out, "span", "", what);
    (void)buf_append_text(out, "</div>\n");
}

/* The first metric with samples, in order of what a person feels. */
static void put_time_tile(struct buf *out, const struct collect *c)
{
    static const enum metric order[] = {METRIC_E2E, METRIC_LAST, METRIC_LOGIN,
                                        METRIC_CONNECT};
    char what[64];

    for (size_t i = 0; i < COUNT_OF(order); i++) {
        const struct hist *h = &c->hists[order[i]];

        if (h->count == 0)
            continue;
        snprintf(what, sizeof(what), "%s p99, p50 %s", metric_name(order[i]),
                 show_ns((double)hist_at(h, 0.5)));
        put_tile(out, "", show_ns((double)hist_at(h, 0.99)), what);
        return;
    }
}

static void put_tiles(struct buf *out, const struct run *r)
{
    const struct collect *c = &r->collect;
    double v, most = 0;

    (void)buf_append_text(out, "<div class=\"tiles\">\n");
    if (r->capacity.npoints > 0)
        put_tile(out, "", show_rate(r->capacity.best), r->capacity.slo);
    else
        put_time_tile(out, c);
    if (r->capacity.npoints == 0 && result_value(c, "rate.achieved", &v) == 0 &&
        v > 0)
        put_tile(out, "", show_rate(v), "messages a second, acknowledged");
    for (int i = 0; i < c->nseconds; i++)
        most = (double)c->seconds[i].conns > most ? (double)c->seconds[i].conns
                                                  : most;
    if (most > 0)
        put_tile(out, "", show_count(most), "connections");
    put_tile(out, c->all[COUNT_LOST] > 0 ? "bad" : "good",
             show_count((double)c->all[COUNT_LOST]),
             "acknowledged messages lost");
    if (result_value(c, "srv.rss", &v) == 0)
        put_tile(out, "", show_bytes(v), "memory of the server");
    (void)buf_append_text(out, "</div>\n");
}

static void put_thresholds(struct buf *out, const struct run *r)
{
    static const char *const classes[] = {"good", "bad", "warn"};

    if (r->verdicts.n == 0)
        return;
    (void)buf_append_text(out,
                          "<h2>Thresholds</h2>\n<div class=\"wide\"><table "
                          "class=\"left\"><tr><th>asked</th><th>got</th>"
                          "<th>verdict</th></tr>\n");
    for (int i = 0; i < r->verdicts.n; i++) {
        const struct verdict *v = &r->verdicts.v[i];

        (void)buf_append_text(out, "<tr>");
        put_element(out, "td", "", v->text);
        put_element(out, "td", "", v->has_value ? show_verdict(v) : v->why);
        put_element(out, "td", classes[v->state], verdict_state_name(v->state));
        (void)buf_append_text(out, "</tr>\n");
    }
    (void)buf_append_text(out, "</table></div>\n");
}

static void put_metric(struct buf *out, const char *name, const struct hist *h)
{
    (void)buf_append_text(out, "<tr>");
    put_element(out, "td", "", name);
    put_element(out, "td", "", show_count((double)h->count));
    put_element(out, "td", "", show_ns((double)hist_at(h, 0.5)));
    put_element(out, "td", "", show_ns((double)hist_at(h, 0.9)));
    put_element(out, "td", "", show_ns((double)hist_at(h, 0.99)));
    put_element(out, "td", "",
                h->count < ENOUGH_FOR_P999
                    ? "n<10k"
                    : show_ns((double)hist_at(h, 0.999)));
    put_element(out, "td", "", show_ns((double)h->max));
    put_element(out, "td", "", show_ns(hist_mean(h)));
    (void)buf_append_text(out, "</tr>\n");
}

static void put_metrics(struct buf *out, const struct collect *c)
{
    bool any = false;

    for (int i = 0; i < METRICS; i++) {
        if (c->hists[i].count == 0)
            continue;
        if (!any)
            (void)buf_append_text(
                out, "<h2>Times, from when each was due</h2>\n"
                     "<div class=\"wide\"><table><tr><th></th><th>count</th>"
                     "<th>p50</th><th>p90</th><th>p99</th><th>p99.9</th>"
                     "<th>max</th><th>mean</th></tr>\n");
        any = true;
        put_metric(out, metric_name((enum metric)i), &c->hists[i]);
    }
    if (any)
        (void)buf_append_text(out, "</table></div>\n");
}

static void put_equation(struct buf *out, bool balanced, const char *text)
{
    put_element(out, "span", "", text);
    (void)buf_append_text(out, " ");
    put_element(out, "b", balanced ? "good" : "bad",
                balanced ? "balanced" : "does not add up");
    (void)buf_append_text(out, "<br>\n");
}

static void put_faults(struct buf *out, const struct collect *c)
{
    char text[96];
    bool any = false;

    for (const enum count *v = result_violations; *v != COUNTS; v++) {
        if (c->all[*v] == 0)
            continue;
        snprintf(text, sizeof(text), "%s %s ", show_count((double)c->all[*v]),
                 count_name(*v));
        put_element(out, "b", "bad", text);
        any = true;
    }
    if (!any)
        put_element(out, "span", "good", "No fault found.");
    if (c->all[COUNT_DUP_WIRE] == 0)
        return;
    snprintf(text, sizeof(text), " %s repeated on the wire, which is allowed.",
             show_count((double)c->all[COUNT_DUP_WIRE]));
    put_element(out, "span", "soft", text);
}

/* What was looked at beside the equation. */
static void put_read_back(struct buf *out, const struct collect *c)
{
    uint64_t lost = c->all[COUNT_RECEIPTS_LOST];
    char text[160];

    if (c->all[COUNT_RECEIPTS] > 0) {
        snprintf(text, sizeof(text),
                 "%s last marks of receipts = %s told + %s lost",
                 show_count((double)c->all[COUNT_RECEIPTS]),
                 show_count((double)(c->all[COUNT_RECEIPTS] - lost)),
                 show_count((double)lost));
        put_element(out, "p", "", text);
    }
    if (c->all[COUNT_AWAY] == 0)
        return;
    snprintf(text, sizeof(text),
             "%s users were away at the end; %s of them read back %s of the "
             "log",
             show_count((double)c->all[COUNT_AWAY]),
             show_count((double)c->all[COUNT_AWAY_READ]),
             show_count((double)c->all[COUNT_BACKLOG_READ]));
    put_element(out, "p", "", text);
}

static void put_accounting(struct buf *out, const struct collect *c)
{
    struct accounting a;
    char text[256], unacked[64] = "";

    accounting_of(&a, c);
    (void)buf_append_text(out, "<h2>Accounting</h2>\n<div class=\"box\">\n");
    snprintf(text, sizeof(text),
             "%s sent = %s acknowledged + %s refused + %s unknown:",
             show_count((double)a.sent), show_count((double)a.acked),
             show_count((double)a.refused), show_count((double)a.unknown));
    put_equation(out, a.balanced, text);
    if (a.unacked > 0)
        snprintf(unacked, sizeof(unacked), " \xe2\x88\x92 %s not owed",
                 show_count((double)a.unacked));
    snprintf(text, sizeof(text),
             "%s copies owed = %s delivered%s + %s still in the log + %s lost:",
             show_count((double)a.expected), show_count((double)a.copies),
             unacked, show_count((double)a.backlog),
             show_count((double)a.lost));
    put_equation(out, a.copies_balanced, text);
    put_read_back(out, c);
    put_faults(out, c);
    (void)buf_append_text(out, "</div>\n");
}

static void put_row(struct buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    (void)buf_append_text(out, "<tr>");
    put_element(out, "td", "soft", name);
    put_element(out, "td", "", value);
    (void)buf_append_text(out, "</tr>\n");
}

static const char *show_known(int64_t v, const char *(*show)(double))
{
    return v < 0 ? "" : show((double)v);
}

static void put_environment(struct buf *out, const struct run *r)
{
    const struct environment *e = &r->env;

    (void)buf_append_text(out, "<h2>Environment</h2>\n<div class=\"wide\">"
                               "<table class=\"left\">\n");
    put_row(out, "server", e->server);
    put_row(out, "durability", e->durability);
    put_row(out, "kernel", e->kernel);
    put_row(out, "CPU", e->cpu);
    put_row(out, "cores", show_known(e->cores, show_count));
    put_row(out, "memory", show_known(e->memory, show_bytes));
    put_row(out, "descriptors", show_known(e->fd_limit, show_count));
    put_row(out, "shards", show_count(r->outcome.shards));
    put_row(out, "bytes a client",
            show_count((double)r->outcome.bytes_per_client));
    put_row(out, "generator late, p99", show_ns(r->outcome.lag_p99_ms * 1e6));
    put_row(out, "what binds",
            result_binds(&r->collect, &r->outcome, e->cores));
    (void)buf_append_text(out, "</table></div>\n");
}

/* A word as the shell reads it back. */
static void put_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ0123456789_@%+=:,./-";

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        (void)buf_append_text(out, word);
        return;
    }
    (void)buf_append_byte(out, '\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            (void)buf_append_text(out, "'\\''");
        else
            (void)buf_append_byte(out, *word);
    (void)buf_append_byte(out, '\'');
}

static void put_command(struct buf *out, const struct run *r)
{
    const json_t *argv = json_object_get(r->doc, "argv");
    const char *word;
    struct buf line;

    buf_init(&line, 65536);
    for (size_t i = 0; i < json_array_size(argv); i++) {
        word = json_string_value(json_array_get(argv, i));
        (void)buf_append_text(&line, i > 0 ? " " : "");
        put_word(&line, word != NULL ? word : "?");
    }
    if (line.len > 0 && buf_cstr(&line) != NULL) {
        (void)buf_append_text(out, "<h2>Command</h2>\n");
        put_element(out, "pre", "", line.data);
        (void)buf_append_byte(out, '\n');
    }
    buf_release(&line);
}

static void put_tree(struct buf *out, const char *title, const json_t *j)
{
    if (j == NULL)
        return;
    (void)buf_printf(out, "<h2>%s</h2>\n<div class=\"wide\">", title);
    report_tree(out, j);
    (void)buf_append_text(out, "</div>\n");
}

static void put_body(struct buf *out, const struct run *r)
{
    put_title(out, r);
    put_tiles(out, r);
    put_thresholds(out, r);
    if (r->capacity.npoints > 0)
        report_capacity(out, r);
    (void)buf_append_text(out, "<div class=\"charts\">\n");
    report_percentiles(out, r);
    report_series(out, r);
    (void)buf_append_text(out, "</div>\n");
    put_metrics(out, &r->collect);
    put_accounting(out, &r->collect);
    put_tree(out, "Floor of this machine", json_object_get(r->doc, "floor"));
    put_tree(out, "Peers, by the same generator",
             json_object_get(r->doc, "peers"));
    put_environment(out, r);
    put_command(out, r);
    put_tree(out, "Scenario", json_object_get(r->doc, "scenario"));
}

int report_write(struct buf *out, const struct run *r)
{
    (void)buf_append_text(
        out, "<!doctype html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
             "content=\"width=device-width,initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    put_escaped(out, report_name(r));
    (void)buf_printf(out, ": %s</title>\n", load_exit_word(r->exit));
    report_style(out);
    (void)buf_append_text(out, "</head>\n<body>\n");
    put_body(out, r);
    return buf_append_text(out, "</body>\n</html>\n");
}
