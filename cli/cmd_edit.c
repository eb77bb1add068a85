/* edit, delete, react: what is done to a message that was sent. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "out.h"
#include "proto/ids.h"
#include "request.h"
#include "tty.h"

struct react_target {
    bool off;
};

const struct option react_options[] = {
    {.name = "off",
     .type = OPT_FLAG,
     .offset = offsetof(struct react_target, off),
     .help = "take the reaction back"},
    {.name = NULL},
};

struct editing {
    struct cli *cli;
    enum frame_kind kind;
    const char *name, *id, *emoji;
    bool on;
    struct buf body;
    uint64_t conv;
    char cid[LIMIT_CID + 1];
};

static void on_event(void *ctx, const struct client_event *ev)
{
    struct editing *e = ctx;
    struct buf b;

    if ((ev->kind != EV_SENT && ev->kind != EV_REFUSED) ||
        strcmp(ev->cid, e->cid) != 0)
        return;
    if (ev->kind == EV_REFUSED) {
        session_end(e->cli,
                    cli_fail(e->cli,
                             strcmp(ev->code, "not_found") == 0 ? EXIT_NO_USER
                                                                : EXIT_DENIED,
                             NULL, "%s (%s)", ev->text, ev->code));
        return;
    }
    if (e->cli->format == OUTPUT_JSON) {
        out_event(e->cli, ev);
    } else {
        buf_init(&b, 256);
        id_write(&b, 0, ev->id);
        buf_append_byte(&b, '\n');
        tty_flush(&b, stdout);
        buf_release(&b);
    }
    session_end(e->cli, EXIT_DONE);
}

static void found(void *ctx, int rc, uint64_t conv)
{
    struct editing *e = ctx;
    struct client_send s = {.kind = e->kind, .on = e->on};
    uint64_t id = 0, where = 0;

    if (rc < 0) {
        session_end(e->cli, cli_fail(e->cli, exit_of(rc), "confab conv list",
                                     "no user or conversation '%s'", e->name));
        return;
    }
    if (!id_parse(span_of(e->id), 0, &id) ||
        archive_find_id(client_archive(e->cli->client), id, &where, &s.of) <
            0 ||
        where != conv) {
        session_end(e->cli, cli_fail(e->cli, EXIT_NO_INPUT, "confab history",
                                     "no message %s in '%s'", e->id, e->name));
        return;
    }
    s.conv = conv;
    if (e->kind == FRAME_EDIT)
        s.body = buf_span(&e->body);
    if (e->kind == FRAME_REACT)
        s.emoji = span_of(e->emoji);
    rc = client_send(e->cli->client, &s, e->cid);
    if (rc < 0)
        session_end(e->cli,
                    cli_fail(e->cli, exit_of(rc), NULL, "%s", error_name(rc)));
}

static void ready(void *ctx)
{
    struct editing *e = ctx;

    client_find_conv(e->cli->client, e->name, false, found, e);
}

static int run(struct editing *e)
{
    int rc = request_session(e->cli, ready, on_event, e);

    buf_release(&e->body);
    return rc;
}

int cmd_edit(struct cli *c, int argc, char **argv)
{
    struct editing e = {.cli = c, .kind = FRAME_EDIT};
    struct options o = {0};
    int operands, rc;

    buf_init(&e.body, 2 * LIMIT_OBJECT);
    rc = cli_parse(c, command_named("edit"), &o, NULL, argc, argv, &operands);
    options_release(&o);
    if (rc == 0 && operands < 3)
        rc = cli_fail(c, EXIT_USAGE, "confab help edit",
                      "confab edit CONV ID TEXT...");
    if (rc == 0)
        rc = text_body(c, &e.body, operands - 2, argv + 3);
    if (rc != 0) {
        buf_release(&e.body);
        return rc;
    }
    e.name = argv[1];
    e.id = argv[2];
    return run(&e);
}

int cmd_delete(struct cli *c, int argc, char **argv)
{
    struct editing e = {.cli = c, .kind = FRAME_DELETE};
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(c, command_named("delete"), &o, NULL, argc, argv, &operands);
    options_release(&o);
    if (rc == 0 && operands != 2)
        rc = cli_fail(c, EXIT_USAGE, "confab help delete",
                      "confab delete CONV ID");
    if (rc != 0)
        return rc;
    e.name = argv[1];
    e.id = argv[2];
    return run(&e);
}

int cmd_react(struct cli *c, int argc, char **argv)
{
    struct editing e = {.cli = c, .kind = FRAME_REACT};
    struct react_target t = {0};
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(c, command_named("react"), &o, &t, argc, argv, &operands);
    options_release(&o);
    if (rc == 0 && operands != 3)
        rc = cli_fail(c, EXIT_USAGE, "confab help react",
                      "confab react CONV ID EMOJI");
    if (rc != 0)
        return rc;
    e.name = argv[1];
    e.id = argv[2];
    e.emoji = argv[3];
    e.on = !t.off;
    return run(&e);
}
