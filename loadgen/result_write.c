#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "result.h"

static int failed(const char *path, struct error *err)
{
    int code = errno == ENOSPC || errno == EDQUOT ? CF_FULL : CF_IO;

    return error_set(err, code, "cannot write %s: %s", path, strerror(errno));
}

static int put(FILE *f, const char *path, struct span text, struct error *err)
{
    if (fwrite(text.p, 1, text.n, f) != text.n || fflush(f) != 0)
        return failed(path, err);
    return 0;
}

static int put_into(const char *file, const char *path, struct span text,
                    struct error *err)
{
    FILE *f = fopen(file, "we");
    int r;

    if (f == NULL)
        return failed(path, err);
    r = put(f, path, text, err);
    if (fclose(f) != 0 && r == 0)
        r = failed(path, err);
    return r;
}

static int put_beside(const char *path, const char *beside, struct span text,
                      struct error *err)
{
    int r = put_into(beside, path, text, err);

    if (r == 0 && rename(beside, path) != 0)
        r = failed(path, err);
    if (r < 0)
        (void)unlink(beside);
    return r;
}

/* A device or a pipe is written into, never replaced. */
static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int result_write_text(const char *path, struct span text, struct error *err)
{
    char beside[4096];

    if (strcmp(path, "-") == 0)
        return put(stdout, "standard output", text, err);
    if (is_special(path))
        return put_into(path, path, text, err);
    if (snprintf(beside, sizeof(beside), "%s.%d.new", path, (int)getpid()) >=
        (int)sizeof(beside))
        return error_set(err, CF_TOO_BIG, "the path is too long: %.60s...",
                         path);
    return put_beside(path, beside, text, err);
}

int result_write(const char *path, const json_t *doc, struct error *err)
{
    struct buf text;
    int r;

    buf_init(&text, RESULT_FILE);
    r = json_write(&text, doc, false);
    if (r == 0)
        r = buf_append_byte(&text, '\n');
    if (r < 0)
        (void)error_set(err, CF_TOO_BIG, "the result is larger than %d MiB",
                        RESULT_FILE >> 20);
    else
        r = result_write_text(path, buf_span(&text), err);
    buf_release(&text);
    return r;
}
