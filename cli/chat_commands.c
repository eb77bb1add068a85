/* The commands of the prompt: a table, and a function each. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "chat_priv.h"
#include "out.h"
#include "proto/encode.h"
#include "proto/ids.h"

#define SHOW_MORE 40 /* messages of /show without a number */
#define LAST_SHOWN 10

enum argument { ARG_NONE, ARG_CONV, ARG_USER, ARG_COMMAND };

struct chat_command {
    const char *name, *args, *help;
    enum argument completes;
    int least;   /* words needed */
    bool text;   /* the rest is a text: may have newlines */
    bool inside; /* needs an open conversation */
    void (*run)(struct chat *ch, char *args);
};

static const struct chat_command commands_of_chat[];

/* Split the first word off; *rest gets what follows it. */
static char *word(char **rest)
{
    char *start = *rest + strspn(*rest, " ");
    char *end = start + strcspn(start, " \n");

    if (*end != '\0')
        *end++ = '\0';
    *rest = end;
    return start;
}

static bool number(const char *text, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    *out = strtoll(text, &end, 10);
    return *end == '\0' && *out > 0;
}

/* ---- where we are ---- */

static void run_join(struct chat *ch, char *args)
{
    room_open_named(ch, args);
}

static bool unread_one(void *ctx, const struct archive_conv *row)
{
    struct chat *ch = ctx;
    struct room *r = room_get(ch, row->conv);
    struct buf id;

    if (row->kind == CONV_SELF || row->kind == 0)
        return true;
    buf_init(&id, 64);
    id_write(&id, 'c', row->conv);
    view_conv(ch, &ch->out, row->conv);
    buf_printf(&ch->out, "  %s, %lld unread (%s)%s\n",
               row->kind == CONV_DIRECT ? "direct" : conv_kind_name(row->kind),
               (long long)r->unread, buf_cstr(&id),
               r == ch->open ? ", open" : "");
    buf_release(&id);
    return true;
}

static void run_unread(struct chat *ch, char *args)
{
    archive_convs(client_archive(ch->cli->client), unread_one, ch);
    if (ch->out.len == 0)
        buf_append_text(&ch->out, "no conversations yet: /join NAME\n");
    chat_say(ch);
}

static void run_link(struct chat *ch, char *args)
{
    static const char *const names[] = {"down", "connecting", "syncing",
                                        "up",   "waiting",    "ended"};
    enum client_link state = client_link_state(ch->cli->client);

    if (strcmp(args, "now") == 0)
        client_retry_now(ch->cli->client);
    chat_note(ch, STYLE_PLAIN, "link to %s: %s%s", ch->cli->profile.server,
              names[state],
              state == LINK_RETRYING ? "; /link now tries at once" : "");
}

/* ---- sending ---- */

struct later { /* a text whose conversation is being looked up */
    struct chat *chat;
    char *name, *text;
};

static void later_found(void *ctx, int rc, uint64_t conv)
{
    struct later *l = ctx;
    struct chat *ch = l->chat;

    if (rc < 0) {
        chat_note(ch, STYLE_RED, "not sent: no user or conversation '%s' (%s)",
                  l->name, error_name(rc));
    } else {
        if (ch->open == NULL || ch->open->conv != conv)
            chat_note(ch, STYLE_DIM, "(to %s)", l->name);
        chat_send_text(ch, conv, span_of(l->text), 0);
    }
    free(l->name);
    free(l->text);
    free(l);
}

static void run_msg(struct chat *ch, char *args)
{
    struct later *l = mem_alloc(sizeof(*l));

    l->chat = ch;
    l->name = mem_text(word(&args));
    l->text = mem_text(args);
    client_find_conv(ch->cli->client, l->name, true, later_found, l);
}

/* The message a command is about: a number first, or the newest of the
 * others (own: of mine). False after a message. */
struct newest {
    uint64_t user;
    bool own;
    int64_t seq;
};

