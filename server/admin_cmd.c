#include "admin_cmd.h"

#include <stdio.h>
#include <string.h>

#include "admin_audit.h"
#include "admin_server.h"
#include "admin_users.h"
#include "auth.h"
#include "base/mem.h"
#include "proto/encode.h"

#define ADMIN_FULL ((size_t)1024 * 1024)

/* ---- answers ---- */

void admin_done(struct admin_cmd *cmd)
{
    cmd->running = false;
    cmd->done(cmd);
}

void admin_answer(struct admin_cmd *cmd, struct span members)
{
    buf_append_text(&cmd->out, "{\"ok\":true");
    if (members.n > 0) {
        buf_append_byte(&cmd->out, ',');
        buf_append_span(&cmd->out, members);
    }
    buf_append_text(&cmd->out, "}\n");
    admin_done(cmd);
}

void admin_fail(struct admin_cmd *cmd, int status, const char *msg)
{
    if (!cmd->streaming) {
        cmd->status = status;
        buf_clear(&cmd->out);
    }
    buf_append_text(&cmd->out, "{\"ok\":false");
    enc_member_int(&cmd->out, "status", status);
    enc_member_text(&cmd->out, "msg", span_of(msg));
    buf_append_text(&cmd->out, "}\n");
    admin_done(cmd);
}

void admin_stream(struct admin_cmd *cmd)
{
    if (!cmd->gone)
        cmd->flush(cmd);
    cmd->streaming = true;
}

bool admin_full(const struct admin_cmd *cmd)
{
    return cmd->out.len >= ADMIN_FULL;
}

static int status_of(int rc)
{
    switch (-rc) {
    case CF_NOT_FOUND:
        return 404;
    case CF_EXISTS:
        return 409;
    case CF_INVALID:
    case CF_TOO_BIG:
    case CF_LIMIT: /* asking again does not help */
        return 400;
    default:
        return 503;
    }
}

void admin_fail_code(struct admin_cmd *cmd, int rc, const char *what)
{
    char text[256];

    snprintf(text, sizeof(text), "%s: %s", what, error_name(rc));
    admin_fail(cmd, status_of(rc), text);
}

const char *admin_arg(struct admin_cmd *cmd, int i)
{
    json_t *args = json_object_get(cmd->request, "args");

    return json_string_value(json_array_get(args, (size_t)i));
}

void admin_submit(struct admin_cmd *cmd, struct store_op *op)
{
    op->now = clock_wall(&cmd->server->clock.base);
    store_submit(cmd->server->port, op);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*run)(struct admin_cmd *cmd);
    bool audited;
} commands[] = {
    {"status", admin_status, false},
    {"drain", admin_drain, true},
    {"backup", admin_backup, true},
    {"user add", admin_user_add, true},
    {"user bulk", admin_user_bulk, true},
    {"user many", admin_user_many, true},
    {"user remove", admin_user_remove, true},
    {"user passwd", admin_user_passwd, true},
    {"token add", admin_token_add, true},
    {"token revoke", admin_token_revoke, true},
    {"invite", admin_invite, true},
    {"conv show", admin_conv_show, false},
    {"clock advance", admin_clock_advance, true},
    {"log", admin_log, true},
    {"audit", admin_audit, false},
};

void admin_cmd_run(struct admin_cmd *cmd, struct span body)
{
    struct error err = {0};
    const char *name = NULL;

    cmd->running = true;
    cmd->request = json_parse_bounded(body, 4, 200000, &err);
    if (cmd->request == NULL ||
        json_need_text(cmd->request, "cmd", &name, &err) < 0) {
        admin_fail(cmd, 400, err.text);
        return;
    }
    if (cmd->server->ending) {
        admin_fail(cmd, 503, "the server is ending");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (commands[i].audited)
            admin_audit_write(cmd, name);
        commands[i].run(cmd);
        return;
    }
    admin_fail(cmd, 404, "no such command; see confabd ctl help");
}

void admin_cmd_release(struct admin_cmd *cmd)
{
    const char *password;

    if (cmd->request == NULL)
        return;
    password = json_string_value(json_object_get(cmd->request, "password"));
    if (password != NULL) /* jansson's own memory, and nobody else's */
        auth_wipe((char *)password, strlen(password));
    json_decref(cmd->request);
    cmd->request = NULL;
}
