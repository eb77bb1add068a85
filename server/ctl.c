#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fetch.h"
#include "base/help.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/limits.h"
#include "store/store.h"

/* Exit codes of sysexits.h. */
enum {
    USAGE = 64,
    NO_INPUT = 66,
    UNAVAILABLE = 69,
    TEMPORARY = 75,
    DENIED = 77
};

struct ctl {
    const char *socket, *data, *password_file;
    bool help, json;
};

#define AT(field) offsetof(struct ctl, field)

static const struct option table[] = {
    {.name = "socket",
     .letter = 's',
     .type = OPT_TEXT,
     .arg = "PATH",
     .env = "CONFABD_SOCKET",
     .offset = AT(socket),
     .help = "admin socket of the server"},
    {.name = "data",
     .letter = 'd',
     .type = OPT_TEXT,
     .arg = "DIR",
     .env = "CONFABD_DATA",
     .offset = AT(data),
     .help = "its data directory: the socket is DIR/admin.sock"},
    {.name = "password-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .offset = AT(password_file),
     .help = "password for user add and user passwd ('-': stdin)"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print the answer as it came"},
    {.name = "help",
     .letter = 'h',
     .type = OPT_FLAG,
     .offset = AT(help),
     .help = "show this help"},
    {.name = NULL},
};

static const struct {
    const char *name, *args, *help;
} commands[] = {
    {"status", "", "what the server is doing"},
    {"drain", "", "say bye to all, finish, end"},
    {"backup", "DIR", "copy the store into an empty directory, online"},
    {"restore", "BACKUP DATA", "make a data directory from a backup, offline"},
    {"user add", "NAME", "with a password, or else a token is printed"},
    {"user bulk", "PREFIX COUNT", "accounts with tokens, a JSON line each"},
    {"user many", "NAME ...", "accounts of these names, likewise"},
    {"user remove", "NAME", "the user and its data"},
    {"user passwd", "NAME", "a new password"},
    {"token add", "NAME", "a further device of the user; its token"},
    {"token revoke", "NAME [dN]", "one device, or all; closes its sockets"},
    {"invite", "[DAYS]", "an invitation for `registration = invite`"},
    {"conv show", "cN", "one conversation's numbers"},
    {"clock advance", "TIME [hold]", "only with --test-clock"},
    {"log", "LEVEL", "error, warn, info, debug"},
    {"audit", "", "the last 100 acts of administration"},
};

static bool command_at(int i, struct help_row *out)
{
    if (i == COUNT_OF(commands))
        return false;
    *out = (struct help_row){.name = commands[i].name,
                             .args = commands[i].args,
                             .help = commands[i].help};
    return true;
}

static const struct help_program program = {
    .name = "confabd ctl",
    .about = "usage: confabd ctl [OPTIONS] COMMAND [ARGUMENTS]\n\n"
             "  confabd ctl --data /var/lib/confabd status\n"
             "  confabd ctl --data D user add alice --password-file P\n\n"
             "commands:\n",
    .ending = "",
    .width = 26,
    .options = table,
    .row = command_at,
};

static void show_help(FILE *to)
{
    struct buf b;

    buf_init(&b, 16384);
    help_program(&b, &program);
    fwrite(b.data, 1, b.len, to);
    buf_release(&b);
}

/* The command that argv starts with; the words it takes go to *words. */
static const char *find_command(int argc, char **argv, int *words)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        const char *name = commands[i].name;
        const char *space = strchr(name, ' ');
        size_t n = space != NULL ? (size_t)(space - name) : strlen(name);

        if (strlen(argv[0]) != n || strncmp(argv[0], name, n) != 0)
            continue;
        *words = space != NULL ? 2 : 1;
        if (space == NULL || (argc > 1 && strcmp(argv[1], space + 1) == 0))
            return name;
    }
    return NULL;
}

