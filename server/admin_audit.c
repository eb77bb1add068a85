#include "admin_audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "proto/encode.h"

#define LINES 100

struct audit {
    struct store_op op;
    struct audit_row row;
};

static void written(struct store_op *op)
{
    struct audit *a = op->ctx;

    if (op->rc < 0)
        log_warn("audit line not stored: %s", error_name(op->rc));
    store_op_release(op);
    free(a);
}

void admin_audit_write(struct admin_cmd *cmd, const char *name)
{
    struct audit *a = mem_alloc(sizeof(*a));
    const char *about = admin_arg(cmd, 0);

    a->row.ts = clock_wall(&cmd->server->clock.base);
    snprintf(a->row.who, sizeof(a->row.who), "%s", cmd->by);
    snprintf(a->row.what, sizeof(a->row.what), "%s", name);
    snprintf(a->row.about, sizeof(a->row.about), "%s",
             about != NULL ? about : "");
    log_info("admin: %s by %s: %s", a->row.what, a->row.who, a->row.about);
    store_op_init(&a->op, STORE_AUDIT, written, a);
    a->op.audits = &a->row;
    a->op.audit_count = 1;
    admin_submit(cmd, &a->op);
}

static void was_read(struct store_op *op)
{
    struct admin_cmd *cmd = op->ctx;
    char when[32];

    for (int i = 0; i < op->audit_count && op->rc >= 0; i++) {
        struct audit_row *row = &op->audits[i];

        clock_format_rfc3339(row->ts, when);
        buf_append_byte(&cmd->out, '{');
        enc_member_text(&cmd->out, "ts", span_of(when));
        enc_member_text(&cmd->out, "who", span_of(row->who));
        enc_member_text(&cmd->out, "what", span_of(row->what));
        enc_member_text(&cmd->out, "about", span_of(row->about));
        buf_append_text(&cmd->out, "}\n");
    }
    if (op->rc < 0)
        admin_fail_code(cmd, op->rc, "audit log");
    else
        admin_done(cmd);
    store_op_release(op);
    free(op);
}

void admin_audit(struct admin_cmd *cmd)
{
    struct store_op *op = mem_alloc(sizeof(*op));

    store_op_init(op, STORE_AUDIT_READ, was_read, cmd);
    op->limit = LINES;
    admin_submit(cmd, op);
}