static bool newest_one(void *ctx, const struct entry *e)
{
    struct newest *n = ctx;

    if (e->kind == ENTRY_MSG && !e->deleted && (e->from == n->user) == n->own)
        n->seq = e->seq;
    return true;
}

static bool which(struct chat *ch, char **args, bool own, int64_t *seq)
{
    struct newest n = {client_user(ch->cli->client), own, 0};
    char *copy = mem_text(*args), *rest = copy;
    struct mine *m = mine_last(ch, ch->open->conv);

    if (number(word(&rest), seq)) {
        *args += rest - copy;
        free(copy);
        return true;
    }
    free(copy);
    if (own && m != NULL && m->seq > 0) {
        *seq = m->seq;
        return true;
    }
    archive_entries(client_archive(ch->cli->client), ch->open->conv, 0, 0, 200,
                    false, newest_one, &n);
    *seq = n.seq;
    if (n.seq == 0)
        chat_note(ch, STYLE_RED, "there is no message to do that with");
    return n.seq > 0;
}

static void run_reply(struct chat *ch, char *args)
{
    int64_t seq;

    if (which(ch, &args, false, &seq) && args[0] != '\0')
        chat_send_text(ch, ch->open->conv, span_of(args), seq);
}

static void run_edit(struct chat *ch, char *args)
{
    int64_t seq;

    if (which(ch, &args, true, &seq) && args[0] != '\0')
        chat_send_change(ch, FRAME_EDIT, seq, span_of(args));
}

static void run_delete(struct chat *ch, char *args)
{
    int64_t seq;

    if (which(ch, &args, true, &seq))
        chat_send_change(ch, FRAME_DELETE, seq, SPAN(""));
}

static void run_react(struct chat *ch, char *args)
{
    int64_t seq;

    if (which(ch, &args, false, &seq) && args[0] != '\0')
        chat_send_change(ch, FRAME_REACT, seq, span_of(word(&args)));
}

/* ---- looking ---- */

static bool show_whole(void *ctx, const struct entry *e)
{
    view_whole(ctx, e);
    return true;
}

static bool show_line(void *ctx, const struct entry *e)
{
    struct chat *ch = ctx;

    view_entry(ch, ch->open, e);
    return true;
}

struct showing {
    struct chat *chat;
    struct room *room;
};

static void older_came(void *ctx, int rc, int count)
{
    struct showing *s = ctx;
    struct chat *ch = s->chat;

    if (ch->open == s->room) {
        ch->open->day = 0;
        archive_entries(client_archive(ch->cli->client), ch->open->conv, 0, 0,
                        SHOW_MORE, false, show_line, ch);
        if (rc < 0)
            chat_note(ch, STYLE_DIM, "(older ones could not be fetched: %s)",
                      error_name(rc));
        chat_say(ch);
        room_read(ch);
    }
    free(s);
}

static void run_show(struct chat *ch, char *args)
{
    struct archive *a = client_archive(ch->cli->client);
    struct showing *s;
    int64_t seq;

    if (args[0] == '\0') {
        s = mem_alloc(sizeof(*s));
        *s = (struct showing){ch, ch->open};
        client_history(ch->cli->client, ch->open->conv, 0, 0, SHOW_MORE,
                       older_came, s);
        return;
    }
    if (!number(args, &seq) ||
        archive_entry(a, ch->open->conv, seq, show_whole, ch) < 0)
        chat_note(ch, STYLE_RED, "no message '%s' here", args);
    chat_say(ch);
}

