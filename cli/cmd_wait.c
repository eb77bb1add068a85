#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "commands.h"
#include "match.h"
#include "out.h"
#include "request.h"

struct wait_target {
    const char *from, *in, *forbid;
};

#define AT(field) offsetof(struct wait_target, field)

const struct option wait_options[] = {
    {.name = "from",
     .type = OPT_TEXT,
     .arg = "USER",
     .offset = AT(from),
     .help = "only from this user"},
    {.name = "in",
     .type = OPT_TEXT,
     .arg = "CONV",
     .offset = AT(in),
     .help = "only in this conversation"},
    {.name = "forbid",
     .type = OPT_TEXT,
     .arg = "PATTERN",
     .offset = AT(forbid),
     .help = "end with 1 when a message fits this (text, or ~expression)"},
    {.name = NULL},
};

static const char *const kinds[] = {"message", "sent",   "receipt", "presence",
                                    "typing",  "member", "link",    "error",
                                    "gap",     NULL};

struct waiting {
    struct cli *cli;
    struct wait_target t;
    struct match wanted, forbidden;
};

static void on_event(void *ctx, const struct client_event *ev)
{
    struct waiting *w = ctx;

    if (w->t.forbid != NULL && match_event(w->cli, &w->forbidden, ev)) {
        out_event(w->cli, ev);
        session_end(w->cli, EXIT_NO);
    } else if (match_event(w->cli, &w->wanted, ev)) {
        out_event(w->cli, ev);
        session_end(w->cli, EXIT_DONE);
    }
}

static void found(void *ctx, int rc, uint64_t conv)
{
    struct waiting *w = ctx;

    if (rc < 0) {
        session_end(w->cli, cli_fail(w->cli, exit_of(rc), "confab conv list",
                                     "no conversation '%s'", w->t.in));
        return;
    }
    w->wanted.convs[0] = w->forbidden.convs[0] = conv;
    w->wanted.conv_count = w->forbidden.conv_count = 1;
}

static void ready(void *ctx)
{
    struct waiting *w = ctx;

    if (w->t.in != NULL)
        client_find_conv(w->cli->client, w->t.in, true, found, w);
}

static int check_kind(struct cli *c, const char *kind)
{
    const char *near;

    for (int i = 0; kinds[i] != NULL; i++)
        if (strcmp(kinds[i], kind) == 0)
            return 0;
    near = text_nearest(kind, kinds);
    return cli_fail(c, EXIT_USAGE, near,
                    "'%s' is no kind: message sent receipt presence typing "
                    "member link error gap",
                    kind);
}

static int prepare(struct waiting *w, int operands, char **argv)
{
    int rc;

    if (operands < 1 || operands > 2)
        return cli_fail(w->cli, EXIT_USAGE, "confab help wait",
                        "confab wait KIND [PATTERN]");
    rc = check_kind(w->cli, argv[1]);
    w->wanted.kinds = argv[1];
    w->wanted.from = w->t.from;
    w->forbidden.kinds = "message";
    w->wanted.convs = mem_array(1, sizeof(uint64_t));
    w->forbidden.convs = mem_array(1, sizeof(uint64_t));
    if (rc == 0)
        rc = match_compile(w->cli, &w->wanted, operands > 1 ? argv[2] : NULL);
    if (rc == 0 && w->t.forbid != NULL)
        rc = match_compile(w->cli, &w->forbidden, w->t.forbid);
    return rc;
}

int cmd_wait(struct cli *c, int argc, char **argv)
{
    struct waiting w = {.cli = c};
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(c, command_named("wait"), &o, &w.t, argc, argv, &operands);
    if (rc == 0)
        rc = prepare(&w, operands, argv);
    if (rc == 0) {
        if (c->g.timeout_ms == 0)
            c->g.timeout_ms = INT64_C(365) * 86400 * 1000;
        rc = request_session(c, ready, on_event, &w);
    }
    match_release(&w.wanted);
    match_release(&w.forbidden);
    options_release(&o);
    return rc;
}