static int read_password(const char *path, char *out, size_t size)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *ok;

    if (f == NULL) {
        fprintf(stderr, "confabd ctl: %s: %s\n", path, strerror(errno));
        return NO_INPUT;
    }
    ok = fgets(out, (int)size, f);
    if (f != stdin)
        fclose(f);
    if (ok == NULL) {
        fprintf(stderr, "confabd ctl: %s: no password in it\n", path);
        return NO_INPUT;
    }
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static json_t *make_request(const char *name, int argc, char **argv,
                            const char *password)
{
    json_t *args = json_array(), *j = json_object();

    for (int i = 0; i < argc; i++)
        json_array_append_new(args, json_string(argv[i]));
    json_object_set_new(j, "cmd", json_string(name));
    json_object_set_new(j, "args", args);
    if (password[0] != '\0')
        json_object_set_new(j, "password", json_string(password));
    return j;
}

/* "key: value" lines for a person. */
static void print_object(json_t *j)
{
    const char *key;
    json_t *value;

    json_object_foreach(j, key, value)
    {
        if (strcmp(key, "ok") == 0)
            continue;
        if (json_is_string(value))
            printf("%-14s %s\n", key, json_string_value(value));
        else if (json_is_integer(value))
            printf("%-14s %lld\n", key, (long long)json_integer_value(value));
        else
            printf("%-14s %s\n", key, json_is_true(value) ? "yes" : "no");
    }
}

static void show_message(json_t *j)
{
    const char *msg = json_string_value(json_object_get(j, "msg"));
    struct buf b;

    buf_init(&b, 4096);
    text_sanitise(&b, TEXT_LINE, span_of(msg != NULL ? msg : "no reason given"),
                  0, NULL);
    fprintf(stderr, "confabd ctl: %.*s\n", (int)b.len, b.data);
    buf_release(&b);
}

static int exit_code(long status)
{
    return status == 404   ? 67
           : status == 403 ? DENIED
           : status == 503 ? TEMPORARY
                           : USAGE;
}

static int show_answer(const struct fetch *f, bool raw)
{
    struct span text = buf_span(&f->answer);
    struct error err;
    json_t *j = json_parse(text, &err);
    int rc = 0;

    if (f->status != 200) {
        show_message(j);
        rc = exit_code(f->status);
    } else if (raw || j == NULL || json_object_get(j, "ok") == NULL) {
        fwrite(text.p, 1, text.n, stdout);
    } else {
        print_object(j);
    }
    if (j != NULL)
        json_decref(j);
    return rc;
}

/* A long answer: lines that are printed as they come, but for the last one of
 * a command that failed in the middle. */
struct lines {
    struct buf part; /* of a line */
    bool some;
    int rc; /* exit code of that last line */
};

static void line_end(struct lines *l)
{
    static const char failed[] = "{\"ok\":false";
    struct error err;
    json_t *j;

    l->some = true;
    if (l->part.len < sizeof(failed) - 1 ||
        memcmp(l->part.data, failed, sizeof(failed) - 1) != 0) {
        fwrite(l->part.data, 1, l->part.len, stdout);
        putchar('\n');
    } else if ((j = json_parse(buf_span(&l->part), &err)) != NULL) {
        show_message(j);
        l->rc =
            exit_code((long)json_integer_value(json_object_get(j, "status")));
        json_decref(j);
    }
    explicit_bzero(l->part.data, l->part.len);
    buf_clear(&l->part);
}

static int take_lines(void *ctx, struct span bytes)
{
    struct lines *l = ctx;

    for (size_t n; bytes.n > 0; bytes = span_make(bytes.p + n, bytes.n - n)) {
        const char *end = memchr(bytes.p, '\n', bytes.n);

        n = end != NULL ? (size_t)(end - bytes.p) : bytes.n;
        if (buf_append(&l->part, bytes.p, n) < 0)
            return -1;
        if (end != NULL) {
            line_end(l);
            n++;
        }
    }
    return 0;
}