static void last_one(struct chat *ch, const struct mine *m)
{
    struct buf state;

    buf_init(&state, 256);
    mine_state(ch, m, true, &state);
    if (m->seq > 0)
        buf_printf(&ch->out, "[%lld] ", (long long)m->seq);
    view_conv(ch, &ch->out, m->conv);
    buf_append_text(&ch->out, ": ");
    tty_put_untrusted(&ch->out, TEXT_LINE, span_of(m->text), 0);
    buf_append_text(&ch->out, "  (");
    buf_append_span(&ch->out, buf_span(&state));
    if (m->state == MINE_FAILED) {
        buf_append_text(&ch->out, ": ");
        tty_put_untrusted(&ch->out, TEXT_LINE, span_of(m->reason), 0);
    }
    buf_append_text(&ch->out, ")\n");
    buf_release(&state);
}

static void run_last(struct chat *ch, char *args)
{
    for (int n = LAST_SHOWN - 1; n >= 0; n--) {
        const struct mine *m = mine_nth(ch, n);

        if (m != NULL && m->text != NULL)
            last_one(ch, m);
    }
    if (ch->out.len == 0)
        buf_append_text(&ch->out, "nothing was sent from here yet\n");
    chat_say(ch);
}

static void who_is_there(struct chat *ch, struct room *r)
{
    static const char *const words[] = {"not known", "offline", "away",
                                        "online"};

    for (int i = 0; i < r->people_count; i++) {
        size_t state = (size_t)map_get(&ch->presence, r->people[i]);

        if (r->people[i] == client_user(ch->cli->client))
            state = PRESENCE_ON + 1;
        view_name(ch, &ch->out, r->people[i]);
        buf_printf(&ch->out, "  %s\n", words[state]);
    }
    chat_say(ch);
}

static void need_link(struct chat *ch)
{
    if (client_link_state(ch->cli->client) != LINK_UP)
        chat_note(ch, STYLE_RED, "the link is down: try again when it is up");
}

static void run_who(struct chat *ch, char *args)
{
    need_link(ch);
    room_learn_people(ch, ch->open, who_is_there);
}

static void receipts_came(void *ctx, const struct frame *f)
{
    struct chat *ch = ctx;
    struct error err;
    json_t *j = NULL;

    if (f != NULL && f->kind == FRAME_OK)
        j = json_parse_bounded(f->raw, LIMIT_DEPTH, 100000, &err);
    if (j == NULL) {
        chat_note(ch, STYLE_RED, "the server does not say");
        return;
    }
    chat_note(ch, STYLE_PLAIN, "[%lld] delivered to %lld, read by %lld of %lld",
              (long long)json_integer_value(json_object_get(j, "seq")),
              (long long)json_integer_value(json_object_get(j, "delivered_n")),
              (long long)json_integer_value(json_object_get(j, "read_n")),
              (long long)json_integer_value(json_object_get(j, "members")) - 1);
    json_decref(j);
}

static void run_receipts(struct chat *ch, char *args)
{
    struct buf b;
    int64_t seq;

    need_link(ch);
    if (!which(ch, &args, true, &seq))
        return;
    buf_init(&b, 128);
    enc_member_id(&b, "conv", 'c', ch->open->conv);
    enc_member_int(&b, "seq", seq);
    client_request(ch->cli->client, FRAME_STATE, buf_span(&b), receipts_came,
                   ch);
    buf_release(&b);
}

/* ---- changing a group ---- */

struct change {
    struct chat *chat;
    enum frame_kind kind;
    uint64_t conv;
    char *title; /* of a new group */
    char *names; /* those not looked up yet */
    char *next;
    uint64_t users[LIMIT_USERS];
    int count;
};

static void change_free(struct change *x)
{
    free(x->title);
    free(x->names);
    free(x);
}

static void changed(void *ctx, const struct frame *f)
{
    struct change *x = ctx;
    struct chat *ch = x->chat;
    struct buf msg;
    uint64_t conv;

    buf_init(&msg, 1024);
    if (f == NULL) {
        chat_note(ch, STYLE_RED,
                  "the link went down: it is not known whether "
                  "that was done");
    } else if (f->kind == FRAME_ERR) {
        frame_text(&msg, f->msg);
        chat_note(ch, STYLE_RED, "refused: %s", buf_cstr(&msg));
    } else if (x->kind == FRAME_CONV_CREATE) {
        struct span id = json_member(f->raw, "conv");

        if (id.n > 2 && id_parse(span_make(id.p + 1, id.n - 2), 'c', &conv))
            room_open(ch, conv);
    } else if (x->kind == FRAME_CONV_LEAVE) {
        chat_note(ch, STYLE_DIM, "(you left)");
    }
    buf_release(&msg);
    change_free(x);
}

