#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "commands.h"
#include "match.h"
#include "out.h"
#include "proto/ids.h"
#include "request.h"

struct tail_target {
    const char *since, *types, *ack;
    int64_t count;
};

#define AT(field) offsetof(struct tail_target, field)

const struct option tail_options[] = {
    {.name = "since",
     .type = OPT_TEXT,
     .arg = "WHERE",
     .offset = AT(since),
     .help = "begin after message ID, or where cursor:NAME stopped"},
    {.name = "count",
     .letter = 'n',
     .type = OPT_INT,
     .arg = "N",
     .offset = AT(count),
     .help = "end after N events"},
    {.name = "types",
     .type = OPT_TEXT,
     .arg = "KIND,...",
     .preset = "message",
     .offset = AT(types),
     .help = "message sent receipt presence typing member link error gap"},
    {.name = NULL},
};

struct tailing {
    struct cli *cli;
    struct tail_target t;
    struct match match;
    char **names;
    int name_count, next;
    int64_t printed;
    const char *cursor; /* NAME of cursor:NAME */
    bool live;          /* past what --since replays */
    struct map shown;   /* conv -> seq replayed; its event may still come */
};

/* ---- cursors: one number per conversation, kept under cursor:NAME:cN ---- */

static void cursor_key(struct tailing *t, uint64_t conv, char *key, size_t size)
{
    snprintf(key, size, "cursor:%s:c%llu", t->cursor, (unsigned long long)conv);
}

static int64_t cursor_get(struct tailing *t, uint64_t conv)
{
    char key[256], value[32];

    cursor_key(t, conv, key, sizeof(key));
    if (archive_get(client_archive(t->cli->client), key, value, sizeof(value)) <
        0)
        return 0;
    return strtoll(value, NULL, 10);
}

/* After the line was flushed: a crash in between prints it once more. */
static void cursor_set(struct tailing *t, const struct client_event *ev)
{
    char key[256], value[32];

    if (t->cursor == NULL || ev->kind != EV_MESSAGE)
        return;
    cursor_key(t, ev->conv, key, sizeof(key));
    snprintf(value, sizeof(value), "%lld", (long long)ev->seq);
    archive_set(client_archive(t->cli->client), key, value);
}

/* ---- printing ---- */

static void print(struct tailing *t, const struct client_event *ev)
{
    if (t->t.count > 0 && t->printed >= t->t.count)
        return;
    if (!match_event(t->cli, &t->match, ev) || !out_event(t->cli, ev))
        return;
    cursor_set(t, ev);
    t->printed++;
    if (t->t.count > 0 && t->printed >= t->t.count)
        session_end(t->cli, EXIT_DONE);
}

static void on_event(void *ctx, const struct client_event *ev)
{
    struct tailing *t = ctx;

    if (!t->live)
        return; /* it is in the archive: the replay will come to it */
    if (ev->kind == EV_MESSAGE && t->cursor != NULL &&
        ev->seq <= cursor_get(t, ev->conv))
        return;
    if (ev->kind == EV_MESSAGE &&
        (uintptr_t)ev->seq <= (uintptr_t)map_get(&t->shown, ev->conv))
        return;
    print(t, ev);
}

/* ---- what is in the archive already ---- */

static bool replay_entry(void *ctx, const struct entry *e)
{
    struct tailing *t = ctx;
    struct client_event ev = {.kind = EV_MESSAGE,
                              .conv = e->conv,
                              .user = e->from,
                              .entry = e,
                              .seq = e->seq};

    map_put(&t->shown, e->conv, (void *)(uintptr_t)e->seq);
    if (e->kind != ENTRY_ACCOUNT)
        print(t, &ev);
    return t->t.count == 0 || t->printed < t->t.count;
}

struct convs {
    uint64_t *ids;
    int count;
};

static bool gather(void *ctx, const struct archive_conv *row)
{
    struct convs *all = ctx;

    all->ids = mem_grow(all->ids, (size_t)all->count + 1, sizeof(*all->ids));
    all->ids[all->count++] = row->conv;
    return true;
}

static void replay(struct tailing *t)
{
    struct archive *a = client_archive(t->cli->client);
    uint64_t id = 0, conv = 0;
    struct convs all = {0};
    int64_t after = 0;

    if (t->cursor == NULL && (!id_parse(span_of(t->t.since), 0, &id) ||
                              archive_find_id(a, id, &conv, &after) < 0)) {
        session_end(t->cli, cli_fail(t->cli, EXIT_NO_INPUT, "confab history",
                                     "no message %s here", t->t.since));
        return;
    }
    archive_convs(a, gather, &all);
    for (int i = 0; i < all.count; i++) {
        if (t->cursor != NULL)
            after = cursor_get(t, all.ids[i]);
        else if (all.ids[i] != conv)
            continue;
        archive_entries(a, all.ids[i], after, 0, 1000000, true, replay_entry,
                        t);
    }
    free(all.ids);
}

/* ---- starting ---- */

static void begin(struct tailing *t)
{
    if (t->t.since != NULL)
        replay(t);
    t->live = true;
}

static void find_next(struct tailing *t);

static void found(void *ctx, int rc, uint64_t conv)
{
    struct tailing *t = ctx;

    if (rc < 0) {
        session_end(t->cli,
                    cli_fail(t->cli, exit_of(rc), "confab conv list",
                             "no conversation '%s'", t->names[t->next]));
        return;
    }
    t->match.convs[t->match.conv_count++] = conv;
    t->next++;
    find_next(t);
}

static void find_next(struct tailing *t)
{
    if (t->next < t->name_count)
        client_find_conv(t->cli->client, t->names[t->next], true, found, t);
    else
        begin(t);
}

static void ready(void *ctx)
{
    find_next(ctx);
}

static int prepare(struct tailing *t)
{
    if (t->t.since != NULL && strncmp(t->t.since, "cursor:", 7) == 0)
        t->cursor = t->t.since + 7;
    t->match.kinds = t->t.types;
    t->match.convs =
        mem_array((size_t)t->name_count + 1, sizeof(*t->match.convs));
    /* Without names nothing has to be found first. */
    t->live = t->name_count == 0 && t->t.since == NULL;
    if (t->cli->g.timeout_ms == 0)
        t->cli->g.timeout_ms = INT64_C(365) * 86400 * 1000;
    return 0;
}

int cmd_tail(struct cli *c, int argc, char **argv)
{
    struct tailing t = {.cli = c, .names = argv + 1};
    struct options o = {0};
    int rc;

    rc = cli_parse(c, command_named("tail"), &o, &t.t, argc, argv,
                   &t.name_count);
    if (rc == 0)
        rc = prepare(&t);
    if (rc == 0)
        rc = request_session(c, ready, on_event, &t);
    match_release(&t.match);
    map_release(&t.shown);
    options_release(&o);
    return rc;
}
