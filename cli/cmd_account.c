#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "commands.h"
#include "out.h"
#include "proto/encode.h"
#include "proto/ids.h"
#include "request.h"
#include "tty.h"

struct account_target {
    const char *password_file, *device, *invite;
    int64_t password_fd;
};

#define AT(field) offsetof(struct account_target, field)

const struct option account_options[] = {
    {.name = "password-file",
     .type = OPT_TEXT,
     .arg = "FILE",
     .env = "CONFAB_PASSWORD_FILE",
     .offset = AT(password_file),
     .help = "read the password from FILE (mode 0600)"},
    {.name = "password-fd",
     .type = OPT_INT,
     .arg = "N",
     .preset = "-1",
     .min = -1,
     .max = 1024,
     .offset = AT(password_fd),
     .help = "read the password from descriptor N"},
    {.name = "device",
     .type = OPT_TEXT,
     .arg = "NAME",
     .offset = AT(device),
     .help = "what to call this device (default: the host's name)"},
    {.name = "invite",
     .type = OPT_TEXT,
     .arg = "CODE",
     .offset = AT(invite),
     .help = "an invitation, where registration needs one"},
    {.name = NULL},
};

/* ---- register and login ---- */

static int exit_of_http(int rc)
{
    switch (-rc) {
    case CF_NOT_FOUND:
        return EXIT_NO_HOST;
    case CF_DENIED:
    case CF_BLOCKED:
        return EXIT_DENIED;
    case CF_EXISTS:
    case CF_INVALID:
        return EXIT_DATA;
    case CF_BUSY:
        return EXIT_TRY_AGAIN;
    default:
        return EXIT_UNREACHABLE;
    }
}

static void host_name(char *out, size_t size)
{
    if (gethostname(out, size) < 0)
        snprintf(out, size, "unnamed");
    out[size - 1] = '\0';
}