static void put_users(struct change *x, struct buf *b)
{
    if (x->kind == FRAME_CONV_REMOVE) {
        enc_member_id(b, "user", 'u', x->users[0]);
        return;
    }
    if (x->kind == FRAME_CONV_LEAVE)
        return;
    buf_append_text(b, ",\"users\":[");
    for (int i = 0; i < x->count; i++) {
        buf_append_text(b, i > 0 ? ",\"" : "\"");
        id_write(b, 'u', x->users[i]);
        buf_append_byte(b, '"');
    }
    buf_append_byte(b, ']');
}

static void change_ask(struct change *x)
{
    struct buf b;

    buf_init(&b, LIMIT_OBJECT);
    if (x->kind == FRAME_CONV_CREATE)
        enc_member_text(&b, "title", span_of(x->title));
    else
        enc_member_id(&b, "conv", 'c', x->conv);
    put_users(x, &b);
    client_request(x->chat->cli->client, x->kind, buf_span(&b), changed, x);
    buf_release(&b);
}

static void change_next(struct change *x);

static void change_found(void *ctx, int rc, uint64_t user)
{
    struct change *x = ctx;

    if (rc < 0) {
        chat_note(x->chat, STYLE_RED,
                  "nothing was changed: a name is not "
                  "known (%s)",
                  error_name(rc));
        change_free(x);
        return;
    }
    x->users[x->count++] = user;
    change_next(x);
}

static void change_next(struct change *x)
{
    char *name = word(&x->next);

    if (name[0] != '\0' && x->count < LIMIT_USERS)
        client_find_user(x->chat->cli->client, name, change_found, x);
    else
        change_ask(x);
}

static struct change *change_new(struct chat *ch, enum frame_kind kind,
                                 const char *names)
{
    struct change *x = mem_alloc(sizeof(*x));

    x->chat = ch;
    x->kind = kind;
    x->conv = ch->open != NULL ? ch->open->conv : 0;
    x->names = x->next = mem_text(names);
    return x;
}

static void run_add(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_ADD, args));
}

static void run_remove(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_REMOVE, word(&args)));
}

static void run_leave(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_LEAVE, ""));
}

static void run_create(struct chat *ch, char *args)
{
    char *title = word(&args);
    struct change *x = change_new(ch, FRAME_CONV_CREATE, args);

    x->title = mem_text(title);
    change_next(x);
}

/* ---- help, quit ---- */

static void run_help(struct chat *ch, char *args)
{
    for (const struct chat_command *cmd = commands_of_chat; cmd->name != NULL;
         cmd++) {
        const char *asked = args[0] == '/' ? args + 1 : args;

        if (asked[0] != '\0' && strcmp(asked, cmd->name) != 0)
            continue;
        buf_printf(&ch->out, "/%s %-*s %s\n", cmd->name,
                   (int)(22 - strlen(cmd->name)), cmd->args, cmd->help);
    }
    if (ch->out.len == 0)
        chat_note(ch, STYLE_RED, "there is no command '%s'", args);
    if (args[0] == '\0')
        buf_append_text(&ch->out,
                        "anything else is sent; //text sends /text\n"
                        "Alt-Enter: a newline; Alt-a: the next unread; "
                        "Tab: completes\n");
    chat_say(ch);
}

static void run_quit(struct chat *ch, char *args)
{
    chat_quit(ch);
}

