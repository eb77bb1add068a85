#include <string.h>

#include "commands.h"
#include "compare.h"

struct compare_args {
    int64_t tolerance, seed;
    bool json;
};

#define AT(field) offsetof(struct compare_args, field)
const struct option compare_options[] = {
    {.name = "tolerance",
     .type = OPT_INT,
     .arg = "PERCENT",
     .preset = "5",
     .max = 1000,
     .offset = AT(tolerance),
     .help = "what may differ and still be the same"},
    {.name = "seed",
     .type = OPT_INT,
     .arg = "N",
     .preset = "1",
     .max = INT32_MAX,
     .offset = AT(seed),
     .help = "of the resampling; the same seed, the same intervals"},
    {.name = "json",
     .type = OPT_FLAG,
     .offset = AT(json),
     .help = "print it as JSON"},
    {.name = NULL},
};
#undef AT

static int print(const struct comparison *c, bool json)
{
    struct buf text;
    json_t *j;
    int rc;

    buf_init(&text, 1 << 20);
    if (json) {
        j = compare_json(c);
        (void)json_write(&text, j, false);
        (void)buf_append_byte(&text, '\n');
        json_decref(j);
    } else {
        compare_write(&text, c);
    }
    rc = load_print(stdout, &text);
    buf_release(&text);
    if (rc != 0)
        return rc;
    if (c->worse > 0)
        return LOAD_MISSED;
    return c->invalid ? LOAD_INVALID : LOAD_PASS;
}

static int compare_files(const char *one, const char *two,
                         const struct compare_args *args)
{
    static struct run a, b; /* large */
    static struct comparison c;
    struct error err = {0};
    int rc;

    if (run_load(&a, one, &err) < 0)
        return load_fail_error(NULL, &err);
    if (run_load(&b, two, &err) < 0) {
        run_release(&a);
        return load_fail_error(NULL, &err);
    }
    compare_runs(&c, &a, &b, (double)args->tolerance / 100,
                 (uint64_t)args->seed);
    rc = print(&c, args->json);
    run_release(&a);
    run_release(&b);
    return rc;
}

int cmd_compare(const struct command *cmd, int argc, char **argv)
{
    struct compare_args args = {0};
    struct options o;
    int rc = load_parse(cmd, &o, &args, argc, argv, 2, 2);

    if (rc != 0)
        return rc < 0 ? 0 : rc;
    rc = compare_files(argv[1], argv[2], &args);
    options_release(&o);
    return rc;
}
