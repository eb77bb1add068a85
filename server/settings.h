/* settings.h - everything confabd can be told, from one table: command line,
 * environment, confabd.conf(5), help and manual page. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "base/options.h"
#include "core/node.h"

struct settings {
    /* where */
    struct option_list listen;     /* plain ADDR:PORT */
    struct option_list listen_tls; /* ADDR:PORT with certificate and key */
    const char *admin;             /* loopback ADDR:PORT, "" none */
    const char *data;              /* directory of the store */
    const char *config;
    const char *ready_file;
    const char *certificate, *key;
    struct option_list origins; /* allowed Origin values */
    struct option_list trusted_proxies;
    /* how */
    bool dev, test_clock, no_budgets;
    int64_t fold_ms;
    int64_t nodes;            /* 0: the number of processors */
    int64_t connections;      /* how many to make room for */
    int64_t per_address;      /* before login */
    const char *registration; /* open | invite | closed */
    const char *store;        /* sqlite */
    const char *durability;   /* fsync | async */
    int64_t live_members;
    int64_t drain_ms;
    const char *log_level, *log_format;
    const char *record;   /* directory for scripts of conversations */
    const char *sabotage; /* builds for tests only */
    bool help, version;
};

extern const struct option settings_table[];

/* Read defaults, file, environment and argv into *s; checks what belongs
 * together. 0, or negative with *err. Release *o with options_release(). */
int settings_read(struct settings *s, struct options *o, int argc, char **argv,
                  struct error *err);

/* What --dev stands for: loopback, free port, open registration. */
void settings_dev(struct settings *s, struct options *o);

#endif
