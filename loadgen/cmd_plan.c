#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fetch.h"
#include "base/mem.h"
#include "commands.h"
#include "planner.h"
#include "planner_measure.h"
#include "report_text.h"
#include "scenario_value.h"

struct plan_args {
    const char *users, *online, *messages, *peak, *body, *copies, *days, *cores,
        *memory, *disk, *target;
    const char *cost, *save, *server;
    int64_t spare, heartbeat_ms, within_ms;
    bool measure, check, json;
};

#define AT(field) offsetof(struct plan_args, field)
#define NUMBER(n, field, text, what)                             \
    {                                                            \
        .name = n, .type = OPT_TEXT, .arg = "N", .preset = text, \
        .offset = AT(field), .help = what                        \
    }

const struct option plan_options[] = {
    NUMBER("users", users, "10m", "who have an account: 10m, 2b"),
    NUMBER("online", online, "30%", "share of them at the peak"),
    NUMBER("messages", messages, "50", "of a user, a day"),
    NUMBER("peak", peak, "2.5", "times the mean"),
    NUMBER("bytes", body, "1024", "of a message"),
    NUMBER("copies", copies, "3", "readers of a message, mean"),
    NUMBER("retention", days, "365", "days that messages are kept"),
    NUMBER("cores", cores, "16", "of a node"),
    NUMBER("memory", memory, "64g", "of a node, bytes"),
    NUMBER("disk", disk, "4000g", "of a node, bytes"),
    NUMBER("target", target, "60%", "share of a node that is used"),
    {.name = "heartbeat",
     .type = OPT_DURATION,
     .arg = "TIME",
     .preset = "30s",
     .min = 1000,
     .max = 3600000,
     .offset = AT(heartbeat_ms),
     .help = "between two of a client"},
    {.name = "spare",
     .type = OPT_INT,
     .arg = "K",
     .preset = "1",
     .max = 1000,
     .offset = AT(spare),
     .help = "nodes that may be lost at once"},
    {.name = "within",
     .type = OPT_DURATION,
     .arg = "TIME",
     .preset = "60s",
     .min = 1000,
     .max = 3600000,
     .offset = AT(within_ms),
     .help = "a lost node's clients are back by then"},
    {.name = "cost",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(cost),
     .help = "costs of --save, or a result of run"},
    {.name = "measure",
     .type = OPT_FLAG,
     .offset = AT(measure),
     .help = "measure the costs here, in four minutes"},
    {.name = "check",
     .type = OPT_FLAG,
     .offset = AT(check),
     .help = "predict four nodes from one and two, measure, print "
             "the error, in three minutes"},
    {.name = "server",
     .type = OPT_TEXT,
     .arg = "COMMAND",
     .preset = "confabd",
     .offset = AT(server),
     .help = "whose costs to measure"},
    {.name = "save",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(save),
     .help = "write the costs there"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print the plan as JSON"},
    {.name = NULL},
};
#undef AT

/* ---- what was asked ---- */

static int number(const char *option, const char *text, double least,
                  double *out)
{
    if ((value_number(text, out) < 0 && value_share(text, out) < 0) ||
        *out < least)
        return load_fail(LOAD_USAGE, "confab-load help plan",
                         "--%s '%s' must be a number, at least %g", option,
                         text, least);
    return 0;
}

static int read_demand(const struct plan_args *a, struct plan_demand *d,
                       struct plan_node *n)
{
    const struct {
        const char *option, *text;
        double least, *out;
    } all[] = {
        {"users", a->users, 1, &d->users},
        {"online", a->online, 0, &d->online},
        {"messages", a->messages, 0, &d->messages},
        {"peak", a->peak, 1, &d->peak},
        {"bytes", a->body, 0, &d->body},
        {"copies", a->copies, 0, &d->copies},
        {"retention", a->days, 0, &d->days},
        {"cores", a->cores, 1, &n->cores},
        {"memory", a->memory, 1e6, &n->memory},
        {"disk", a->disk, 1e6, &n->disk},
        {"target", a->target, 0.01, &n->target},
    };
    int rc = 0;

    demand_defaults(d);
    node_defaults(n);
    d->heartbeat_s = (double)a->heartbeat_ms / 1000;
    for (size_t i = 0; rc == 0 && i < COUNT_OF(all); i++)
        rc = number(all[i].option, all[i].text, all[i].least, all[i].out);
    if (rc == 0 && (n->target > 1 || d->online > 1))
        rc = load_fail(LOAD_USAGE, NULL,
                       "--target and --online are at most "
                       "100%%");
    return rc;
}

static int read_costs(const char *path, struct cost_vector *v)
{
    struct error err = {0};
    json_error_t why;
    json_t *j = json_load_file(path, 0, &why);
    int rc = 0;

    if (j == NULL)
        return load_fail(LOAD_USAGE, NULL, "%s: %s", path, why.text);
    if (cost_from_json(v, j, &err) < 0)
        rc = load_fail(LOAD_USAGE, NULL, "%s: %s", path, err.text);
    json_decref(j);
    return rc;
}

static int save_costs(const char *path, const struct cost_vector *v)
{
    struct error err = {0};
    json_t *j = cost_json(v);
    struct buf b;
    int rc;

    buf_init(&b, 65536);
    json_write(&b, j, false);
    buf_append_byte(&b, '\n');
    json_decref(j);
    rc = result_write_text(path, buf_span(&b), &err);
    buf_release(&b);
    return rc < 0 ? load_fail_error(NULL, &err) : 0;
}

/* ---- what comes out ---- */

static void put_costs(struct buf *b, const struct cost_vector *v)
{
    buf_printf(b, "costs (%s)\n", v->source);
    for (int i = 0; i < COSTS; i++) {
        const struct band *k = &v->items[i];

        buf_printf(b, "  %-10s %8.4g %-5s  (%.4g to %.4g)\n",
                   cost_name((enum cost)i), k->mid, cost_unit((enum cost)i),
                   k->low, k->high);
    }
}

static void put_demand(struct buf *b, const struct plan_answer *a)
{
    buf_printf(b,
               "\nat the peak: %s connections, %s messages/s, %s copies/s,\n"
               "%s heartbeats/s, %s connects/s; %.0f %% of the copies cross "
               "nodes\n",
               show_rate(a->conns), show_rate(a->messages_s),
               show_rate(a->copies_s), show_rate(a->heartbeats_s),
               show_rate(a->connects_s), a->cross * 100);
}

static const char *demand_text(enum resource r, double v)
{
    static char text[32];

    if (r == RESOURCE_MEMORY || r == RESOURCE_DISK)
        return show_bytes(v);
    snprintf(text, sizeof(text), "%s%s",
             r == RESOURCE_NIC ? show_bytes(v) : show_rate(v),
             r == RESOURCE_NIC    ? "/s"
             : r == RESOURCE_SYNC ? " rows/s"
             : r == RESOURCE_CPU  ? " cores"
                                  : "");
    return text;
}

static void put_nodes(struct buf *b, const struct plan_answer *a,
                      const struct plan_node *n)
{
    buf_printf(b, "\n%-15s %14s  %s\n", "resource", "demand",
               "nodes of it (low to high)");
    for (int r = 0; r < RESOURCES; r++)
        buf_printf(b, "%-15s %14s  %s (%s to %s)%s\n",
                   resource_name((enum resource)r),
                   demand_text((enum resource)r, a->demand[r].mid),
                   show_count(a->nodes[r].mid), show_count(a->nodes[r].low),
                   show_count(a->nodes[r].high),
                   r == (int)a->binds ? "  <- binds" : "");
    buf_printf(b,
               "\n%s nodes + %s spare = %s (%.0f cores each, at %.0f %%); "
               "%s to %s by the band of the costs\n",
               show_count(a->total.mid), show_count(a->spare),
               show_count(a->all), n->cores, n->target * 100,
               show_count(a->total.low + a->spare),
               show_count(a->total.high + a->spare));
    buf_printf(b,
               "one node lost: its %s clients are back after %.1f s\n"
               "storage: %s a day, %s kept\n",
               show_rate(a->conns / a->all), a->back_s,
               show_bytes(a->bytes_day), show_bytes(a->bytes_kept));
}

/* Where messages are kept in a store of its own, the disk does not count. */
static void put_apart(struct buf *b, const struct cost_vector *v,
                      const struct plan_demand *d, const struct plan_node *n,
                      const struct plan_args *a)
{
    struct plan_node apart = *n;
    struct plan_answer plan;

    apart.disk = 1e30;
    apart.syncs = 1e30;
    plan_solve(&plan, v, d, &apart, (double)a->spare,
               (double)a->within_ms / 1000);
    buf_printf(b,
               "with the store elsewhere: %s nodes + %s spare, where %s "
               "binds; back after %.1f s\n",
               show_count(plan.total.mid), show_count(plan.spare),
               resource_name(plan.binds), plan.back_s);
}

static void put_times(struct buf *b, const struct plan_sim *s)
{
    buf_printf(b,
               "\ntime of a message in %d simulated node%s (the fullest has "
               "%.2f x the mean)\n",
               s->nodes, s->nodes == 1 ? "" : "s", s->worst_share);
    buf_printf(b, "  all well        p50 %s  p99 %s  p99.9 %s\n",
               show_ns((double)hist_at(&s->calm, 0.5)),
               show_ns((double)hist_at(&s->calm, 0.99)),
               show_ns((double)hist_at(&s->calm, 0.999)));
    buf_printf(b, "  one node lost   p50 %s  p99 %s  p99.9 %s\n",
               show_ns((double)hist_at(&s->lost, 0.5)),
               show_ns((double)hist_at(&s->lost, 0.99)),
               show_ns((double)hist_at(&s->lost, 0.999)));
}

static json_t *band_json(const struct band *b)
{
    return json_pack("{s:f,s:f,s:f}", "low", b->low, "mid", b->mid, "high",
                     b->high);
}

static json_t *plan_json(const struct plan_answer *a,
                         const struct cost_vector *v, const struct plan_sim *s)
{
    json_t *resources = json_object();

    for (int r = 0; r < RESOURCES; r++)
        json_object_set_new(resources, resource_name((enum resource)r),
                            json_pack("{s:o,s:o}", "demand",
                                      band_json(&a->demand[r]), "nodes",
                                      band_json(&a->nodes[r])));
    return json_pack("{s:o,s:o,s:s,s:f,s:f,s:f,s:f,s:f,s:o,s:I,s:I}", "nodes",
                     band_json(&a->total), "resources", resources, "binds",
                     resource_name(a->binds), "spare", a->spare, "all", a->all,
                     "back_seconds", a->back_s, "bytes_day", a->bytes_day,
                     "bytes_kept", a->bytes_kept, "costs", cost_json(v),
                     "p99_ns", (json_int_t)hist_at(&s->calm, 0.99),
                     "p99_lost_ns", (json_int_t)hist_at(&s->lost, 0.99));
}

static int answer(const struct plan_args *a, const struct cost_vector *v,
                  const struct plan_demand *d, const struct plan_node *n)
{
    struct plan_answer plan;
    struct plan_sim sim;
    struct buf b;
    json_t *j;
    int rc;

    plan_solve(&plan, v, d, n, (double)a->spare, (double)a->within_ms / 1000);
    plan_simulate(&sim, &plan, v, d, n, 20, 1);
    buf_init(&b, 65536);
    if (a->json) {
        j = plan_json(&plan, v, &sim);
        json_write(&b, j, false);
        buf_append_byte(&b, '\n');
        json_decref(j);
    } else {
        put_costs(&b, v);
        put_demand(&b, &plan);
        put_nodes(&b, &plan, n);
        put_apart(&b, v, d, n, a);
        put_times(&b, &sim);
    }
    rc = load_print(stdout, &b);
    buf_release(&b);
    plan_sim_release(&sim);
    return rc;
}

static int check(struct run_state *r, const char *server)
{
    struct check_result c;
    int rc = plan_check(r, server, &c);

    if (rc == 0 && c.conclusive)
        fprintf(stderr,
                "four nodes: predicted %.1f us of CPU a message, measured "
                "%.1f: off by %+.0f %% (+-%.0f)\n",
                c.predicted, c.four, c.off * 100, c.around * 100);
    else if (rc == 0)
        rc = load_fail(LOAD_INVALID, "again when the machine is quiet",
                       "the check is inconclusive: %s", c.why);
    return rc;
}

static int measure(const struct plan_args *a, struct cost_vector *v)
{
    static struct run_state r;
    int rc = 0;

    fetch_init();
    run_catch_signals();
    if (a->measure)
        rc = plan_measure(&r, a->server, v);
    if (rc == 0 && a->save != NULL)
        rc = save_costs(a->save, v);
    if (rc == 0 && a->check)
        rc = check(&r, a->server);
    run_close(&r);
    collect_release(&r.collect);
    return rc;
}

int cmd_plan(const struct command *cmd, int argc, char **argv)
{
    struct plan_args a = {0};
    struct options o = {0};
    struct cost_vector v;
    struct plan_demand d;
    struct plan_node n;
    int rc = load_parse(cmd, &o, &a, argc, argv, 0, 0);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    cost_defaults(&v);
    rc = read_demand(&a, &d, &n);
    if (rc == 0 && a.cost != NULL)
        rc = read_costs(a.cost, &v);
    if (rc == 0 && (a.measure || a.check || a.save != NULL))
        rc = measure(&a, &v);
    if (rc == 0)
        rc = answer(&a, &v, &d, &n);
    options_release(&o);
    return rc;
}
