#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "commands.h"
#include "out.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "request.h"
#include "tty.h"

#define PATIENCE_MS 10000

struct send_target {
    const char *id, *reply_to, *wait;
};

#define AT(field) offsetof(struct send_target, field)

const struct option send_options[] = {
    {.name = "wait",
     .letter = 'w',
     .type = OPT_CHOICE,
     .arg = "STATE",
     .preset = "accepted",
     .choices = "accepted|delivered|read",
     .offset = AT(wait),
     .help = "end when it is accepted, delivered or read"},
    {.name = "id",
     .type = OPT_TEXT,
     .arg = "KEY",
     .offset = AT(id),
     .help = "idempotency key: a retry with it sends nothing twice"},
    {.name = "reply-to",
     .type = OPT_TEXT,
     .arg = "ID",
     .offset = AT(reply_to),
     .help = "answer to this message"},
    {.name = NULL},
};

/* One send, its steps in reading order: find, queue, accepted, delivered. */
struct sending {
    struct cli *cli;
    struct send_target t;
    const char *conv_name;
    struct buf body;
    uint64_t conv;
    int64_t reply;
    char cid[LIMIT_CID + 1];
    int64_t seq;
    uint64_t id;
    bool queued, dup;
    enum conv_kind kind;
};

static int64_t patience(struct cli *c)
{
    return c->g.timeout_ms > 0 ? c->g.timeout_ms : PATIENCE_MS;
}

/* ---- the end ---- */

