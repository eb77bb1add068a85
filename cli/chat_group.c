/* Changing a group: names are looked up one by one, then it is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "chat_priv.h"
#include "proto/encode.h"
#include "proto/ids.h"

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
    char *name = chat_word(&x->next);

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

void group_add(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_ADD, args));
}

void group_remove(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_REMOVE, chat_word(&args)));
}

void group_leave(struct chat *ch, char *args)
{
    change_next(change_new(ch, FRAME_CONV_LEAVE, ""));
}

void group_create(struct chat *ch, char *args)
{
    char *title = chat_word(&args);
    struct change *x = change_new(ch, FRAME_CONV_CREATE, args);

    x->title = mem_text(title);
    change_next(x);
}
