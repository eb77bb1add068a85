/* The command line and the port of a server of our own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "fixture_priv.h"

const char *fixture_argument(const char *const *argv, const char *name)
{
    size_t n = strlen(name);

    for (int i = 1; argv[i] != NULL; i++) {
        if (strncmp(argv[i], name, n) != 0)
            continue;
        if (argv[i][n] == '=')
            return argv[i] + n + 1;
        if (argv[i][n] == '\0')
            return argv[i + 1] != NULL ? argv[i + 1] : "";
    }
    return NULL;
}

/* A program without a slash is looked for beside our own one first. */
static char *find_program(const char *name)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    if (strchr(name, '/') != NULL || n <= 0)
        return mem_text(name);
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL ||
        (size_t)(slash + 1 - path) + strlen(name) + 1 > sizeof(path))
        return mem_text(name);
    memcpy(slash + 1, name, strlen(name) + 1);
    return mem_text(access(path, X_OK) == 0 ? path : name);
}

/* ---- the port ---- */

/* A bound socket that does not listen: nobody gets the port by chance while
 * the server is down, and confabd, which sets SO_REUSEADDR too, may bind to
 * it. */
int fixture_hold_port(struct fixture *f, struct error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int one = 1;

    f->hold = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->hold < 0 ||
        setsockopt(f->hold, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(f->hold, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        getsockname(f->hold, (struct sockaddr *)&at, &len) < 0)
        return error_set(err, CF_IO, "no port on 127.0.0.1: %s",
                         strerror(errno));
    f->port = ntohs(at.sin_port);
    return 0;
}

/* ---- the command line ---- */

static void add(struct fixture *f, int *n, const char *text)
{
    f->argv[(*n)++] = mem_text(text);
}

/* "--name VALUE" unless the script says it; VALUE may be NULL. */
static void add_default(struct fixture *f, int *n, const char *const *given,
                        const char *name, const char *value)
{
    if (fixture_argument(given, name) != NULL)
        return;
    add(f, n, name);
    if (value != NULL)
        add(f, n, value);
}

static void add_ours(struct fixture *f, int *n, const char *const *given,
                     const struct fixture_config *cfg)
{
    char listen[32], nodes[16];

    snprintf(listen, sizeof(listen), "127.0.0.1:%d", f->port);
    snprintf(nodes, sizeof(nodes), "%d", cfg->nodes);
    add_default(f, n, given, "--dev", NULL);
    add_default(f, n, given, "--test-clock", NULL);
    if (cfg->quiet_budgets)
        add_default(f, n, given, "--no-budgets", NULL);
    if (cfg->nodes > 0)
        add_default(f, n, given, "--nodes", nodes);
    if (!f->heard)
        add_default(f, n, given, "--listen", listen);
    add_default(f, n, given, "--data", f->data);
    add_default(f, n, given, "--drain", "5s");
    add_default(f, n, given, "--fold", "20ms"); /* tests wait for receipts */
    add(f, n, "--ready-file");
    add(f, n, f->ready);
}

void fixture_make_argv(struct fixture *f, const struct fixture_config *cfg)
{
    static const char *const preset[] = {"confabd", NULL};
    bool said = cfg->argv != NULL && cfg->argv[0] != NULL;
    const char *const *given = said ? cfg->argv : preset;
    int count = 0, n = 0;

    while (given[count] != NULL)
        count++;
    f->argv = mem_array((size_t)(count + cfg->nmore) + 20, sizeof(*f->argv));
    f->argv[n++] = find_program(given[0]);
    for (int i = 1; i < count; i++)
        if (!f->ours || strncmp(given[i], "--ready-file", 12) != 0)
            add(f, &n, given[i]);
    if (!f->ours)
        return;
    for (int i = 0; i < cfg->nmore; i++)
        add(f, &n, cfg->more[i]);
    add_ours(f, &n, given, cfg);
}
