/* conv list, create, info, add, remove, leave, rename, role. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "out.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "request.h"
#include "tty.h"

/* One command about one conversation: find it, find the users, ask. */
struct conv_work {
    struct cli *cli;
    enum frame_kind kind;
    const char *conv_name; /* NULL: none (create) */
    char **users;
    int user_count, next;
    bool list; /* users as "users":[...], not "user" */
    uint64_t conv;
    struct buf members;
    request_show_fn *show;
    void (*begin)(struct conv_work *w); /* instead of one request */
};

static void answered(void *ctx, const struct frame *f)
{
    struct conv_work *w = ctx;
    json_t *j = request_tree(w->cli, f);

    if (j == NULL)
        return;
    if (w->show != NULL)
        w->show(w->cli, j);
    json_decref(j);
    session_end(w->cli, EXIT_DONE);
}

static void send_it(struct conv_work *w)
{
    if (w->list)
        buf_append_byte(&w->members, ']');
    client_request(w->cli->client, w->kind, buf_span(&w->members), answered, w);
}

static void next_user(struct conv_work *w);

static void user_found(void *ctx, int rc, uint64_t user)
{
    struct conv_work *w = ctx;

    if (rc < 0) {
        session_end(w->cli, cli_fail(w->cli, exit_of(rc), NULL, "no user '%s'",
                                     w->users[w->next]));
        return;
    }
    if (w->list) {
        buf_append_text(&w->members, w->next > 0 ? ",\"" : "\"");
        id_write(&w->members, 'u', user);
        buf_append_byte(&w->members, '"');
    } else {
        enc_member_id(&w->members, "user", 'u', user);
    }
    w->next++;
    next_user(w);
}

static void next_user(struct conv_work *w)
{
    if (w->next < w->user_count)
        client_find_user(w->cli->client, w->users[w->next], user_found, w);
    else
        send_it(w);
}

static void begin_users(struct conv_work *w)
{
    if (w->list)
        buf_append_text(&w->members,
                        w->members.len > 0 ? ",\"users\":[" : "\"users\":[");
    next_user(w);
}

static void conv_found(void *ctx, int rc, uint64_t conv)
{
    struct conv_work *w = ctx;

    if (rc < 0) {
        session_end(w->cli, cli_fail(w->cli, exit_of(rc), "confab conv list",
                                     "no conversation '%s'", w->conv_name));
        return;
    }
    w->conv = conv;
    if (w->begin != NULL) {
        w->begin(w);
        return;
    }
    enc_member_id(&w->members, "conv", 'c', conv);
    begin_users(w);
}

static void ready(void *ctx)
{
    struct conv_work *w = ctx;

    if (w->conv_name != NULL)
        client_find_conv(w->cli->client, w->conv_name, false, conv_found, w);
    else
        begin_users(w);
}

/* Check the operands of the command and run it. least, most: operands. */
static int run(struct conv_work *w, const char *name, int least, int most,
               int argc, char **argv)
{
    const struct command *cmd = command_named(name);
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(w->cli, cmd, &o, NULL, argc, argv, &operands);
    options_release(&o);
    if (rc == 0 && (operands < least || operands > most))
        rc = cli_fail(w->cli, EXIT_USAGE, cmd->example, "confab %s %s", name,
                      cmd->args);
    if (rc != 0)
        return rc;
    if (w->conv_name == NULL && w->kind != FRAME_CONV_CREATE)
        w->conv_name = argv[1];
    rc = request_session(w->cli, ready, NULL, w);
    buf_release(&w->members);
    return rc;
}

/* ---- list: from the archive, after a sync ---- */

static bool list_one(void *ctx, const struct archive_conv *row)
{
    struct cli *c = ctx;
    struct buf b, name;

    if (row->kind == CONV_SELF || row->kind == 0)
        return true;
    buf_init(&b, 8192);
    buf_init(&name, 1024);
    out_conv_name(c, row->conv, &name);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "conv", clock_wall(clock_system()));
        enc_member_id(&b, "conv", 'c', row->conv);
        enc_member_text(&b, "name", buf_span(&name));
        enc_member_text(&b, "kind", span_of(conv_kind_name(row->kind)));
        enc_member_text(&b, "role", span_of(role_name(row->role)));
        enc_member_bool(&b, "encrypted", row->mode == MODE_E2EE);
        enc_member_int(&b, "head", row->head);
        enc_member_int(&b, "read", row->read);
        enc_member_int(&b, "unread",
                       row->head > row->read ? row->head - row->read : 0);
        out_json_end(c, &b);
    } else {
        id_write(&b, 'c', row->conv);
        buf_append_byte(&b, '\t');
        tty_put_untrusted(&b, TEXT_NAME, buf_span(&name), 0);
        buf_printf(
            &b, "\t%s\t%s\t%s\t%lld unread\n", conv_kind_name(row->kind),
            role_name(row->role),
            row->mode == MODE_E2EE ? "encrypted" : "not encrypted",
            (long long)(row->head > row->read ? row->head - row->read : 0));
        tty_flush(&b, stdout);
    }
    buf_release(&name);
    buf_release(&b);
    return true;
}

static void fenced(void *ctx, const struct frame *f)
{
    struct cli *c = ctx;

    archive_convs(client_archive(c->client), list_one, c);
    session_end(c, EXIT_DONE);
}

/* conv.list was asked for at the sync; a fence comes after its answer. */
static void list_ready(void *ctx)
{
    struct cli *c = ctx;

    client_request(c->client, FRAME_FENCE, (struct span){0}, fenced, c);
}

int cmd_conv_list(struct cli *c, int argc, char **argv)
{
    return request_session(c, list_ready, NULL, c);
}

