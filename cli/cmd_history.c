#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "out.h"
#include "proto/ids.h"
#include "request.h"
#include "tty.h"

struct history_target {
    const char *before, *after, *format, *search;
    int64_t limit;
};

#define AT(field) offsetof(struct history_target, field)

const struct option history_options[] = {
    {.name = "before",
     .type = OPT_TEXT,
     .arg = "ID",
     .offset = AT(before),
     .help = "what came before this message"},
    {.name = "after",
     .type = OPT_TEXT,
     .arg = "ID",
     .offset = AT(after),
     .help = "what came after this message"},
    {.name = "limit",
     .letter = 'n',
     .type = OPT_INT,
     .arg = "N",
     .preset = "50",
     .min = 1,
     .max = 100000,
     .offset = AT(limit),
     .help = "at most N messages"},
    {.name = "search",
     .type = OPT_TEXT,
     .arg = "TEXT",
     .offset = AT(search),
     .help = "only messages that contain TEXT"},
    {.name = "format",
     .type = OPT_CHOICE,
     .arg = "FORMAT",
     .preset = "human",
     .choices = "human|json|md",
     .offset = AT(format),
     .help = "human, json or md"},
    {.name = NULL},
};

struct looking {
    struct cli *cli;
    struct history_target t;
    const char *name;
    uint64_t conv;
    int64_t before, after;
    int fetched;
};

static void print_md(struct cli *c, const struct entry *e)
{
    char name[LIMIT_NAME + 1], when[32];
    struct buf b, text;

    buf_init(&b, 4 * LIMIT_OBJECT_ENC);
    buf_init(&text, LIMIT_OBJECT_ENC);
    clock_format_rfc3339(e->ts, when);
    out_user_name(c, e->from, name);
    out_body_text(&text, e);
    buf_append_text(&b, "- **");
    tty_put_untrusted(&b, TEXT_NAME, span_of(name), 0);
    buf_printf(&b, "** %s: ", when);
    tty_put_untrusted(&b, TEXT_BODY, buf_span(&text), 2);
    buf_append_byte(&b, '\n');
    tty_flush(&b, stdout);
    buf_release(&text);
    buf_release(&b);
}

static bool fits(const char *search, const struct entry *e)
{
    struct buf text;
    bool yes;

    if (search == NULL)
        return true;
    buf_init(&text, LIMIT_OBJECT_ENC);
    out_body_text(&text, e);
    yes = buf_cstr(&text) != NULL && strstr(text.data, search) != NULL;
    buf_release(&text);
    return yes;
}

static bool print_entry(void *ctx, const struct entry *e)
{
    struct looking *l = ctx;
    struct client_event ev = {.kind = EV_MESSAGE,
                              .conv = e->conv,
                              .user = e->from,
                              .entry = e,
                              .seq = e->seq};

    if (!fits(l->t.search, e))
        return true;
    if (strcmp(l->t.format, "md") == 0)
        print_md(l->cli, e);
    else
        out_event(l->cli, &ev);
    return true;
}

static void print(struct looking *l)
{
    archive_entries(client_archive(l->cli->client), l->conv, l->after,
                    l->before, (int)l->t.limit, l->t.after != NULL, print_entry,
                    l);
    session_end(l->cli, EXIT_DONE);
}

static void fetched(void *ctx, int rc, int count)
{
    struct looking *l = ctx;

    l->fetched += count;
    if (rc == -CF_NOT_FOUND)
        session_end(l->cli, cli_fail(l->cli, EXIT_NO_USER, "confab conv list",
                                     "no conversation '%s'", l->name));
    else
        print(l); /* offline: what the archive has */
}

static int64_t seq_of(struct looking *l, const char *text)
{
    uint64_t id = 0, conv = 0;
    int64_t seq = 0;

    if (!id_parse(span_of(text), 0, &id) ||
        archive_find_id(client_archive(l->cli->client), id, &conv, &seq) < 0 ||
        conv != l->conv)
        return -1;
    return seq;
}

static void found(void *ctx, int rc, uint64_t conv)
{
    struct looking *l = ctx;

    if (rc < 0) {
        session_end(l->cli, cli_fail(l->cli, exit_of(rc), "confab conv list",
                                     "no user or conversation '%s'", l->name));
        return;
    }
    l->conv = conv;
    l->before = l->t.before != NULL ? seq_of(l, l->t.before) : 0;
    l->after = l->t.after != NULL ? seq_of(l, l->t.after) : 0;
    if (l->before < 0 || l->after < 0) {
        session_end(l->cli, cli_fail(l->cli, EXIT_NO_INPUT, NULL,
                                     "no such message in '%s'", l->name));
        return;
    }
    client_history(l->cli->client, conv, l->before, l->after, (int)l->t.limit,
                   fetched, l);
}

static void ready(void *ctx)
{
    struct looking *l = ctx;

    client_find_conv(l->cli->client, l->name, false, found, l);
}

int cmd_history(struct cli *c, int argc, char **argv)
{
    struct looking l = {.cli = c};
    struct options o = {0};
    int operands, rc;

    rc =
        cli_parse(c, command_named("history"), &o, &l.t, argc, argv, &operands);
    if (rc == 0 && operands != 1)
        rc = cli_fail(c, EXIT_USAGE, "confab help history",
                      "confab history CONV");
    if (rc == 0) {
        l.name = argv[1];
        if (strcmp(l.t.format, "json") == 0)
            c->format = OUTPUT_JSON;
        rc = request_session(c, ready, NULL, &l);
    }
    options_release(&o);
    return rc;
}
