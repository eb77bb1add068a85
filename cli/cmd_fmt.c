/* confab fmt: conversation scripts in the one layout. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd_run.h"
#include "tty.h"

#define READ_SIZE (64 * 1024)

struct fmt_target {
    bool write, check;
};

const struct option fmt_options[] = {
    {.name = "write",
     .letter = 'w',
     .type = OPT_FLAG,
     .offset = offsetof(struct fmt_target, write),
     .help = "change the files instead of printing them"},
    {.name = "check",
     .type = OPT_FLAG,
     .offset = offsetof(struct fmt_target, check),
     .help = "change nothing; name the files that would, exit 1"},
    {.name = NULL},
};

/* "-" is standard input. An exit code. */
static int read_all(struct cli *c, const char *path, struct buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    int why = errno;
    char *to = NULL;

    while (n > 0) {
        to = buf_reserve(out, READ_SIZE);
        if (to == NULL)
            break;
        n = read(fd, to, READ_SIZE);
        why = errno;
        if (n < 0 && why == EINTR)
            n = 1;
        else if (n > 0)
            out->len += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return cli_fail(c, why == ENOENT ? EXIT_NO_INPUT : EXIT_INPUT_OUTPUT,
                        NULL, "%s: %s", path, strerror(why));
    return n == 0 ? 0
                  : cli_fail(c, EXIT_DATA, NULL, "%s: over %d bytes", path,
                             SCRIPT_MAX_BYTES);
}

/* Beside the file, then in its place: nobody ever sees half of it. */
static int write_back(struct cli *c, const char *path, struct span text)
{
    struct stat st;
    char other[4096];
    FILE *f;
    int fd;
    bool bad;

    snprintf(other, sizeof(other), "%s.XXXXXX", path);
    fd = stat(path, &st) == 0 ? mkstemp(other) : -1;
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL)
        return cli_fail(c, EXIT_CANT_CREATE, NULL, "%s: %s", path,
                        strerror(errno));
    bad = fwrite(text.p, 1, text.n, f) != text.n;
    bad = fchmod(fd, st.st_mode & 07777) < 0 || bad;
    bad = fclose(f) != 0 || bad;
    if (!bad && rename(other, path) == 0)
        return 0;
    (void)unlink(other);
    return cli_fail(c, EXIT_INPUT_OUTPUT, NULL, "%s: cannot write", path);
}

static void say_path(const char *path)
{
    struct buf b;

    buf_init(&b, 64 * 1024);
    tty_put_untrusted(&b, TEXT_LINE, span_of(path), 0);
    buf_append_byte(&b, '\n');
    tty_flush(&b, stdout);
    buf_release(&b);
}

static int format(struct cli *c, const struct fmt_target *t, const char *path,
                  struct buf *in, struct buf *out)
{
    struct error err = {0};
    int rc = read_all(c, path, in);

    if (rc != 0)
        return rc;
    if (script_format(out, path, buf_span(in), &err) < 0) {
        run_complain(err.text);
        return EXIT_DATA;
    }
    if (!t->write && !t->check) {
        (void)fwrite(out->data != NULL ? out->data : "", 1, out->len, stdout);
        return fflush(stdout) == 0 ? 0 : EXIT_INPUT_OUTPUT;
    }
    if (span_eq(buf_span(in), buf_span(out)))
        return 0;
    if (t->check) {
        say_path(path);
        return EXIT_NO;
    }
    return write_back(c, path, buf_span(out));
}

int cmd_fmt(struct cli *c, int argc, char **argv)
{
    struct fmt_target t = {0};
    struct options o = {0};
    int operands = 0;
    int rc = cli_parse(c, command_named("fmt"), &o, &t, argc, argv, &operands);

    if (rc == 0 && operands == 0)
        rc = cli_fail(c, EXIT_USAGE, "confab fmt --write FILE",
                      "which files? - is standard input");
    for (int i = 1; rc >= 0 && i <= operands; i++) {
        struct buf in, out;
        int one;

        buf_init(&in, SCRIPT_MAX_BYTES + READ_SIZE);
        buf_init(&out, 4 * SCRIPT_MAX_BYTES);
        one = format(c, &t, argv[i], &in, &out);
        if (one > rc)
            rc = one;
        buf_release(&in);
        buf_release(&out);
    }
    options_release(&o);
    return rc;
}
