/* The commands of the prompt: a table, and a function each. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "chat_priv.h"
#include "out.h"
#include "proto/ids.h"

#define NAMES_MAX 64 /* commands looked at for a near one */

char *chat_word(char **rest)
{
    char *start = *rest + strspn(*rest, " ");
    char *end = start + strcspn(start, " \n");

    if (*end != '\0')
        *end++ = '\0';
    *rest = end;
    return start;
}

bool chat_number(const char *text, int64_t *out)
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
    l->name = mem_text(chat_word(&args));
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

bool chat_which(struct chat *ch, char **args, bool own, int64_t *seq)
{
    struct newest n = {client_user(ch->cli->client), own, 0};
    char *copy = mem_text(*args), *rest = copy;
    struct mine *m = mine_last(ch, ch->open->conv);

    if (chat_number(chat_word(&rest), seq)) {
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

    if (chat_which(ch, &args, false, &seq) && args[0] != '\0')
        chat_send_text(ch, ch->open->conv, span_of(args), seq);
}

static void run_edit(struct chat *ch, char *args)
{
    int64_t seq;

    if (chat_which(ch, &args, true, &seq) && args[0] != '\0')
        chat_send_change(ch, FRAME_EDIT, seq, span_of(args));
}

static void run_delete(struct chat *ch, char *args)
{
    int64_t seq;

    if (chat_which(ch, &args, true, &seq))
        chat_send_change(ch, FRAME_DELETE, seq, SPAN(""));
}

static void run_react(struct chat *ch, char *args)
{
    int64_t seq;

    if (chat_which(ch, &args, false, &seq) && args[0] != '\0')
        chat_send_change(ch, FRAME_REACT, seq, span_of(chat_word(&args)));
}

/* ---- help, quit ---- */

static void run_help(struct chat *ch, char *args)
{
    for (const struct chat_command *cmd = chat_commands; cmd->name != NULL;
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

const struct chat_command chat_commands[] = {
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
     show_show},
    {"last", "", "what I sent, and what became of it", ARG_NONE, 0, false,
     false, show_last},
    {"unread", "", "all conversations, and what is unread", ARG_NONE, 0, false,
     false, run_unread},
    {"who", "", "who is there", ARG_NONE, 0, false, true, show_who},
    {"members", "", "who is in it", ARG_NONE, 0, false, true, show_who},
    {"create", "TITLE NAME...", "make a group", ARG_USER, 1, false, false,
     group_create},
    {"add", "NAME...", "add members", ARG_USER, 1, false, true, group_add},
    {"remove", "NAME", "remove a member", ARG_USER, 1, false, true,
     group_remove},
    {"leave", "", "leave the group", ARG_NONE, 0, false, true, group_leave},
    {"receipts", "[N]", "who has message N, or my newest", ARG_NONE, 0, false,
     true, show_receipts},
    {"link", "[now]", "the connection; now: try at once", ARG_NONE, 0, false,
     false, run_link},
    {"help", "[COMMAND]", "this list", ARG_COMMAND, 0, false, false, run_help},
    {"quit", "", "leave (Ctrl-D too)", ARG_NONE, 0, false, false, run_quit},
    {.name = NULL},
};

/* ---- a line ---- */

const struct chat_command *chat_command_named(const char *name)
{
    for (const struct chat_command *cmd = chat_commands; cmd->name != NULL;
         cmd++)
        if (strcmp(cmd->name, name) == 0)
            return cmd;
    return NULL;
}

static void unknown(struct chat *ch, const char *name)
{
    const char *names[NAMES_MAX];
    const char *near;
    int n = 0;

    for (const struct chat_command *cmd = chat_commands; cmd->name != NULL;
         cmd++)
        if (n + 1 < NAMES_MAX)
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
    const char *name = chat_word(&line);
    const struct chat_command *cmd = chat_command_named(name);
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
    cmd = chat_command_named(chat_word(&rest));
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
