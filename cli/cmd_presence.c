#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "out.h"
#include "request.h"

struct presence_target {
    bool watch;
};

const struct option presence_options[] = {
    {.name = "watch",
     .letter = 'w',
     .type = OPT_FLAG,
     .offset = offsetof(struct presence_target, watch),
     .help = "go on and print each change"},
    {.name = NULL},
};

struct looking {
    struct cli *cli;
    struct presence_target t;
    char **names;
    int name_count, next;
    uint64_t users[LIMIT_VIEW];
    int user_count, seen;
};

static void on_event(void *ctx, const struct client_event *ev)
{
    struct looking *l = ctx;

    if (ev->kind != EV_PRESENCE)
        return;
    out_event(l->cli, ev);
    if (!l->t.watch && ++l->seen >= l->user_count)
        session_end(l->cli, EXIT_DONE);
}

static void look(struct looking *l)
{
    if (l->user_count == 0)
        session_end(l->cli, EXIT_DONE);
    else
        client_view(l->cli->client, NULL, 0, l->users, l->user_count);
}

static void next_name(struct looking *l);

static void found(void *ctx, int rc, uint64_t user)
{
    struct looking *l = ctx;

    if (rc < 0) {
        session_end(l->cli, cli_fail(l->cli, exit_of(rc), NULL, "no user '%s'",
                                     l->names[l->next]));
        return;
    }
    l->users[l->user_count++] = user;
    l->next++;
    next_name(l);
}

static void next_name(struct looking *l)
{
    if (l->next < l->name_count && l->user_count < LIMIT_VIEW)
        client_find_user(l->cli->client, l->names[l->next], found, l);
    else
        look(l);
}

static bool add_peer(void *ctx, const struct archive_conv *row)
{
    struct looking *l = ctx;

    if (row->peer != 0 && l->user_count < LIMIT_VIEW)
        l->users[l->user_count++] = row->peer;
    return true;
}

static void fenced(void *ctx, const struct frame *f)
{
    struct looking *l = ctx;

    archive_convs(client_archive(l->cli->client), add_peer, l);
    look(l);
}

/* Without names: everybody one has a direct conversation with. */
static void ready(void *ctx)
{
    struct looking *l = ctx;

    if (l->name_count > 0)
        next_name(l);
    else
        client_request(l->cli->client, FRAME_FENCE, (struct span){0}, fenced,
                       l);
}

int cmd_presence(struct cli *c, int argc, char **argv)
{
    struct looking l = {.cli = c, .names = argv + 1};
    struct options o = {0};
    int rc;

    rc = cli_parse(c, command_named("presence"), &o, &l.t, argc, argv,
                   &l.name_count);
    options_release(&o);
    if (rc != 0)
        return rc;
    if (l.t.watch && c->g.timeout_ms == 0)
        c->g.timeout_ms = INT64_C(365) * 86400 * 1000;
    return request_session(c, ready, on_event, &l);
}