static const struct chat_command commands_of_chat[] = {
    {"join", "NAME", "open a conversation", ARG_CONV, 1, false, false,
     run_join},
    {"msg", "NAME TEXT", "send without going there", ARG_CONV, 2, true, false,
     run_msg},
    {"reply", "[N] TEXT", "answer message N, or the newest", ARG_NONE, 1, true,
     true, run_reply},
    {"edit", "[N] TEXT", "change message N, or my newest", ARG_NONE, 1, true,
     true, run_edit},
    {"delete", "[N]", "take message N back, or my newest", ARG_NONE, 0, false,
     true, run_delete},
    {"react", "[N] EMOJI", "react; -EMOJI takes it back", ARG_NONE, 1, false,
     true, run_react},
    {"show", "[N]", "message N whole, or older ones", ARG_NONE, 0, false, true,
     run_show},
    {"last", "", "what I sent, and what became of it", ARG_NONE, 0, false,
     false, run_last},
    {"unread", "", "all conversations, and what is unread", ARG_NONE, 0, false,
     false, run_unread},
    {"who", "", "who is there", ARG_NONE, 0, false, true, run_who},
    {"members", "", "who is in it", ARG_NONE, 0, false, true, run_who},
    {"create", "TITLE NAME...", "make a group", ARG_USER, 1, false, false,
     run_create},
    {"add", "NAME...", "add members", ARG_USER, 1, false, true, run_add},
    {"remove", "NAME", "remove a member", ARG_USER, 1, false, true, run_remove},
    {"leave", "", "leave the group", ARG_NONE, 0, false, true, run_leave},
    {"receipts", "[N]", "who has message N, or my newest", ARG_NONE, 0, false,
     true, run_receipts},
    {"link", "[now]", "the connection; now: try at once", ARG_NONE, 0, false,
     false, run_link},
    {"help", "[COMMAND]", "this list", ARG_COMMAND, 0, false, false, run_help},
    {"quit", "", "leave (Ctrl-D too)", ARG_NONE, 0, false, false, run_quit},
    {.name = NULL},
};

/* ---- a line ---- */

static const struct chat_command *find(const char *name)
{
    for (const struct chat_command *cmd = commands_of_chat; cmd->name != NULL;
         cmd++)
        if (strcmp(cmd->name, name) == 0)
            return cmd;
    return NULL;
}

static void unknown(struct chat *ch, const char *name)
{
    const char *names[COUNT_OF(commands_of_chat)];
    const char *near;
    int n = 0;

    for (const struct chat_command *cmd = commands_of_chat; cmd->name != NULL;
         cmd++)
        names[n++] = cmd->name;
    names[n] = NULL;
    near = text_nearest(name, names);
    chat_note(ch, STYLE_RED,
              "there is no command /%s: %s%s (//%s sends it as "
              "text)",
              name, near != NULL ? "did you mean /" : "see /help",
              near != NULL ? near : "", name);
}

static void run_command(struct chat *ch, char *line)
{
    const char *name = word(&line);
    const struct chat_command *cmd = find(name);
    char *end = line + strlen(line);
    int words = 0;

    while (end > line && end[-1] == ' ')
        *--end = '\0';
    line += strspn(line, " ");
    for (const char *at = line; *at != '\0'; at += strspn(at, " \n")) {
        at += strcspn(at, " \n");
        words++;
    }
    if (cmd == NULL)
        unknown(ch, name);
    else if (words < cmd->least)
        chat_note(ch, STYLE_RED, "usage: /%s %s", cmd->name, cmd->args);
    else if (cmd->inside && ch->open == NULL)
        chat_note(ch, STYLE_RED, "no conversation is open: /join NAME");
    else
        cmd->run(ch, line);
}

/* With newlines inside only a command that takes a text is one: a pasted
 * "/quit" is text. */
