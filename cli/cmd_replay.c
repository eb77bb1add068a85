/* confab replay: a wire log played to a server. confab diff: to two of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "cmd_run.h"
#include "script/fixture.h"
#include "script/replay.h"
#include "tty.h"

struct replay_target {
    bool hints;
    int64_t patience_ms;
};

const struct option replay_options[] = {
    {.name = "hints",
     .type = OPT_FLAG,
     .offset = offsetof(struct replay_target, hints),
     .help = "receipts, presence, typing and heads count, too"},
    {.name = "patience",
     .type = OPT_DURATION,
     .arg = "TIME",
     .preset = "2s",
     .min = 1,
     .max = 600000,
     .offset = offsetof(struct replay_target, patience_ms),
     .help = "wait so long for what came in the log"},
    {.name = NULL},
};

static int read_log(struct cli *c, const char *path, struct wire_log *log)
{
    struct error err = {0};
    int rc = wire_read(log, path, &err);

    if (rc == 0)
        return 0;
    return cli_fail(c, rc == -CF_NOT_FOUND ? EXIT_NO_INPUT : EXIT_DATA, NULL,
                    "%s", err.text);
}

/* Play it to the server at the URL, or to one of our own. An exit code. */
static int play(struct cli *c, const struct wire_log *log, const char *url,
                const struct replay_target *t, struct replay_server_result *out)
{
    struct fixture_config at = {.url = url};
    struct replay_server_config cfg = {.ca_file = c->g.ca_file,
                                       .patience_ms = t->patience_ms,
                                       .hints = t->hints};
    struct fixture *f = NULL;
    struct error err = {0};
    char prefix[24];
    struct rng rng;
    int rc = fixture_start(&f, &at, &err);

    rng_init_system(&rng);
    snprintf(prefix, sizeof(prefix), "%llx",
             (unsigned long long)rng_u64(&rng) & 0xffffffffffULL);
    cfg.fixture = f;
    cfg.prefix = prefix;
    if (rc == 0)
        rc = replay_server(log, &cfg, out, &err);
    fixture_free(&f);
    if (rc < 0)
        return cli_fail(c, exit_of(rc), NULL, "%s", err.text);
    return 0;
}

int cmd_replay(struct cli *c, int argc, char **argv)
{
    struct replay_server_result r = {0};
    struct replay_target t = {0};
    struct wire_log log = {0};
    struct options o = {0};
    int operands = 0;
    int rc =
        cli_parse(c, command_named("replay"), &o, &t, argc, argv, &operands);

    if (rc == 0 && operands != 1)
        rc = cli_fail(c, EXIT_USAGE, "confab help replay",
                      "confab [--server URL] replay LOG");
    if (rc == 0)
        rc = read_log(c, argv[1], &log);
    if (rc == 0)
        rc = play(c, &log, c->g.server, &t, &r);
    if (rc == 0) {
        if (r.difference.len > 0)
            tty_flush(&r.difference, stdout);
        if (!c->g.quiet)
            fprintf(stderr,
                    "%d frames sent, %d came as in the log, %d did not, %d "
                    "more came\n",
                    r.sent, r.matched, r.missing, r.extra);
        rc = r.missing + r.extra > 0 ? EXIT_NO : EXIT_DONE;
    }
    replay_server_release(&r);
    wire_release(&log);
    options_release(&o);
    return rc;
}

/* ---- two servers ---- */

struct lines { /* of a transcript: those of the log, then the extra ones */
    struct span *items;
    bool *extra, *taken;
    int count;
};

static void split(const struct buf *text, struct lines *out)
{
    struct span rest = buf_span(text);

    *out = (struct lines){0};
    for (size_t i = 0; i < rest.n; i++)
        out->count += rest.p[i] == '\n';
    out->items = mem_array((size_t)out->count + 1, sizeof(*out->items));
    out->extra = mem_array((size_t)out->count + 1, sizeof(*out->extra));
    out->taken = mem_array((size_t)out->count + 1, sizeof(*out->taken));
    for (int i = 0; i < out->count; i++) {
        size_t n = (size_t)((char *)memchr(rest.p, '\n', rest.n) - rest.p);
        const char *mark = memchr(rest.p, ' ', n);

        out->items[i] = span_make(rest.p, n);
        out->extra[i] = mark != NULL && mark[1] == '+';
        rest = span_make(rest.p + n + 1, rest.n - n - 1);
    }
}

static void lines_release(struct lines *l)
{
    free(l->items);
    free(l->extra);
    free(l->taken);
}

static void show(struct buf *out, const char *mark, struct span line)
{
    buf_append_text(out, mark);
    buf_append_span(out, line);
    buf_append_byte(out, '\n');
}

/* What came in answer to a line of the log, line by line. */
static int differ(struct lines *a, struct lines *b, struct buf *out)
{
    int found = 0, i = 0;

    for (; i < a->count && i < b->count && !a->extra[i] && !b->extra[i]; i++) {
        a->taken[i] = b->taken[i] = true;
        if (span_eq(a->items[i], b->items[i]))
            continue;
        found++;
        show(out, "1: ", a->items[i]);
        show(out, "2: ", b->items[i]);
    }
    for (int k = i; k < a->count; k++)
        for (int m = i; m < b->count && !a->taken[k]; m++)
            if (!b->taken[m] && span_eq(a->items[k], b->items[m]))
                a->taken[k] = b->taken[m] = true;
    for (int k = i; k < a->count; k++)
        if (!a->taken[k] && ++found > 0)
            show(out, "1: ", a->items[k]);
    for (int k = i; k < b->count; k++)
        if (!b->taken[k] && ++found > 0)
            show(out, "2: ", b->items[k]);
    return found;
}

static int compare(struct cli *c, const struct replay_server_result *one,
                   const struct replay_server_result *two)
{
    struct lines a, b;
    struct buf out;
    int found;

    buf_init(&out, 64 << 20);
    split(&one->transcript, &a);
    split(&two->transcript, &b);
    found = differ(&a, &b, &out);
    if (out.len > 0)
        tty_flush(&out, stdout);
    if (!c->g.quiet)
        fprintf(stderr, "%d differences; as in the log: %d and %d of %d\n",
                found, one->matched, two->matched, one->matched + one->missing);
    lines_release(&a);
    lines_release(&b);
    buf_release(&out);
    return found > 0 ? EXIT_NO : EXIT_DONE;
}

int cmd_diff(struct cli *c, int argc, char **argv)
{
    struct replay_server_result one = {0}, two = {0};
    struct replay_target t = {0};
    struct wire_log log = {0};
    struct options o = {0};
    int operands = 0;
    int rc = cli_parse(c, command_named("diff"), &o, &t, argc, argv, &operands);

    if (rc == 0 && operands != 3)
        rc = cli_fail(c, EXIT_USAGE, "confab help diff",
                      "confab diff LOG URL URL");
    if (rc == 0)
        rc = read_log(c, argv[1], &log);
    if (rc == 0)
        rc = play(c, &log, argv[2], &t, &one);
    if (rc == 0)
        rc = play(c, &log, argv[3], &t, &two);
    if (rc == 0)
        rc = compare(c, &one, &two);
    replay_server_release(&one);
    replay_server_release(&two);
    wire_release(&log);
    options_release(&o);
    return rc;
}
