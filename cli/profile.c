/* profile.c - accounts on this machine: where their files are, and what is in
 * them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "tty.h"

static const struct {
    const char *kind, *variable, *fallback;
} kinds[] = {
    {"config", "XDG_CONFIG_HOME", ".config"},
    {"data", "XDG_DATA_HOME", ".local/share"},
    {"state", "XDG_STATE_HOME", ".local/state"},
    {"cache", "XDG_CACHE_HOME", ".cache"},
    {"runtime", "XDG_RUNTIME_DIR", NULL},
};

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int make_dirs(char *path)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            *at = '/';
            return -CF_IO;
        }
        *at = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -CF_IO : 0;
}

int path_dir(const char *kind, char *out, size_t size)
{
    const char *home = env("HOME");
    int n = -1;

    if (env("CONFAB_HOME") != NULL) {
        n = snprintf(out, size, "%s/%s", env("CONFAB_HOME"), kind);
    } else {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            if (strcmp(kinds[i].kind, kind) != 0)
                continue;
            if (env(kinds[i].variable) != NULL)
                n = snprintf(out, size, "%s/confab", env(kinds[i].variable));
            else if (kinds[i].fallback != NULL && home != NULL)
                n = snprintf(out, size, "%s/%s/confab", home,
                             kinds[i].fallback);
            else
                n = snprintf(out, size, "/tmp/confab-%u", (unsigned)getuid());
        }
    }
    if (n < 0 || (size_t)n >= size)
        return -CF_TOO_BIG;
    return make_dirs(out);
}

static int account_dir(const char *name, char *out, size_t size)
{
    char data[2048];
    int rc = path_dir("data", data, sizeof(data));

    if (rc < 0)
        return rc;
    snprintf(out, size, "%s/%s", data, name);
    return 0;
}

static bool name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= LIMIT_NAME && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* ---- which account ---- */

int profile_list(struct cli *c,
                 bool (*fn)(void *ctx, const char *name, bool current),
                 void *ctx)
{
    char data[2048], current[64] = "", path[4096];
    struct dirent **found = NULL;
    int count = 0, n;
    FILE *f;

    if (path_dir("data", data, sizeof(data)) < 0)
        return 0;
    snprintf(path, sizeof(path), "%s/current", data);
    f = fopen(path, "re");
    if (f != NULL) {
        if (fgets(current, sizeof(current), f) != NULL)
            current[strcspn(current, "\n")] = '\0';
        fclose(f);
    }
    n = scandir(data, &found, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s/account", data, found[i]->d_name);
        if (name_ok(found[i]->d_name) && access(path, F_OK) == 0) {
            count++;
            if (fn != NULL && !fn(ctx, found[i]->d_name,
                                  strcmp(found[i]->d_name, current) == 0))
                fn = NULL;
        }
        free(found[i]);
    }
    free(found);
    return count;
}

struct choice {
    char name[LIMIT_NAME + 1], current[LIMIT_NAME + 1];
};

static bool choose(void *ctx, const char *name, bool current)
{
    struct choice *ch = ctx;

    snprintf(ch->name, sizeof(ch->name), "%s", name);
    if (current)
        snprintf(ch->current, sizeof(ch->current), "%s", name);
    return true;
}

int profile_use(struct cli *c, const char *name)
{
    char data[2048], path[4096];
    FILE *f;

    if (path_dir("data", data, sizeof(data)) < 0)
        return EXIT_CANT_CREATE;
    snprintf(path, sizeof(path), "%s/current", data);
    f = fopen(path, "we");
    if (f == NULL)
        return EXIT_CANT_CREATE;
    fprintf(f, "%s\n", name);
    return fclose(f) == 0 ? 0 : EXIT_CANT_CREATE;
}

static int choose_name(struct cli *c, char *out)
{
    struct choice ch = {.name = ""};
    int count;

    if (c->g.account != NULL) {
        if (!name_ok(c->g.account))
            return cli_fail(c, EXIT_USAGE, NULL, "no account can be named so");
        snprintf(out, LIMIT_NAME + 1, "%s", c->g.account);
        return 0;
    }
    count = profile_list(c, choose, &ch);
    if (count == 0)
        return cli_fail(c, EXIT_CONFIG,
                        "confab --server URL account register NAME",
                        "there is no account on this machine");
    if (ch.current[0] == '\0' && count > 1)
        return cli_fail(c, EXIT_CONFIG,
                        "confab account use NAME, or --account NAME",
                        "there are %d accounts and none is chosen", count);
    snprintf(out, LIMIT_NAME + 1, "%s",
             ch.current[0] != '\0' ? ch.current : ch.name);
    return 0;
}

/* ---- reading and writing ---- */