static bool is_command(struct span line)
{
    const struct chat_command *cmd;
    char *copy, *rest;

    if (line.n < 2 || line.p[0] != '/' || line.p[1] == '/')
        return false;
    if (memchr(line.p, '\n', line.n) == NULL)
        return true;
    copy = rest = mem_text_n(line.p + 1, line.n - 1);
    cmd = find(word(&rest));
    free(copy);
    return cmd != NULL && cmd->text;
}

void chat_line(struct chat *ch, struct span line)
{
    char *copy;

    while (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (line.n == 0)
        return;
    if (is_command(line)) {
        copy = mem_text_n(line.p + 1, line.n - 1);
        run_command(ch, copy);
        free(copy);
        return;
    }
    if (line.n > 1 && line.p[0] == '/' && line.p[1] == '/')
        line = span_make(line.p + 1, line.n - 1);
    if (ch->open == NULL)
        chat_note(ch, STYLE_RED,
                  "not sent: no conversation is open (/join NAME, /unread "
                  "lists them; arrow up brings the line back)");
    else
        chat_send_text(ch, ch->open->conv, line, 0);
}

/* ---- completion ---- */

struct completing {
    struct chat *chat;
    front_word_fn *add;
    void *to;
    struct span typed; /* of the argument, before the word */
};

/* Only what shows as it is: a title with controls is reached by its id. */
static void offer(struct completing *c, struct span name)
{
    struct buf shown;
    char *copy;

    if (name.n <= c->typed.n || memcmp(name.p, c->typed.p, c->typed.n) != 0)
        return;
    buf_init(&shown, 1024);
    text_sanitise(&shown, TEXT_NAME, name, 0, NULL);
    if (span_eq(buf_span(&shown), name)) {
        copy = mem_text_n(name.p + c->typed.n, name.n - c->typed.n);
        c->add(c->to, copy);
        free(copy);
    }
    buf_release(&shown);
}

static bool offer_conv(void *ctx, const struct archive_conv *row)
{
    struct completing *c = ctx;
    struct buf name;

    if (row->kind == CONV_SELF || row->kind == 0)
        return true;
    buf_init(&name, 1024);
    out_conv_name(c->chat->cli, row->conv, &name);
    offer(c, buf_span(&name));
    buf_release(&name);
    return true;
}

static void offer_people(struct completing *c)
{
    char name[LIMIT_NAME + 1];

    for (uint32_t i = 0; i < c->chat->rooms.len; i++) {
        const struct room *r = c->chat->rooms.entries[i].value;

        for (int k = 0; k < r->people_count; k++) {
            out_user_name(c->chat->cli, r->people[k], name);
            offer(c, span_of(name));
        }
    }
}

static void offer_commands(struct completing *c, const char *before)
{
    char name[64];

    for (const struct chat_command *cmd = commands_of_chat; cmd->name != NULL;
         cmd++) {
        snprintf(name, sizeof(name), "%s%s", before, cmd->name);
        c->add(c->to, name);
    }
}

void chat_complete(void *ctx, struct span line, size_t at, front_word_fn *add,
                   void *to)
{
    struct completing c = {.chat = ctx, .add = add, .to = to};
    const struct chat_command *cmd;
    char *copy, *rest;
    size_t args;

    if (at == 0 && line.n > 0 && line.p[0] == '/') {
        offer_commands(&c, "/");
        return;
    }
    if (line.n == 0 || line.p[0] != '/') {
        offer_people(&c);
        return;
    }
    copy = rest = mem_text_n(line.p + 1, line.n - 1);
    cmd = find(word(&rest));
    args = (size_t)(rest - copy) + 1;
    if (cmd != NULL && cmd->completes == ARG_COMMAND) {
        offer_commands(&c, "");
    } else if (cmd != NULL && cmd->completes == ARG_CONV) {
        if (at >= args)
            c.typed = span_make(line.p + args, at - args);
        archive_convs(client_archive(c.chat->cli->client), offer_conv, &c);
        offer_people(&c);
    } else {
        offer_people(&c);
    }
    free(copy);
}
