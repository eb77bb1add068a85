#include "commands.h"
#include "report_text.h"
#include "selftest.h"

#define ATTEMPTS 3
#define LATE_NS 1e6 /* lag p99: 5 % of the shortest time that is compared */

struct selftest_args {
    int64_t seed;
    bool json;
};

#define AT(field) offsetof(struct selftest_args, field)
const struct option selftest_options[] = {
    {.name = "seed",
     .type = OPT_INT,
     .arg = "N",
     .preset = "1",
     .max = INT64_MAX,
     .offset = AT(seed),
     .help = "of the faults that are put in"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print it as JSON"},
    {.name = NULL},
};
#undef AT

static const char *value_text(const struct selftest_check *c, double v)
{
    static char texts[2][24];
    static int next;
    char *out = texts[next++ & 1];

    if (c->is_time)
        return show_ns(v);
    snprintf(out, sizeof(texts[0]), "%.4g", v);
    return v >= 1000 ? show_count(v) : out;
}

static int print_table(const struct selftest *t)
{
    struct buf b;
    int rc;

    buf_init(&b, 65536);
    buf_printf(&b, "%-48s %10s %10s\n", "check", "expected", "found");
    for (int i = 0; i < t->n; i++) {
        const struct selftest_check *c = &t->checks[i];

        buf_printf(&b, "%-48s %10s %10s  %s\n", c->what,
                   c->slack > 1e11 ? "-" : value_text(c, c->expected),
                   value_text(c, c->found), c->well ? "ok" : "WRONG");
    }
    if (t->failed == 0)
        buf_printf(&b, "\n%d checks: the instrument tells the truth\n", t->n);
    else
        buf_printf(&b, "\n%d of %d checks failed: do not believe it\n",
                   t->failed, t->n);
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

static int print_json(const struct selftest *t)
{
    json_t *list = json_array();
    struct buf b;
    int rc;

    for (int i = 0; i < t->n; i++) {
        const struct selftest_check *c = &t->checks[i];

        json_array_append_new(
            list, json_pack("{s:s,s:f,s:f,s:b}", "check", c->what, "expected",
                            c->expected, "found", c->found, "ok", c->well));
    }
    buf_init(&b, 65536);
    json_write(&b, list, false);
    buf_append_byte(&b, '\n');
    json_decref(list);
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

/* The freezes, again when others took the CPU meanwhile: such a failure is
 * theirs. *busy: it was so each time. */
static int try_freezes(struct selftest *t, bool *busy)
{
    /* Not a multiple of the freezes, so that all phases are met. */
    static const struct selftest_freeze freeze = {
        .freeze_ms = 120, .every_ms = 200, .length_ms = 4000, .rate = 997};
    struct selftest before = *t;

    *busy = true;
    for (int i = 0; i < ATTEMPTS && *busy; i++) {
        *t = before;
        if (selftest_freeze(t, &freeze) < 0)
            return -CF_IO;
        *busy =
            t->failed > before.failed && t->checks[t->n - 1].found > LATE_NS;
    }
    return 0;
}

int cmd_selftest(const struct command *cmd, int argc, char **argv)
{
    struct selftest_args a = {0};
    struct options o = {0};
    struct selftest t = {.n = 0};
    bool busy;
    int rc = load_parse(cmd, &o, &a, argc, argv, 0, 0), before;

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    options_release(&o);
    selftest_instruments(&t, (uint64_t)a.seed);
    selftest_accounting(&t, 1000000, 1e-5, (uint64_t)a.seed);
    before = t.failed;
    if (try_freezes(&t, &busy) < 0)
        return load_fail(LOAD_UNREACHABLE, NULL,
                         "no connection over loopback: the freeze test cannot "
                         "run");
    rc = a.json ? print_json(&t) : print_table(&t);
    if (rc == 0 && busy && before == 0)
        return load_fail(LOAD_INVALID, NULL,
                         "other programs had the CPU, three times: the times "
                         "say nothing, the rest is well");
    return rc != 0 ? rc : t.failed > 0 ? LOAD_MISSED : 0;
}