/* A file with a secret in it: refused when others can read it. */
static int read_secret(struct cli *c, const char *path, char *out, size_t size)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    bool ok;

    if (f == NULL)
        return cli_fail(c, EXIT_NO_INPUT, NULL, "%s: %s", path,
                        strerror(errno));
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_mode & 077) != 0) {
        char hint[4200];

        fclose(f);
        snprintf(hint, sizeof(hint), "chmod 600 %s", path);
        return cli_fail(c, EXIT_DENIED, hint, "%s: others can read it", path);
    }
    ok = fgets(out, (int)size, f) != NULL;
    fclose(f);
    if (!ok)
        return cli_fail(c, EXIT_DATA, NULL, "%s: it is empty", path);
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static void take_line(struct profile *p, char *line)
{
    char *value = strchr(line, '=');
    uint64_t id;

    if (value == NULL)
        return;
    *value++ = '\0';
    value[strcspn(value, "\n")] = '\0';
    if (strcmp(line, "server") == 0)
        snprintf(p->server, sizeof(p->server), "%s", value);
    else if (strcmp(line, "user") == 0)
        id_parse(span_of(value), 'u', &p->user);
    else if (strcmp(line, "dev") == 0 && id_parse(span_of(value), 'd', &id))
        p->dev = (uint32_t)id;
}

int profile_load(struct cli *c, struct profile *p)
{
    char path[4200], line[1024];
    FILE *f;
    int rc = choose_name(c, p->name);

    if (rc != 0)
        return rc;
    if (account_dir(p->name, p->dir, sizeof(p->dir)) < 0)
        return cli_fail(c, EXIT_CANT_CREATE, NULL, "no data directory: %s",
                        strerror(errno));
    snprintf(path, sizeof(path), "%s/account", p->dir);
    f = fopen(path, "re");
    if (f == NULL)
        return cli_fail(c, EXIT_CONFIG,
                        "confab account list, or confab account login NAME",
                        "there is no account '%s' on this machine", p->name);
    while (fgets(line, sizeof(line), f) != NULL)
        take_line(p, line);
    fclose(f);
    if (c->g.server != NULL)
        snprintf(p->server, sizeof(p->server), "%s", c->g.server);
    if (env("CONFAB_TOKEN") != NULL) {
        snprintf(p->token, sizeof(p->token), "%s", env("CONFAB_TOKEN"));
        return 0;
    }
    snprintf(path, sizeof(path), "%s/token", p->dir);
    return read_secret(
        c, env("CONFAB_TOKEN_FILE") != NULL ? env("CONFAB_TOKEN_FILE") : path,
        p->token, sizeof(p->token));
}

static int write_file(const char *dir, const char *name, const char *text)
{
    char path[4200], part[4220];
    size_t n = strlen(text);
    int fd;
    bool ok;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(part, sizeof(part), "%s.part", path);
    fd =
        open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -CF_IO;
    ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    return ok && rename(part, path) == 0 ? 0 : -CF_IO;
}

int profile_save(struct cli *c, const struct profile *p)
{
    struct profile copy = *p;
    char text[1024];

    if (account_dir(copy.name, copy.dir, sizeof(copy.dir)) < 0 ||
        make_dirs(copy.dir) < 0)
        return cli_fail(c, EXIT_CANT_CREATE, NULL, "%s: %s", copy.dir,
                        strerror(errno));
    snprintf(text, sizeof(text), "%s\n", copy.token);
    if (write_file(copy.dir, "token", text) < 0)
        return cli_fail(c, EXIT_CANT_CREATE, NULL, "%s/token: %s", copy.dir,
                        strerror(errno));
    snprintf(text, sizeof(text), "server=%s\nuser=u%llu\ndev=d%u\n",
             copy.server, (unsigned long long)copy.user, copy.dev);
    if (write_file(copy.dir, "account", text) < 0)
        return cli_fail(c, EXIT_CANT_CREATE, NULL, "%s/account: %s", copy.dir,
                        strerror(errno));
    return 0;
}

int profile_password(struct cli *c, const char *file, int fd, char *out,
                     size_t size)
{
    int rc;

    if (file == NULL)
        file = env("CONFAB_PASSWORD_FILE");
    if (file != NULL)
        return read_secret(c, file, out, size);
    if (fd >= 0) {
        FILE *f = fdopen(fd, "r");

        if (f == NULL || fgets(out, (int)size, f) == NULL)
            return cli_fail(c, EXIT_NO_INPUT, NULL, "no password on %d", fd);
        out[strcspn(out, "\r\n")] = '\0';
        return 0;
    }
    rc = tty_password("Password: ", out, size);
    if (rc == 0)
        return 0;
    return cli_fail(c, EXIT_USAGE, "--password-file FILE, or --password-fd N",
                    "there is no terminal to ask for the password");
}
