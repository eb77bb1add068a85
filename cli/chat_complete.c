/* What Tab offers: commands, names, conversations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "chat_priv.h"
#include "out.h"

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

    if (name.n <= c->typed.n ||
        !span_eq(span_make(name.p, c->typed.n), c->typed))
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

    for (const struct chat_command *cmd = chat_commands; cmd->name != NULL;
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
    cmd = chat_command_named(chat_word(&rest));
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