static void say_account(struct cli *c, const struct profile *p)
{
    struct buf b;

    buf_init(&b, 4096);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "account", clock_wall(clock_system()));
        enc_member_text(&b, "name", span_of(p->name));
        enc_member_id(&b, "user", 'u', p->user);
        enc_member_id(&b, "dev", 'd', p->dev);
        enc_member_text(&b, "server", span_of(p->server));
        out_json_end(c, &b);
    } else {
        buf_printf(&b, "%s\tu%llu\td%u\n", p->name, (unsigned long long)p->user,
                   p->dev);
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

static int enter(struct cli *c, const char *name, bool make,
                 const struct account_target *t)
{
    char password[LIMIT_PASSWORD + 2], device[65];
    struct account_answer answer = {0};
    struct error err = {0};
    struct profile p = {0};
    int rc;

    if (c->g.server == NULL)
        return cli_fail(c, EXIT_USAGE, "--server ws://HOST:PORT",
                        "which server?");
    rc = profile_password(c, t->password_file, (int)t->password_fd, password,
                          sizeof(password));
    if (rc != 0)
        return rc;
    host_name(device, sizeof(device));
    rc = make ? account_register(c->g.server, name, span_of(password),
                                 t->device != NULL ? t->device : device,
                                 t->invite, c->g.ca_file, &answer, &err)
              : account_login(c->g.server, name, span_of(password),
                              t->device != NULL ? t->device : device,
                              c->g.ca_file, &answer, &err);
    explicit_bzero(password, sizeof(password));
    if (rc < 0)
        return cli_fail(c, exit_of_http(rc), NULL, "%s", err.text);
    snprintf(p.name, sizeof(p.name), "%s", name);
    snprintf(p.server, sizeof(p.server), "%s", c->g.server);
    snprintf(p.token, sizeof(p.token), "%s", answer.token);
    p.user = answer.user;
    p.dev = answer.dev;
    rc = profile_save(c, &p);
    if (rc == 0)
        say_account(c, &p);
    explicit_bzero(&answer, sizeof(answer));
    return rc;
}

static int enter_command(struct cli *c, const char *which, bool make, int argc,
                         char **argv)
{
    struct account_target t = {0};
    struct options o = {0};
    int operands, rc;

    rc = cli_parse(c, command_named(which), &o, &t, argc, argv, &operands);
    if (rc == 0 && operands != 1)
        rc = cli_fail(c, EXIT_USAGE, NULL, "confab %s NAME", which);
    if (rc == 0)
        rc = enter(c, argv[1], make, &t);
    options_release(&o);
    return rc;
}

int cmd_account_register(struct cli *c, int argc, char **argv)
{
    return enter_command(c, "account register", true, argc, argv);
}

int cmd_account_login(struct cli *c, int argc, char **argv)
{
    return enter_command(c, "account login", false, argc, argv);
}

int cmd_account_logout(struct cli *c, int argc, char **argv)
{
    struct profile p = {0};
    struct error err = {0};
    char path[4200];
    int rc = profile_load(c, &p);

    if (rc != 0)
        return rc;
    rc = account_logout(p.server, p.token, c->g.ca_file, &err);
    if (rc < 0 && rc != -CF_DENIED)
        return cli_fail(c, exit_of_http(rc), NULL, "%s", err.text);
    snprintf(path, sizeof(path), "%s/token", p.dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/account", p.dir);
    unlink(path); /* the archive stays: it is the person's own */
    return 0;
}

/* ---- list and use ---- */

static bool list_one(void *ctx, const char *name, bool current)
{
    struct cli *c = ctx;
    struct buf b;

    buf_init(&b, 512);
    if (c->format == OUTPUT_JSON) {
        out_json_begin(&b, "account", clock_wall(clock_system()));
        enc_member_text(&b, "name", span_of(name));
        enc_member_bool(&b, "current", current);
        out_json_end(c, &b);
    } else {
        buf_printf(&b, "%s%s\n", current ? "* " : "  ", name);
        tty_flush(&b, stdout);
    }
    buf_release(&b);
    return true;
}

int cmd_account_list(struct cli *c, int argc, char **argv)
{
    if (profile_list(c, list_one, c) == 0 && c->format == OUTPUT_HUMAN)
        fputs("no account yet; try: confab --server URL account register "
              "NAME\n",
              stderr);
    return 0;
}

struct seek {
    const char *name;
    bool found;
};

static bool seek_one(void *ctx, const char *name, bool current)
{
    struct seek *s = ctx;

    s->found = s->found || strcmp(name, s->name) == 0;
    return true;
}

int cmd_account_use(struct cli *c, int argc, char **argv)
{
    struct seek s = {.name = argc > 1 ? argv[1] : ""};

    if (argc != 2)
        return cli_fail(c, EXIT_USAGE, "confab account list",
                        "confab account use NAME");
    profile_list(c, seek_one, &s);
    if (!s.found)
        return cli_fail(c, EXIT_CONFIG, "confab account list",
                        "there is no account '%s' on this machine", s.name);
    return profile_use(c, s.name);
}

/* ---- devices ---- */

struct devices_target {
    const char *revoke, *rename;
};

const struct option devices_options[] = {
    {.name = "revoke",
     .type = OPT_TEXT,
     .arg = "dN",
     .offset = offsetof(struct devices_target, revoke),
     .help = "end this device's access now"},
    {.name = "rename",
     .type = OPT_TEXT,
     .arg = "NAME",
     .offset = offsetof(struct devices_target, rename),
     .help = "another name for this device"},
    {.name = NULL},
};

static void show_devices(struct cli *c, const json_t *answer)
{
    const json_t *one;
    struct buf b;
    size_t i;

    buf_init(&b, 64 * 1024);
    json_array_foreach(json_object_get(answer, "devices"), i, one)
    {
        const char *dev = json_string_value(json_object_get(one, "dev"));
        const char *name = json_string_value(json_object_get(one, "name"));
        bool current = json_is_true(json_object_get(one, "current"));

        if (c->format == OUTPUT_JSON) {
            out_json_begin(&b, "device", clock_wall(clock_system()));
            enc_member_text(&b, "dev", span_of(dev));
            enc_member_text(&b, "name", span_of(name));
            enc_member_bool(&b, "current", current);
            out_json_end(c, &b);
            continue;
        }
        tty_put_untrusted(&b, TEXT_LINE, span_of(dev), 0);
        buf_append_byte(&b, '\t');
        tty_put_untrusted(&b, TEXT_LINE, span_of(name), 0);
        buf_append_text(&b, current ? "\t(this one)\n" : "\n");
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

int cmd_account_devices(struct cli *c, int argc, char **argv)
{
    struct devices_target t = {0};
    struct options o = {0};
    struct buf members;
    int operands, rc;
    uint64_t dev;

    rc = cli_parse(c, command_named("account devices"), &o, &t, argc, argv,
                   &operands);
    if (rc != 0) {
        options_release(&o);
        return rc;
    }
    buf_init(&members, 1024);
    if (t.revoke != NULL && !id_parse(span_of(t.revoke), 'd', &dev)) {
        rc =
            cli_fail(c, EXIT_USAGE, "confab account devices", "a device is dN");
    } else if (t.revoke != NULL) {
        enc_member_id(&members, "dev", 'd', dev);
        rc = request_once(c, FRAME_USER_REVOKE, &members, NULL);
    } else if (t.rename != NULL) {
        request_own_device(c, &members);
        enc_member_text(&members, "name", span_of(t.rename));
        rc = request_once(c, FRAME_USER_DEVICE, &members, NULL);
    } else {
        rc = request_once(c, FRAME_USER_DEVICES, &members, show_devices);
    }
    buf_release(&members);
    options_release(&o);
    return rc;
}

/* ---- delete and export ---- */

struct delete_target {
    bool yes;
};

const struct option delete_options[] = {
    {.name = "yes",
     .type = OPT_FLAG,
     .offset = offsetof(struct delete_target, yes),
     .help = "do it without asking"},
    {.name = NULL},
};

int cmd_account_delete(struct cli *c, int argc, char **argv)
{
    struct delete_target t = {0};
    struct options o = {0};
    struct profile p = {0};
    struct buf members;
    int operands, rc;

    rc = cli_parse(c, command_named("account delete"), &o, &t, argc, argv,
                   &operands);
    options_release(&o);
    if (rc != 0)
        return rc;
    if (!t.yes)
        return cli_fail(c, EXIT_USAGE, "confab account delete --yes",
                        "this deletes the account and its data for good");
    rc = profile_load(c, &p);
    if (rc != 0)
        return rc;
    buf_init(&members, 256);
    enc_member_text(&members, "name", span_of(p.name));
    rc = request_once(c, FRAME_USER_DELETE, &members, NULL);
    buf_release(&members);
    return rc;
}

static void show_rows(struct cli *c, const json_t *answer)
{
    const json_t *row;
    struct buf b;
    size_t i;

    buf_init(&b, 4 * 1024 * 1024);
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        json_write(&b, row, tty_is_terminal());
        buf_append_byte(&b, '\n');
        tty_flush(&b, stdout);
    }
    buf_release(&b);
}

int cmd_account_export(struct cli *c, int argc, char **argv)
{
    return request_pages(c, FRAME_USER_EXPORT, show_rows);
}
