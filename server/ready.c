#include "ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "admin.h"
#include "proto/encode.h"

static int write_whole(const char *path, struct span text, struct error *err)
{
    char part[4096];
    int fd;
    bool ok;

    snprintf(part, sizeof(part), "%s.part", path);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(err, CF_IO, "%s: %s", part, strerror(errno));
    ok = write(fd, text.p, text.n) == (ssize_t)text.n;
    ok = close(fd) == 0 && ok;
    if (!ok || rename(part, path) < 0)
        return error_set(err, CF_IO, "%s: %s", path, strerror(errno));
    return 0;
}

int ready_write(struct server *s, struct error *err)
{
    struct buf b;
    int rc;

    if (s->settings.ready_file == NULL)
        return 0;
    buf_init(&b, 8192);
    buf_append_byte(&b, '{');
    enc_member_int(&b, "pid", getpid());
    enc_member_text(&b, "url", span_of(s->url));
    enc_member_text(&b, "tls", span_of(s->tls_url));
    enc_member_text(&b, "admin", span_of(admin_url(s)));
    enc_member_text(&b, "socket", span_of(admin_socket(s)));
    buf_append_text(&b, "}\n");
    rc = write_whole(s->settings.ready_file, buf_span(&b), err);
    buf_release(&b);
    return rc;
}