/* ---- create ---- */

static void show_created(struct cli *c, const json_t *answer)
{
    const char *conv = json_string_value(json_object_get(answer, "conv"));
    struct buf b;

    buf_init(&b, 1024);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "conv", clock_wall(clock_system()));
        enc_member_text(&b, "conv", span_of(conv));
        enc_member_bool(&b, "encrypted", false);
        out_json_end(c, &b);
    } else {
        tty_put_untrusted(&b, TEXT_LINE, span_of(conv), 0);
        buf_append_byte(&b, '\n');
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

static void work_init(struct conv_work *w, struct cli *c, enum frame_kind kind)
{
    *w = (struct conv_work){.cli = c, .kind = kind};
    buf_init(&w->members, LIMIT_OBJECT);
}

int cmd_conv_create(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_CREATE);
    w.show = show_created;
    w.list = true;
    if (argc > 1) {
        if (strlen(argv[1]) > LIMIT_TITLE)
            return cli_fail(c, EXIT_DATA, NULL, "a title has at most %d bytes",
                            LIMIT_TITLE);
        enc_member_text(&w.members, "title", span_of(argv[1]));
        w.users = argv + 2;
        w.user_count = argc - 2;
    }
    return run(&w, "conv create", 1, LIMIT_USERS, argc, argv);
}

/* ---- info: pages of the roster, each with the names of its users ---- */

struct roster {
    struct conv_work *work;
    json_t *answer; /* the page that is shown once its names are known */
};

static struct roster roster;

static void show_member(struct cli *c, uint64_t user, const char *role)
{
    char name[LIMIT_NAME + 1];
    struct buf b;

    out_user_name(c, user, name);
    buf_init(&b, 8192);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "member", clock_wall(clock_system()));
        enc_member_id(&b, "user", 'u', user);
        enc_member_text(&b, "name", span_of(name));
        enc_member_text(&b, "role", span_of(role));
        out_json_end(c, &b);
    } else {
        tty_put_untrusted(&b, TEXT_NAME, span_of(name), 0);
        buf_append_byte(&b, '\t');
        tty_put_untrusted(&b, TEXT_LINE, span_of(role), 0);
        buf_append_byte(&b, '\n');
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

static uint64_t member_user(const json_t *one)
{
    const char *text = json_string_value(json_object_get(one, "user"));
    uint64_t user = 0;

    return text != NULL && id_parse(span_of(text), 'u', &user) ? user : 0;
}

static void ask_roster(struct conv_work *w, uint64_t after);

static void show_roster(void *ctx)
{
    struct roster *r = ctx;
    struct cli *c = r->work->cli;
    const json_t *one;
    uint64_t last = 0;
    size_t i;

    json_array_foreach(json_object_get(r->answer, "members"), i, one)
    {
        last = member_user(one);
        show_member(c, last, json_string_value(json_object_get(one, "role")));
    }
    if (json_is_true(json_object_get(r->answer, "more")) && last != 0)
        ask_roster(r->work, last);
    else
        session_end(c, EXIT_DONE);
}

static void roster_came(void *ctx, const struct frame *f)
{
    struct conv_work *w = ctx;
    uint64_t users[LIMIT_USERS];
    const json_t *one;
    int count = 0;
    size_t i;

    json_decref(roster.answer);
    roster = (struct roster){w, request_tree(w->cli, f)};
    json_array_foreach(json_object_get(roster.answer, "members"), i, one)
    {
        if (count < LIMIT_USERS)
            users[count++] = member_user(one);
    }
    if (roster.answer != NULL)
        client_learn_users(w->cli->client, users, count, show_roster, &roster);
}

static void ask_roster(struct conv_work *w, uint64_t after)
{
    buf_clear(&w->members);
    enc_member_id(&w->members, "conv", 'c', w->conv);
    if (after > 0)
        enc_member_id(&w->members, "after", 'u', after);
    client_request(w->cli->client, FRAME_CONV_MEMBERS, buf_span(&w->members),
                   roster_came, w);
}

static void begin_roster(struct conv_work *w)
{
    ask_roster(w, 0);
}

int cmd_conv_info(struct cli *c, int argc, char **argv)
{
    struct conv_work w;
    int rc;

    work_init(&w, c, FRAME_CONV_MEMBERS);
    w.begin = begin_roster;
    rc = run(&w, "conv info", 1, 1, argc, argv);
    json_decref(roster.answer);
    roster.answer = NULL;
    return rc;
}

/* ---- changes ---- */

int cmd_conv_add(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_ADD);
    w.list = true;
    w.users = argv + 2;
    w.user_count = argc - 2;
    return run(&w, "conv add", 2, LIMIT_USERS, argc, argv);
}

int cmd_conv_remove(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_REMOVE);
    w.users = argv + 2;
    w.user_count = 1;
    return run(&w, "conv remove", 2, 2, argc, argv);
}

int cmd_conv_leave(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_LEAVE);
    return run(&w, "conv leave", 1, 1, argc, argv);
}

int cmd_conv_rename(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_RENAME);
    if (argc > 2)
        enc_member_text(&w.members, "title", span_of(argv[2]));
    return run(&w, "conv rename", 2, 2, argc, argv);
}

int cmd_conv_role(struct cli *c, int argc, char **argv)
{
    struct conv_work w;

    work_init(&w, c, FRAME_CONV_ROLE);
    w.users = argv + 2;
    w.user_count = 1;
    if (argc > 3)
        enc_member_text(&w.members, "role", span_of(argv[3]));
    return run(&w, "conv role", 3, 3, argc, argv);
}