static bool is_long(json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "cmd"));

    return strcmp(name, "user bulk") == 0 || strcmp(name, "user many") == 0;
}

static int no_answer(const struct fetch *f, const struct lines *l,
                     const struct error *err)
{
    if (l->some)
        fprintf(stderr, "confabd ctl: the answer was cut: %s\n", err->text);
    else
        fprintf(stderr,
                "confabd ctl: no server at %s: %s\n"
                "give --data DIR or --socket PATH of a running confabd\n",
                f->unix_socket, err->text);
    return UNAVAILABLE;
}

/* Passwords and tokens do not outlive their use. */
static void wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    buf_release(b);
}

static int talk(const struct ctl *c, json_t *request)
{
    char path[4096];
    struct error err = {0};
    struct lines lines = {.rc = 0};
    struct fetch f = {.url = "http://localhost/v1/ctl",
                      .unix_socket = c->socket,
                      .timeout_ms = 3600000,
                      .max = 64 * 1024 * 1024,
                      .sink = is_long(request) ? take_lines : NULL,
                      .sink_ctx = &lines};
    struct buf body;
    int rc;

    if (c->socket == NULL) {
        snprintf(path, sizeof(path), "%s/admin.sock",
                 c->data != NULL ? c->data : "/var/lib/confabd");
        f.unix_socket = path;
    }
    buf_init(&lines.part, 64 * 1024);
    buf_init(&body, 4 * 1024 * 1024);
    json_write(&body, request, false);
    f.body = buf_span(&body);
    rc = fetch_run(&f, &err);
    if (rc < 0)
        rc = no_answer(&f, &lines, &err);
    else if (lines.some)
        rc = lines.rc;
    else
        rc = show_answer(&f, c->json);
    wipe(&lines.part);
    wipe(&f.answer);
    wipe(&body);
    return rc;
}

static int restore(int argc, char **argv)
{
    struct error err = {0};

    if (argc != 2) {
        fputs("usage: confabd ctl restore BACKUP DATA\n", stderr);
        return USAGE;
    }
    if (store_sqlite_restore(argv[0], argv[1], &err) < 0) {
        fprintf(stderr, "confabd ctl: %s\n", err.text);
        return 74;
    }
    return 0;
}

static int run(const struct ctl *c, int argc, char **argv)
{
    char password[LIMIT_PASSWORD + 2] = "";
    int words = 0, rc;
    const char *name = find_command(argc, argv, &words);
    json_t *request;

    if (name == NULL) {
        fprintf(stderr,
                "confabd ctl: no command '%s'; `confabd ctl --help` lists "
                "them\n",
                argv[0]);
        return USAGE;
    }
    argc -= words;
    argv += words;
    if (strcmp(name, "restore") == 0)
        return restore(argc, argv);
    if (c->password_file != NULL) {
        rc = read_password(c->password_file, password, sizeof(password));
        if (rc != 0)
            return rc;
    }
    request = make_request(name, argc, argv, password);
    explicit_bzero(password, sizeof(password));
    rc = talk(c, request);
    json_decref(request);
    return rc;
}

int ctl_main(int argc, char **argv)
{
    struct ctl c = {0};
    struct options o = {0};
    struct error err = {0};
    int operands = 0;
    int rc = options_init(&o, table, &c, &err);

    if (rc == 0)
        rc = options_env(&o, &err);
    if (rc == 0)
        rc = options_args(&o, argc, argv, false, &operands, &err);
    if (rc < 0) {
        fprintf(stderr, "confabd ctl: %s\n", err.text);
        rc = USAGE;
    } else if (c.help || operands == 0 || strcmp(argv[1], "help") == 0) {
        show_help(c.help || operands > 0 ? stdout : stderr);
        rc = c.help || operands > 0 ? 0 : USAGE;
    } else {
        rc = run(&c, operands, argv + 1);
    }
    options_release(&o);
    return rc;
}
