#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fetch.h"
#include "commands.h"
#include "tty.h"

static void line(struct buf *b, bool good, const char *what, const char *value)
{
    tty_style(b, good ? STYLE_GREEN : STYLE_RED);
    buf_append_text(b, good ? "ok    " : "look  ");
    tty_style_end(b);
    buf_printf(b, "%-10s ", what);
    tty_put_untrusted(b, TEXT_LINE, span_of(value), 0);
    buf_append_byte(b, '\n');
}

static const char *env_or(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : "(not set)";
}

static void terminal(struct buf *b)
{
    char text[64];
    const char *locale = setlocale(LC_CTYPE, "");
    bool utf8 = locale != NULL && (strstr(locale, "UTF-8") != NULL ||
                                   strstr(locale, "utf8") != NULL);

    line(b, strcmp(env_or("TERM"), "(not set)") != 0, "TERM", env_or("TERM"));
    line(b, utf8, "locale", locale != NULL ? locale : "?");
    snprintf(text, sizeof(text), "%d columns, colours %s", tty_columns(),
             tty_colours() ? "on" : "off");
    line(b, true, "terminal", text);
}

static void paths(struct buf *b)
{
    static const char *const kinds[] = {"config", "data", "state", "runtime"};
    char path[4096];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool good = path_dir(kinds[i], path, sizeof(path)) == 0 &&
                    access(path, W_OK) == 0;

        line(b, good, kinds[i], path);
    }
}

/* Its answer to a request that needs a token: it is there and speaks HTTP. */
static void server(struct cli *c, struct buf *b, const struct profile *p)
{
    char url[600];
    struct error err = {0};
    struct fetch f = {.url = url, .ca_file = c->g.ca_file, .timeout_ms = 5000};
    const char *rest = strstr(p->server, "://");
    int rc;

    if (rest == NULL) {
        line(b, false, "server", "no server is known");
        return;
    }
    snprintf(url, sizeof(url), "http%s%s/v1/poll?wait=0",
             strncmp(p->server, "wss", 3) == 0 ? "s" : "", rest);
    rc = fetch_run(&f, &err);
    line(b, rc == 0 && (f.status == 401 || f.status == 204), "server",
         rc == 0 ? p->server : err.text);
    buf_release(&f.answer);
}

int cmd_doctor(struct cli *c, int argc, char **argv)
{
    struct profile p = {0};
    struct buf b;

    buf_init(&b, 65536);
    terminal(&b);
    paths(&b);
    tty_flush(&b, stdout);
    if (profile_load(c, &p) == 0) {
        line(&b, true, "account", p.name);
        server(c, &b, &p);
    }
    tty_flush(&b, stdout);
    buf_release(&b);
    return 0;
}
