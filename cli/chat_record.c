#include "chat_record.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"
#include "proto/story.h"

#define HELD_MAX                                                 \
    10000 /* entries that wait for word about their conversation \
           */

/* An entry of a conversation that is not known to be direct or a group yet. */
struct held {
    struct link link;
    struct entry entry;
};

struct recording {
    struct story *story;
    struct link held;
    int nheld;
};

int recording_new(struct recording **out, const char *path, struct error *err)
{
    struct recording *r = mem_alloc(sizeof(*r));
    int rc = story_new(&r->story, path, "recorded at a prompt", err);

    list_init(&r->held);
    if (rc < 0)
        recording_free(&r);
    *out = r;
    return rc;
}

static void held_free(struct recording *r, struct held *h)
{
    list_remove(&h->link);
    free((char *)(uintptr_t)h->entry.body.p);
    free(h);
    r->nheld--;
}

void recording_free(struct recording **slot)
{
    struct recording *r = *slot;

    *slot = NULL;
    if (r == NULL)
        return;
    while (!list_empty(&r->held))
        held_free(r, container_of(list_first(&r->held), struct held, link));
    story_free(&r->story);
    free(r);
}

int recording_state(const struct recording *r)
{
    return story_state(r->story);
}

static bool creates(const struct entry *e)
{
    struct error err;
    json_t *body = e->kind == ENTRY_MEMBER && e->body.p != NULL
                       ? json_parse_bounded(e->body, LIMIT_DEPTH, 20000, &err)
                       : NULL;
    const char *op = json_string_value(json_object_get(body, "op"));
    bool is = op != NULL && strcmp(op, "create") == 0;

    if (body != NULL)
        json_decref(body);
    return is;
}

/* False: nothing is known about the conversation yet. */
static bool meet(struct recording *r, struct client *client,
                 const struct entry *e)
{
    struct archive_conv row = {0};
    uint64_t self = client_user(client);

    if (story_knows(r->story, e->conv))
        return true;
    if (archive_conv_get(client_archive(client), e->conv, &row) < 0 ||
        row.kind == 0)
        return false;
    story_person(r->story, self);
    if (row.kind == CONV_DIRECT)
        story_direct(r->story, e->conv, self, row.peer);
    else if (row.kind != CONV_SELF && creates(e))
        story_begins(r->story, e->conv, row.kind);
    else if (row.kind != CONV_SELF)
        story_group(r->story, e->conv, self, span_of(row.title));
    return true;
}

static void hold(struct recording *r, const struct entry *e)
{
    struct held *h;

    if (r->nheld >= HELD_MAX)
        return;
    h = mem_alloc(sizeof(*h));
    h->entry = *e;
    h->entry.cid = h->entry.mention = (struct span){0};
    if (e->body.p != NULL)
        h->entry.body.p = mem_copy(e->body.p, e->body.n);
    list_push(&r->held, &h->link);
    r->nheld++;
}

/* What waited for this conversation, in order. */
static void release(struct recording *r, struct client *client, uint64_t conv)
{
    for (struct link *l = r->held.next, *next; l != &r->held; l = next) {
        struct held *h = container_of(l, struct held, link);

        next = l->next;
        if (h->entry.conv != conv)
            continue;
        if (!meet(r, client, &h->entry))
            return;
        story_entry(r->story, &h->entry);
        held_free(r, h);
    }
}

void recording_event(struct recording *r, struct client *client,
                     const struct client_event *ev)
{
    switch (ev->kind) {
    case EV_MESSAGE:
        release(r, client, ev->conv);
        if (meet(r, client, ev->entry))
            story_entry(r->story, ev->entry);
        else
            hold(r, ev->entry);
        break;
    case EV_CONV:
        release(r, client, ev->conv);
        break;
    case EV_RECEIPT:
        if (ev->user != 0 && ev->read > 0)
            story_read(r->story, ev->conv, ev->user, ev->read);
        break;
    default:
        break;
    }
}

void recording_read(struct recording *r, struct client *client, uint64_t conv,
                    int64_t seq)
{
    release(r, client, conv);
    story_read(r->story, conv, client_user(client), seq);
}
