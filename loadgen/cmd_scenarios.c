#include <errno.h>
#include <string.h>

#include "commands.h"
#include "toml.h"

#define FILE_BYTES (TOML_BYTES + 4096)

struct check_args {
    struct option_list sets;
    bool json;
};

#define AT(field) offsetof(struct check_args, field)
const struct option check_options[] = {
    {.name = "set",
     .type = OPT_LIST,
     .arg = "KEY=VALUE",
     .offset = AT(sets),
     .help = "replace a value: users.count=5k, traffic.0.rate=2k/s"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print the effective scenario as JSON"},
    {.name = NULL},
};
#undef AT

int cmd_scenarios(const struct command *cmd, int argc, char **argv)
{
    struct options o = {0};
    struct buf b;
    int rc = load_parse(cmd, &o, NULL, argc, argv, 0, 1);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    options_release(&o);
    if (argc > 1 && argv[1] != NULL)
        return load_fail(LOAD_USAGE, "confab-load scenarios show NAME",
                         "scenarios show NAME or scenarios check FILE, not "
                         "'%s'",
                         argv[1]);
    buf_init(&b, FILE_BYTES);
    for (const struct builtin_scenario *s = scenario_builtins();
         s->name != NULL; s++)
        buf_printf(&b, "%-16s %s\n", s->name, s->about);
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

static int print_effective(const struct scenario *s, bool json)
{
    struct buf b;
    json_t *tree;
    int rc;

    buf_init(&b, FILE_BYTES);
    if (json) {
        tree = scenario_json(s);
        json_write(&b, tree, false);
        json_decref(tree);
        buf_append_byte(&b, '\n');
    } else {
        scenario_write(&b, s);
    }
    rc = load_print(stdout, &b);
    buf_release(&b);
    return rc;
}

/* A built-in as it is written, comments and all; with --set or of a file what
 * it comes to. */
int cmd_scenarios_show(const struct command *cmd, int argc, char **argv)
{
    struct check_args a = {0};
    struct options o = {0};
    struct error err = {0};
    struct scenario s;
    int rc = load_parse(cmd, &o, &a, argc, argv, 1, 1);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    for (const struct builtin_scenario *b = scenario_builtins();
         b->name != NULL && a.sets.count == 0 && !a.json; b++) {
        if (strcmp(b->name, argv[1]) != 0)
            continue;
        options_release(&o);
        return fputs(b->toml, stdout) < 0 || fflush(stdout) != 0
                   ? load_fail(LOAD_USAGE, NULL, "writing: %s", strerror(errno))
                   : 0;
    }
    rc = scenario_load(&s, argv[1], a.sets.items, a.sets.count, &err);
    if (rc < 0) {
        rc = load_fail_error("confab-load scenarios", &err);
    } else {
        rc = print_effective(&s, a.json);
        scenario_release(&s);
    }
    options_release(&o);
    return rc;
}

int cmd_scenarios_check(const struct command *cmd, int argc, char **argv)
{
    struct check_args a = {0};
    struct options o = {0};
    struct error err = {0};
    struct scenario s;
    int rc = load_parse(cmd, &o, &a, argc, argv, 1, argc), bad = 0;

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        rc = scenario_load(&s, argv[i], a.sets.items, a.sets.count, &err);
        if (rc < 0) {
            bad = load_fail_error(NULL, &err);
            continue;
        }
        if (a.json)
            print_effective(&s, true);
        else
            printf("%s: well\n", argv[i]);
        scenario_release(&s);
    }
    options_release(&o);
    return bad;
}

static int print_toml(const char *path)
{
    struct error err = {0};
    struct toml t;
    struct buf b;
    FILE *f = fopen(path, "re");
    int rc;

    if (f == NULL)
        return load_fail(LOAD_USAGE, NULL, "which file?");
    buf_init(&b, FILE_BYTES);
    if (buf_reserve(&b, TOML_BYTES + 1) != NULL)
        b.len = fread(b.data, 1, TOML_BYTES + 1, f);
    fclose(f);
    rc = toml_parse(&t, path, buf_span(&b), &err);
    buf_release(&b);
    if (rc < 0) {
        puts("");
        return load_fail_error(NULL, &err);
    }
    buf_init(&b, 16 * TOML_BYTES);
    json_write(&b, t.root, true);
    buf_append_byte(&b, '\n');
    rc = load_print(stdout, &b);
    buf_release(&b);
    toml_release(&t);
    return rc;
}

/* Hidden: the tree that each file reads to, as a line of JSON, for tests
 * against other readers; an empty line where it is none. Keys in the order of
 * the file. */
int cmd_toml(const struct command *cmd, int argc, char **argv)
{
    int rc = argc < 2 ? load_fail(LOAD_USAGE, NULL, "which file?") : 0;

    for (int i = 1; i < argc; i++) {
        int one = print_toml(argv[i]);

        rc = one != 0 ? one : rc;
    }
    return rc;
}