static void print_sent(struct sending *s)
{
    struct buf b;

    buf_init(&b, 4096);
    if (s->cli->format == OUTPUT_JSON) {
        out_json_begin(&b, "sent", clock_wall(clock_system()));
        enc_member_id(&b, "conv", 'c', s->conv);
        enc_member_id(&b, "id", 0, s->id);
        enc_member_int(&b, "seq", s->seq);
        enc_member_text(&b, "cid", span_of(s->cid));
        enc_member_text(&b, "state", span_of(s->t.wait));
        enc_member_bool(&b, "dup", s->dup);
        enc_member_bool(&b, "encrypted", false);
        out_json_end(s->cli, &b);
    } else {
        id_write(&b, 0, s->id);
        buf_append_byte(&b, '\n');
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

static void finish(struct sending *s)
{
    print_sent(s);
    session_end(s->cli, EXIT_DONE);
}

/* Marks of the other one (direct) that came earlier than our question. */
static bool covered(struct sending *s)
{
    struct archive_conv row;
    bool read = strcmp(s->t.wait, "read") == 0;

    if (archive_conv_get(client_archive(s->cli->client), s->conv, &row) < 0)
        return false;
    s->kind = row.kind;
    return (read ? row.read_by : row.delivered_by) >= s->seq;
}

static void state_came(void *ctx, const struct frame *f)
{
    struct sending *s = ctx;
    const char *key = strcmp(s->t.wait, "read") == 0 ? "read_n" : "delivered_n";
    json_t *j;

    if (f == NULL || f->kind != FRAME_OK)
        return; /* the receipt will tell */
    j = request_tree(s->cli, f);
    if (j != NULL && json_integer_value(json_object_get(j, key)) > 0)
        finish(s);
    if (j != NULL)
        json_decref(j);
}

/* Ask once: the receipt may have come before the answer to the send. */
static void ask_state(struct sending *s)
{
    struct buf members;

    buf_init(&members, 256);
    enc_member_id(&members, "conv", 'c', s->conv);
    enc_member_int(&members, "seq", s->seq);
    client_request(s->cli->client, FRAME_STATE, buf_span(&members), state_came,
                   s);
    buf_release(&members);
}

static void accepted(struct sending *s, int64_t seq, uint64_t id, bool dup)
{
    s->seq = seq;
    s->id = id;
    s->dup = dup;
    if (strcmp(s->t.wait, "accepted") == 0 || covered(s))
        finish(s);
    else
        ask_state(s);
}

static void on_event(void *ctx, const struct client_event *ev)
{
    struct sending *s = ctx;
    bool read = strcmp(s->t.wait, "read") == 0;

    if (ev->kind == EV_SENT && s->queued && strcmp(ev->cid, s->cid) == 0)
        accepted(s, ev->seq, ev->id, ev->dup);
    else if (ev->kind == EV_REFUSED && s->queued &&
             strcmp(ev->cid, s->cid) == 0)
        session_end(s->cli,
                    cli_fail(s->cli,
                             strcmp(ev->code, "not_found") == 0 ? EXIT_NO_USER
                             : strcmp(ev->code, "cid_conflict") == 0
                                 ? EXIT_DATA
                                 : EXIT_DENIED,
                             NULL, "%s (%s)", ev->text, ev->code));
    else if (ev->kind == EV_RECEIPT && s->seq > 0 && ev->conv == s->conv &&
             ((ev->user != 0 && ev->user != client_user(s->cli->client) &&
               (read ? ev->read : ev->delivered) >= s->seq) ||
              (ev->user == 0 && ev->seq >= s->seq &&
               (read ? ev->read_n : ev->delivered_n) > 0)))
        finish(s);
}

/* ---- step 2: into the outbox ---- */

static void known_key(struct sending *s)
{
    struct outbox_item item;

    if (archive_outbox_get(client_archive(s->cli->client), s->conv, s->cid,
                           &item) < 0)
        return;
    if (item.state == OUT_STORED)
        accepted(s, item.seq, item.id, true);
    else if (item.state == OUT_FAILED)
        session_end(s->cli, cli_fail(s->cli, EXIT_DENIED, NULL,
                                     "it was refused before: %s", item.code));
}

static void queue(struct sending *s)
{
    struct client_send out = {.conv = s->conv,
                              .cid = s->t.id,
                              .reply = s->reply,
                              .body = buf_span(&s->body)};
    int rc;

    s->queued = true;
    if (s->t.id != NULL)
        snprintf(s->cid, sizeof(s->cid), "%s", s->t.id);
    rc = client_send(s->cli->client, &out, s->cid);
    if (rc == -CF_EXISTS)
        known_key(s);
    else if (rc == -CF_INVALID)
        session_end(s->cli,
                    cli_fail(s->cli, EXIT_USAGE, NULL,
                             "--id is 1 to 64 printable characters without \" "
                             "and \\"));
    else if (rc < 0)
        session_end(s->cli, cli_fail(s->cli, exit_of(rc), NULL,
                                     "cannot queue it: %s", error_name(rc)));
}

static void found(void *ctx, int rc, uint64_t conv)
{
    struct sending *s = ctx;
    uint64_t id, other;

    if (rc == -CF_NOT_FOUND) {
        session_end(s->cli,
                    cli_fail(s->cli, EXIT_NO_USER, "confab conv list",
                             "no user or conversation '%s'", s->conv_name));
        return;
    }
    if (rc < 0) {
        session_end(s->cli, cli_fail(s->cli, exit_of(rc), NULL, "%s: %s",
                                     s->conv_name, error_name(rc)));
        return;
    }
    s->conv = conv;
    if (s->t.reply_to != NULL &&
        (!id_parse(span_of(s->t.reply_to), 0, &id) ||
         archive_find_id(client_archive(s->cli->client), id, &other,
                         &s->reply) < 0)) {
        session_end(s->cli, cli_fail(s->cli, EXIT_NO_INPUT, "confab history",
                                     "no message %s here", s->t.reply_to));
        return;
    }
    queue(s);
}

/* Step 1: the link is up; whom is it for? */
static void ready(void *ctx)
{
    struct sending *s = ctx;

    client_find_conv(s->cli->client, s->conv_name, true, found, s);
}

/* ---- the text ---- */

static int read_stdin(struct buf *text)
{
    char chunk[8192];
    ssize_t n;

    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
        if (buf_append(text, chunk, (size_t)n) < 0)
            return -CF_TOO_BIG;
    while (text->len > 0 && text->data[text->len - 1] == '\n')
        text->len--;
    return n < 0 ? -CF_IO : 0;
}

static int join_words(struct buf *text, int argc, char **argv)
{
    int rc = 0;

    if (argc == 0 || (argc == 1 && strcmp(argv[0], "-") == 0))
        return read_stdin(text);
    for (int i = 0; rc == 0 && i < argc; i++) {
        if (i > 0)
            rc = buf_append_byte(text, ' ');
        if (rc == 0)
            rc = buf_append_text(text, argv[i]);
    }
    return rc;
}

static int check_text(struct cli *c, const struct buf *text, int rc)
{
    if (rc == -CF_TOO_BIG)
        return cli_fail(c, EXIT_DATA, NULL, "a message has at most %d bytes",
                        LIMIT_BODY);
    if (rc < 0)
        return cli_fail(c, EXIT_INPUT_OUTPUT, NULL, "standard input: %s",
                        strerror(errno));
    if (text->len == 0)
        return cli_fail(c, EXIT_DATA, NULL, "there is nothing to send");
    if (!text_is_utf8(buf_span(text)))
        return cli_fail(c, EXIT_DATA, NULL, "the text is not UTF-8");
    return 0;
}

int text_body(struct cli *c, struct buf *body, int argc, char **argv)
{
    struct buf text;
    int rc;

    buf_init(&text, LIMIT_BODY);
    rc = join_words(&text, argc, argv);
    rc = check_text(c, &text, rc);
    if (rc == 0) {
        buf_append_byte(body, '{');
        enc_member_text(body, "text", buf_span(&text));
        buf_append_byte(body, '}');
        if (body->len > LIMIT_BODY)
            rc = cli_fail(c, EXIT_DATA, NULL, "the message is too long");
    }
    buf_release(&text);
    return rc;
}

int cmd_send(struct cli *c, int argc, char **argv)
{
    struct sending s = {.cli = c};
    struct options o = {0};
    int operands, rc;

    buf_init(&s.body, 2 * LIMIT_OBJECT);
    rc = cli_parse(c, command_named("send"), &o, &s.t, argc, argv, &operands);
    if (rc == 0 && operands < 1)
        rc = cli_fail(c, EXIT_USAGE, "confab help send",
                      "confab send CONV TEXT...");
    if (rc == 0)
        rc = text_body(c, &s.body, operands - 1, argv + 2);
    if (rc == 0) {
        s.conv_name = argv[1];
        c->g.timeout_ms = patience(c);
        rc = request_session(c, ready, on_event, &s);
        if (rc == EXIT_TIMEOUT && s.seq == 0)
            rc = cli_fail(c, EXIT_TRY_AGAIN, NULL,
                          s.queued ? "queued but not accepted yet: it goes out "
                                     "with the next connection"
                                   : "no answer in time");
    }
    buf_release(&s.body);
    options_release(&o);
    return rc;
}
