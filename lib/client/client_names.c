/* Who and what things are: names of users and conversations, and the events
 * of entries, which wait for them. */
#include "client_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define LIST_STRUCTURE 20000

json_t *client_tree(const struct frame *f)
{
    struct error err;

    if (f == NULL || f->kind != FRAME_OK)
        return NULL;
    return json_parse_bounded(f->raw, LIMIT_DEPTH, LIST_STRUCTURE, &err);
}

uint64_t client_tree_id(const json_t *o, const char *key, char prefix)
{
    const char *text = json_string_value(json_object_get(o, key));
    uint64_t id = 0;

    if (text == NULL || !id_parse(span_of(text), prefix, &id))
        return 0;
    return id;
}

static int64_t int_of(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static struct span span_member(const json_t *o, const char *key)
{
    return span_of(json_string_value(json_object_get(o, key)));
}

/* ---- users ---- */

void client_learn_user(struct client *c, const json_t *u)
{
    uint64_t user = client_tree_id(u, "user", 'u');
    const char *name = json_string_value(json_object_get(u, "name"));
    const char *display = json_string_value(json_object_get(u, "display"));

    if (user != 0 && name != NULL)
        archive_user_put(c->archive, user, name[0] != '\0' ? name : "(deleted)",
                         display);
}

static void users_came(void *ctx, const struct frame *f)
{
    struct client *c = ctx;
    json_t *j = client_tree(f), *one;
    size_t i;

    if (j == NULL)
        return;
    json_array_foreach(json_object_get(j, "users"), i, one)
        client_learn_user(c, one);
    json_decref(j);
    client_pump_later(c);
}

/* Is there somebody to ask? What is asked of a link that is down gets no
 * answer, and must not count as asked. */
static bool can_ask(const struct client *c)
{
    return c->state == LINK_UP || c->state == LINK_SYNCING;
}

/* Whose name was asked for; and what became of it. */
struct naming {
    struct client *client;
    uint64_t user;
};

static struct naming nameless; /* the server knows none */

static void name_came(void *ctx, const struct frame *f)
{
    struct naming *n = ctx;
    struct client *c = n->client;
    char name[LIMIT_NAME + 1];

    users_came(c, f);
    if (f != NULL && archive_user_name(c->archive, n->user, name) < 0) {
        map_put(&c->asked, n->user, &nameless);
        client_pump_later(c);
    }
    free(n);
}

static void ask_name(struct client *c, uint64_t user)
{
    struct naming *n = mem_alloc(sizeof(*n));
    struct buf members;

    *n = (struct naming){c, user};
    map_put(&c->asked, user, n);
    buf_init(&members, 128);
    buf_append_text(&members, "\"users\":[\"");
    id_write(&members, 'u', user);
    buf_append_text(&members, "\"]");
    client_ask(c, FRAME_USER_INFO, buf_span(&members), name_came, n);
    buf_release(&members);
}

/* Is the name known, or known to be none? If not it is asked for. */
static bool user_known(struct client *c, uint64_t user)
{
    char name[LIMIT_NAME + 1];
    void *asked;

    if (user == 0 || archive_user_name(c->archive, user, name) == 0)
        return true;
    asked = map_get(&c->asked, user);
    if (asked == NULL && can_ask(c))
        ask_name(c, user);
    return asked == &nameless;
}

struct learning {
    struct client *client;
    void (*done)(void *ctx);
    void *ctx;
};

static void learned(void *ctx, const struct frame *f)
{
    struct learning *l = ctx;

    users_came(l->client, f);
    l->done(l->ctx);
    free(l);
}

void client_learn_users(struct client *c, const uint64_t *users, int count,
                        void (*done)(void *ctx), void *ctx)
{
    struct learning *l = mem_alloc(sizeof(*l));
    char name[LIMIT_NAME + 1];
    struct buf members;
    int asked = 0;

    *l = (struct learning){c, done, ctx};
    buf_init(&members, LIMIT_OBJECT);
    for (int i = 0; i < count && asked < LIMIT_USERS; i++) {
        if (archive_user_name(c->archive, users[i], name) == 0)
            continue;
        buf_append_text(&members, asked++ > 0 ? ",\"" : "\"users\":[\"");
        id_write(&members, 'u', users[i]);
        buf_append_byte(&members, '"');
    }
    buf_append_byte(&members, ']');
    if (asked > 0)
        client_ask(c, FRAME_USER_INFO, buf_span(&members), learned, l);
    else
        learned(l, NULL);
    buf_release(&members);
}

/* ---- conversations ---- */

static void learn_conv(struct client *c, const json_t *o)
{
    uint64_t conv = client_tree_id(o, "conv", 'c');
    struct span title = span_member(o, "title");
    struct client_event ev = {.kind = EV_CONV, .conv = conv};
    struct place *p;

    if (conv == 0)
        return;
    p = place_get(c, conv);
    p->known = true;
    p->row.kind = conv_kind_parse(span_member(o, "kind"));
    p->row.mode = conv_mode_parse(span_member(o, "mode"));
    p->row.role = role_parse(span_member(o, "role"));
    p->row.peer = client_tree_id(o, "user", 'u');
    if (title.n < sizeof(p->row.title)) {
        memset(p->row.title, 0, sizeof(p->row.title));
        if (title.n > 0)
            memcpy(p->row.title, title.p, title.n);
    }
    if (int_of(o, "head") > p->row.head)
        p->row.head = int_of(o, "head");
    if (p->row.shown > p->row.head)
        p->row.shown = p->row.head; /* of a server that was restored */
    if (int_of(o, "read") > p->row.read)
        p->row.read = int_of(o, "read");
    if (int_of(o, "delivered") > p->row.delivered_by && p->row.peer != 0)
        p->row.delivered_by = int_of(o, "delivered");
    if (int_of(o, "read_by") > p->row.read_by)
        p->row.read_by = int_of(o, "read_by");
    place_save(c, p);
    client_emit(c, &ev);
}

static void list_more(struct client *c, uint64_t after);

static void convs_came(void *ctx, const struct frame *f)
{
    struct client *c = ctx;
    json_t *j = client_tree(f), *one;
    uint64_t last = 0;
    bool more;
    size_t i;

    if (f == NULL)
        return; /* the link is gone: the next one asks again */
    archive_begin(c->archive);
    json_array_foreach(json_object_get(j, "convs"), i, one)
    {
        learn_conv(c, one);
        last = client_tree_id(one, "conv", 'c');
    }
    archive_commit(c->archive);
    more = json_is_true(json_object_get(j, "more"));
    json_decref(j);
    if (more && last != 0)
        list_more(c, last);
    else
        client_synced(c);
}

static void list_more(struct client *c, uint64_t after)
{
    struct buf members;

    buf_init(&members, 128);
    enc_member_int(&members, "limit", LIMIT_LIST);
    if (after > 0)
        enc_member_id(&members, "after", 'c', after);
    client_ask(c, FRAME_CONV_LIST, buf_span(&members), convs_came, c);
    buf_release(&members);
}

void client_list_convs(struct client *c)
{
    list_more(c, 0);
}

struct asking {
    struct client *client;
    uint64_t conv;
};

static void one_conv_came(void *ctx, const struct frame *f)
{
    struct asking *about = ctx;
    struct client *c = about->client;
    json_t *j = client_tree(f), *one;
    size_t i;

    json_array_foreach(json_object_get(j, "convs"), i, one) learn_conv(c, one);
    if (j != NULL) {
        struct place *p = place_get(c, about->conv);

        p->unlisted = !p->known;
        p->asking = false;
        json_decref(j);
    }
    free(about);
    client_pump_later(c);
}

/* The list after the id just below it begins with it. */
static void ask_conv(struct client *c, struct place *p)
{
    struct asking *about;
    struct buf members;

    if (p->asking)
        return;
    p->asking = true;
    about = mem_alloc(sizeof(*about));
    *about = (struct asking){c, p->row.conv};
    buf_init(&members, 128);
    enc_member_int(&members, "limit", 1);
    if (p->row.conv > 1)
        enc_member_id(&members, "after", 'c', p->row.conv - 1);
    client_ask(c, FRAME_CONV_LIST, buf_span(&members), one_conv_came, about);
    buf_release(&members);
}

/* ---- telling ---- */

struct telling {
    struct client *client;
    struct place *place;
};

/* Bookkeeping of our own is no event, nor is what was told before the server
 * was restored. */
static bool is_news(struct client *c, const struct entry *e)
{
    return e->kind != ENTRY_ACCOUNT && !archive_is_former(c->archive, e->id);
}

static bool tell(void *ctx, const struct entry *e)
{
    struct telling *t = ctx;
    struct client *c = t->client;
    struct client_event ev = {.kind = EV_MESSAGE,
                              .conv = e->conv,
                              .user = e->from,
                              .entry = e,
                              .seq = e->seq,
                              .fresh = c->state == LINK_UP};

    if (!is_news(c, e)) {
        t->place->told = e->seq;
        return true;
    }
    if (!user_known(c, e->from))
        return false;
    t->place->told = e->seq;
    client_emit(c, &ev);
    return c->archive != NULL;
}

/* In batches, since an event may lead to new statements on the archive: the
 * entry is copied before its event. */
struct copy {
    struct entry entry;
    char bytes[];
};

struct copies {
    struct copy *items[64];
    int count;
};

static struct span keep(char **at, struct span s)
{
    struct span kept = {s.p != NULL ? *at : NULL, s.n};

    if (s.p != NULL && s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static bool collect(void *ctx, const struct entry *e)
{
    struct copies *all = ctx;
    struct copy *copy =
        mem_alloc(sizeof(*copy) + e->cid.n + e->body.n + e->mention.n);
    char *at = copy->bytes;

    copy->entry = *e;
    copy->entry.cid = keep(&at, e->cid);
    copy->entry.body = keep(&at, e->body);
    copy->entry.mention = keep(&at, e->mention);
    all->items[all->count++] = copy;
    return all->count < (int)COUNT_OF(all->items);
}

/* Tell some of what is held of one conversation. False: nothing more can be
 * told now. */
static bool pump_place(struct client *c, struct place *p)
{
    struct telling t = {c, p};
    struct copies all = {.count = 0};
    bool go_on = true;

    if (p->told >= p->prefix)
        return false;
    if (!p->known && c->state != LINK_DOWN) {
        if (can_ask(c) && !p->unlisted)
            ask_conv(c, p);
        if (p->row.kind == 0 && !p->unlisted)
            return false;
    }
    archive_entries(c->archive, p->row.conv, p->told, p->prefix + 1,
                    (int)COUNT_OF(all.items), true, collect, &all);
    if (all.count == 0)
        p->told = p->prefix; /* a gap that will not be filled */
    for (int i = 0; i < all.count; i++) {
        go_on = go_on && tell(&t, &all.items[i]->entry);
        free(all.items[i]);
    }
    return go_on && p->told < p->prefix;
}

/* The owner knows the name of everybody it told of. */
void client_tell_held(struct client *c, struct place *p, int64_t seq,
                      bool fresh)
{
    while (p->told < seq) {
        struct copies all = {.count = 0};

        archive_entries(c->archive, p->row.conv, p->told, seq + 1,
                        (int)COUNT_OF(all.items), true, collect, &all);
        if (all.count == 0)
            p->told = seq;
        for (int i = 0; i < all.count; i++) {
            const struct entry *e = &all.items[i]->entry;
            struct client_event ev = {.kind = EV_MESSAGE,
                                      .conv = e->conv,
                                      .user = e->from,
                                      .entry = e,
                                      .seq = e->seq,
                                      .fresh = fresh};

            p->told = e->seq;
            if (is_news(c, e))
                client_emit(c, &ev);
            free(all.items[i]);
        }
    }
}

void client_pump(struct client *c)
{
    if (client_is_guest(c))
        return; /* its owner says how far */
    for (uint32_t i = 0; i < c->places.len; i++)
        while (pump_place(c, c->places.entries[i].value))
            ;
}

void client_pump_later(struct client *c)
{
    loop_timer_set(c->pump, 0);
}
