#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "address.h"
#include "core/sabotage.h"
#include "listen.h"
#include "proto/limits.h"

#define AT(field) offsetof(struct settings, field)
#define ROW(n, t, a, ...)                                 \
    {                                                     \
        .name = (n), .type = (t), .arg = (a), __VA_ARGS__ \
    }

const struct option settings_table[] = {
    ROW("listen", OPT_LIST, "ADDR:PORT", .letter = 'l', .in_file = true,
        .offset = AT(listen),
        .help = "serve plain WebSocket and HTTP here (default 127.0.0.1:7000)"),
    ROW("listen-tls", OPT_LIST, "ADDR:PORT", .in_file = true,
        .offset = AT(listen_tls), .help = "serve TLS here"),
    ROW("certificate", OPT_TEXT, "FILE", .in_file = true,
        .offset = AT(certificate), .help = "certificate chain for TLS, PEM"),
    ROW("key", OPT_TEXT, "FILE", .in_file = true, .offset = AT(key),
        .help = "private key for TLS, PEM"),
    ROW("admin", OPT_TEXT, "ADDR:PORT", .in_file = true, .offset = AT(admin),
        .help = "serve /healthz, /readyz, /metrics here too (loopback); "
                "DATA/admin.sock is always served"),
    ROW("data", OPT_TEXT, "DIR", .letter = 'd', .in_file = true,
        .offset = AT(data), .help = "directory of the store"),
    ROW("config", OPT_TEXT, "FILE", .letter = 'c', .env = "CONFABD_CONFIG",
        .offset = AT(config), .help = "read options from FILE"),
    ROW("ready-file", OPT_TEXT, "FILE", .offset = AT(ready_file),
        .help = "write pid, url and admin there as JSON once it serves"),
    ROW("nodes", OPT_INT, "N", .letter = 'n', .in_file = true, .max = 1000,
        .offset = AT(nodes),
        .help = "threads with connections (default: one a processor)"),
    ROW("connections", OPT_INT, "N", .in_file = true, .max = 10000000,
        .offset = AT(connections),
        .help = "make room for N connections; adds nodes when needed"),
    ROW("per-address", OPT_INT, "N", .in_file = true, .preset = "50", .min = 1,
        .max = 1000000, .offset = AT(per_address),
        .help = "connections before login from one address"),
    ROW("registration", OPT_CHOICE, "WHO", .in_file = true, .preset = "closed",
        .choices = "open|invite|closed", .offset = AT(registration),
        .help = "who may register"),
    ROW("origin", OPT_LIST, "URL", .in_file = true, .offset = AT(origins),
        .help = "let browsers in from this Origin; may repeat"),
    ROW("trusted-proxy", OPT_LIST, "ADDR", .in_file = true,
        .offset = AT(trusted_proxies),
        .help = "believe X-Forwarded-For from this address; may repeat"),
    ROW("store", OPT_CHOICE, "NAME", .in_file = true, .preset = "sqlite",
        .choices = "sqlite", .offset = AT(store), .help = "where data lives"),
    ROW("durability", OPT_CHOICE, "CLASS", .in_file = true, .preset = "fsync",
        .choices = "fsync|async", .offset = AT(durability),
        .help = "what `sent` promises: synced to disk, or written"),
    ROW("live-members", OPT_INT, "N", .in_file = true, .preset = "512",
        .min = 1, .max = LIMIT_LIVE_MEMBERS * 8, .offset = AT(live_members),
        .help = "push entries to every member up to N members"),
    ROW("drain", OPT_DURATION, "TIME", .in_file = true, .preset = "120s",
        .min = 1, .max = 3600000, .offset = AT(drain_ms),
        .help = "hard stop of a drain after TIME"),
    ROW("dev", OPT_FLAG, NULL, .offset = AT(dev),
        .help = "for trying out: loopback, free port, open registration, "
                "throw-away data unless --data"),
    ROW("fold", OPT_DURATION, "TIME", .in_file = true, .preset = "1s", .min = 1,
        .max = 60000, .offset = AT(fold_ms),
        .help = "gather counts of groups and presence for TIME, and "
                "acknowledgements when there are many"),
    ROW("test-clock", OPT_FLAG, NULL, .offset = AT(test_clock),
        .help = "let `ctl clock advance` move the clock"),
    ROW("no-budgets", OPT_FLAG, NULL, .offset = AT(no_budgets),
        .help = "no limits on the rate of a user (load tests)"),
    ROW("record", OPT_TEXT, "DIR", .offset = AT(record),
        .help = "write each conversation that begins as a script there"),
    ROW("log-level", OPT_CHOICE, "LEVEL", .in_file = true, .preset = "info",
        .choices = "error|warn|info|debug", .offset = AT(log_level),
        .help = "what to log on stderr"),
    ROW("log-format", OPT_CHOICE, "FORMAT", .in_file = true, .preset = "text",
        .choices = "text|json", .offset = AT(log_format),
        .help = "lines of text or of JSON"),
#ifdef CONFAB_SABOTAGE
    ROW("sabotage", OPT_TEXT, "NAME", .offset = AT(sabotage),
        .help = "test builds: take a control out, to see tests fail"),
#endif
    ROW("help", OPT_FLAG, NULL, .letter = 'h', .offset = AT(help),
        .help = "show this help"),
    ROW("version", OPT_FLAG, NULL, .letter = 'V', .offset = AT(version),
        .help = "show the version"),
    {.name = NULL},
};

void settings_dev(struct settings *s, struct options *o)
{
    struct error err;

    if (s->listen.count == 0 && s->listen_tls.count == 0)
        options_set(o, "listen", "127.0.0.1:0", FROM_DEFAULT, &err);
    if (options_origin(o, "registration") == FROM_DEFAULT)
        options_set(o, "registration", "open", FROM_DEFAULT, &err);
}

static int check(struct settings *s, struct error *err)
{
    if (s->listen_tls.count > 0 && (s->certificate == NULL || s->key == NULL))
        return error_set(err, CF_INVALID,
                         "--listen-tls needs --certificate and --key");
    if (s->data == NULL && !s->dev)
        return error_set(err, CF_INVALID,
                         "no data directory: give --data DIR, or --dev to try "
                         "things out");
    for (int i = 0; i < s->trusted_proxies.count; i++)
        if (!address_is_valid(s->trusted_proxies.items[i]))
            return error_set(err, CF_INVALID,
                             "--trusted-proxy '%s' is not an IPv4 or IPv6 "
                             "address",
                             s->trusted_proxies.items[i]);
    if (s->live_members > LIMIT_LIVE_MEMBERS * 8)
        return error_set(err, CF_INVALID, "--live-members is too large");
    return 0;
}

int settings_read(struct settings *s, struct options *o, int argc, char **argv,
                  struct error *err)
{
    int operands = 0;
    int rc = options_init(o, settings_table, s, err);

    if (rc == 0)
        rc = options_env(o, err);
    if (rc == 0)
        rc = options_args(o, argc, argv, false, &operands, err);
    if (rc == 0 && operands > 0)
        return error_set(err, CF_INVALID,
                         "'%s' is not an option; `confabd ctl` commands go to "
                         "a running server, see confabd --help",
                         argv[1]);
    if (rc < 0 || s->help || s->version)
        return rc;
    if (s->config != NULL)
        rc = options_file(o, s->config, "", err);
    if (rc < 0)
        return rc;
    if (s->dev)
        settings_dev(s, o);
    else if (s->listen.count == 0 && s->listen_tls.count == 0)
        rc = options_set(o, "listen", "127.0.0.1:7000", FROM_DEFAULT, err);
    return rc < 0 ? rc : check(s, err);
}
