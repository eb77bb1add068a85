/* status: from the archive alone, so that a status bar may ask often. */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>

#include "commands.h"
#include "out.h"
#include "proto/encode.h"
#include "tty.h"

struct status_target {
    const char *format;
};

const struct option status_options[] = {
    {.name = "format",
     .type = OPT_TEXT,
     .arg = "TEXT",
     .offset = offsetof(struct status_target, format),
     .help = "%u unread, %c conversations with unread, %o queued, %a account, "
             "%l link, %% a percent sign"},
    {.name = NULL},
};

struct counts {
    int64_t unread, convs, queued;
};

static bool count_conv(void *ctx, const struct archive_conv *row)
{
    struct counts *n = ctx;

    if (row->kind == CONV_SELF || row->head <= row->read)
        return true;
    n->unread += row->head - row->read;
    n->convs++;
    return true;
}

static bool count_out(void *ctx, const struct outbox_item *item)
{
    ((struct counts *)ctx)->queued++;
    return true;
}

/* Does a process hold the account now? */
static bool in_use(const struct profile *p)
{
    char path[4200];
    int fd;
    bool used;

    snprintf(path, sizeof(path), "%s/lock", p->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    used = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return used;
}

static void print_format(const char *format, const struct counts *n,
                         const struct profile *p, struct buf *b)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%' || at[1] == '\0') {
            buf_append_byte(b, *at);
            continue;
        }
        switch (*++at) {
        case 'u':
            buf_append_i64(b, n->unread);
            break;
        case 'c':
            buf_append_i64(b, n->convs);
            break;
        case 'o':
            buf_append_i64(b, n->queued);
            break;
        case 'a':
            buf_append_text(b, p->name);
            break;
        case 'l':
            buf_append_text(b, in_use(p) ? "open" : "closed");
            break;
        default:
            buf_append_byte(b, *at);
        }
    }
    buf_append_byte(b, '\n');
}

static void print(struct cli *c, const struct status_target *t,
                  const struct counts *n, const struct profile *p)
{
    struct buf b;

    buf_init(&b, 16384);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "status", clock_wall(clock_system()));
        enc_member_text(&b, "account", span_of(p->name));
        enc_member_text(&b, "server", span_of(p->server));
        enc_member_int(&b, "unread", n->unread);
        enc_member_int(&b, "conversations", n->convs);
        enc_member_int(&b, "queued", n->queued);
        enc_member_bool(&b, "open", in_use(p));
        out_json_end(c, &b);
    } else {
        print_format(t->format != NULL
                         ? t->format
                         : "%a: %u unread in %c conversations, %o queued, %l",
                     n, p, &b);
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

int cmd_status(struct cli *c, int argc, char **argv)
{
    struct status_target t = {0};
    struct profile p = {0};
    struct counts n = {0};
    struct options o = {0};
    struct archive *a;
    struct error err;
    int operands, rc;

    rc = cli_parse(c, command_named("status"), &o, &t, argc, argv, &operands);
    if (rc == 0)
        rc = profile_load(c, &p);
    if (rc == 0 && archive_open(&a, p.dir, &err) < 0)
        rc = cli_fail(c, EXIT_INPUT_OUTPUT, NULL, "%s", err.text);
    if (rc == 0) {
        archive_convs(a, count_conv, &n);
        archive_outbox(a, count_out, &n);
        archive_close(&a);
        print(c, &t, &n, &p);
    }
    options_release(&o);
    return rc;
}
