/* block, contact: what one wants from others. */
#include <string.h>

#include "commands.h"
#include "proto/encode.h"
#include "request.h"

struct block_target {
    bool off;
};

const struct option block_options[] = {
    {.name = "off",
     .type = OPT_FLAG,
     .offset = offsetof(struct block_target, off),
     .help = "no longer"},
    {.name = NULL},
};

struct blocking {
    struct cli *cli;
    const char *name;
    bool on;
};

static void answered(void *ctx, const struct frame *f)
{
    struct blocking *b = ctx;
    json_t *j = request_tree(b->cli, f);

    if (j == NULL)
        return;
    json_decref(j);
    session_end(b->cli, EXIT_DONE);
}

static void found(void *ctx, int rc, uint64_t user)
{
    struct blocking *b = ctx;
    struct buf members;

    if (rc < 0) {
        session_end(b->cli, cli_fail(b->cli, exit_of(rc), NULL, "no user '%s'",
                                     b->name));
        return;
    }
    buf_init(&members, 256);
    enc_member_id(&members, "user", 'u', user);
    enc_member_bool(&members, "on", b->on);
    client_request(b->cli->client, FRAME_USER_BLOCK, buf_span(&members),
                   answered, b);
    buf_release(&members);
}

static void ready(void *ctx)
{
    struct blocking *b = ctx;

    client_find_user(b->cli->client, b->name, found, b);
}

int cmd_block(struct cli *c, int argc, char **argv)
{
    struct block_target t = {0};
    struct blocking b = {.cli = c};
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(c, command_named("block"), &o, &t, argc, argv, &operands);
    options_release(&o);
    if (rc == 0 && operands != 1)
        rc = cli_fail(c, EXIT_USAGE, NULL, "confab block USER [--off]");
    if (rc != 0)
        return rc;
    b.name = argv[1];
    b.on = !t.off;
    return request_session(c, ready, NULL, &b);
}

int cmd_contact(struct cli *c, int argc, char **argv)
{
    struct buf members;
    int rc;

    if (argc != 2 ||
        (strcmp(argv[1], "open") != 0 && strcmp(argv[1], "request") != 0 &&
         strcmp(argv[1], "closed") != 0))
        return cli_fail(c, EXIT_USAGE, "confab contact request",
                        "confab contact open|request|closed");
    buf_init(&members, 256);
    enc_member_text(&members, "contact", span_of(argv[1]));
    rc = request_once(c, FRAME_USER_SET, &members, NULL);
    buf_release(&members);
    return rc;
}
