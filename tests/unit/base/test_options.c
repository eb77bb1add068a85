#include "base/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit/base/suite.h"

struct target {
    bool dev;
    const char *listen;
    int64_t nodes, drain, cache, verbose;
    const char *store;
    struct option_list origins;
};

#define AT(f) offsetof(struct target, f)

static const struct option table[] = {
    {.name = "listen",
     .letter = 'l',
     .type = OPT_TEXT,
     .arg = "ADDR:PORT",
     .env = "CONFAB_TEST_LISTEN",
     .in_file = true,
     .preset = "127.0.0.1:7000",
     .offset = AT(listen),
     .help = "serve here"},
    {.name = "nodes",
     .letter = 'n',
     .type = OPT_INT,
     .arg = "N",
     .env = "CONFAB_TEST_NODES",
     .in_file = true,
     .preset = "1",
     .min = 1,
     .max = 64,
     .offset = AT(nodes),
     .help = "threads with connections"},
    {.name = "drain",
     .type = OPT_DURATION,
     .arg = "TIME",
     .in_file = true,
     .preset = "2m",
     .offset = AT(drain),
     .help = "hard stop of a drain, told at such a length that the line has "
             "to be wrapped somewhere"},
    {.name = "cache",
     .type = OPT_SIZE,
     .arg = "BYTES",
     .in_file = true,
     .offset = AT(cache),
     .help = "memory of the store"},
    {.name = "store",
     .type = OPT_CHOICE,
     .arg = "NAME",
     .in_file = true,
     .preset = "sqlite",
     .choices = "sqlite|memory",
     .offset = AT(store),
     .help = ".starts with a dot and a \\"},
    {.name = "origin",
     .type = OPT_LIST,
     .arg = "URL",
     .in_file = true,
     .offset = AT(origins),
     .help = "let browsers in"},
    {.name = "dev",
     .letter = 'd',
     .type = OPT_FLAG,
     .in_file = true,
     .offset = AT(dev),
     .help = "for trying out"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPT_COUNT,
     .offset = AT(verbose),
     .help = "say more"},
    {.name = NULL},
};

static struct target target;
static struct options options;
static struct error err;
static char path[64];

static void begin(void)
{
    target = (struct target){0};
    err = (struct error){0};
    ck_assert_int_eq(options_init(&options, table, &target, &err), 0);
}

static void end(void)
{
    options_release(&options);
}

/* Run the words (split at spaces) through options_args(). */
static char *words[32], line[512];
static int operands;

static int args(const char *text, bool stop)
{
    char *save = NULL, *word;
    int argc = 1;

    snprintf(line, sizeof(line), "%s", text);
    words[0] = line + sizeof(line) - 1;
    for (word = strtok_r(line, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save))
        words[argc++] = word;
    words[argc] = NULL;
    return options_args(&options, argc, words, stop, &operands, &err);
}

static void write_file(const char *text)
{
    FILE *f;
    int fd;

    snprintf(path, sizeof(path), "/tmp/confab-options-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static int read_file(const char *text, const char *section)
{
    int rc;

    write_file(text);
    rc = options_file(&options, path, section, &err);
    unlink(path);
    return rc;
}

START_TEST(defaults)
{
    begin();
    ck_assert_str_eq(target.listen, "127.0.0.1:7000");
    ck_assert_int_eq(target.nodes, 1);
    ck_assert_int_eq(target.drain, 120000);
    ck_assert_str_eq(target.store, "sqlite");
    ck_assert_int_eq(target.cache, 0);
    ck_assert_int_eq(options_origin(&options, "nodes"), FROM_DEFAULT);
    end();
}
END_TEST

START_TEST(every_form_of_an_option)
{
    begin();
    ck_assert_int_eq(args("--listen=a:1 --nodes 4 -dvv --cache 64k x "
                          "--store memory - --origin u1 --origin=u2 -v "
                          "-- --y",
                          false),
                     0);
    ck_assert_str_eq(target.listen, "a:1");
    ck_assert_int_eq(target.nodes, 4);
    ck_assert(target.dev);
    ck_assert_int_eq(target.verbose, 3);
    ck_assert_int_eq(target.cache, 65536);
    ck_assert_str_eq(target.store, "memory");
    ck_assert_int_eq(target.origins.count, 2);
    ck_assert_str_eq(target.origins.items[1], "u2");
    ck_assert_int_eq(operands, 3);
    ck_assert_str_eq(words[1], "x");
    ck_assert_str_eq(words[2], "-");
    ck_assert_str_eq(words[3], "--y");
    ck_assert_ptr_null(words[4]);
    end();
    begin();
    ck_assert_int_eq(args("-n7 -l b:2 -vd", false), 0);
    ck_assert_int_eq(target.nodes, 7);
    ck_assert_str_eq(target.listen, "b:2");
    ck_assert(target.dev);
    end();
}
END_TEST

START_TEST(stops_at_the_command)
{
    begin();
    ck_assert_int_eq(args("-v send --unknown -x", true), 0);
    ck_assert_int_eq(operands, 3);
    ck_assert_str_eq(words[1], "send");
    ck_assert_str_eq(words[2], "--unknown");
    end();
}
END_TEST

static void refused(const char *text, const char *message)
{
    begin();
    ck_assert_msg(args(text, false) == -CF_INVALID, "'%s' was taken", text);
    ck_assert_str_eq(err.text, message);
    end();
}

START_TEST(errors_of_the_command_line)
{
    refused("--lisen a:1", "unknown option --lisen, did you mean --listen?");
    refused("--frobnicate", "unknown option --frobnicate");
    refused("--node 3", "unknown option --node, did you mean --nodes?");
    refused("-vx", "unknown option -x in '-vx'");
    refused("--listen", "--listen needs a value: --listen ADDR:PORT");
    refused("-l", "-l needs a value: -l ADDR:PORT");
    refused("--dev=yes", "--dev takes no value");
    refused("--nodes x", "--nodes: 'x' is not a whole number");
    refused("--nodes 1x", "--nodes: '1x' is not a whole number");
    refused("--nodes 99999999999999999999",
            "--nodes: '99999999999999999999' is not a whole number");
    refused("-n 0", "-n: '0' is not from 1 to 64");
    refused("-n65", "-n: '65' is not from 1 to 64");
    refused("--drain 5", "--drain: '5' is not a duration such as 250ms, 2s, "
                         "5m, 1h or 7d");
    refused("--cache 1T",
            "--cache: '1T' is not a size such as 4096, 64k, 10M or 1G");
    refused("--cache -1k",
            "--cache: '-1k' is not a size such as 4096, 64k, 10M or 1G");
    refused("--cache 9999999999999G", "--cache: '9999999999999G' is not a size "
                                      "such as 4096, 64k, 10M or 1G");
    refused("--store sql", "--store: 'sql' is not one of sqlite|memory");
}
END_TEST

START_TEST(files)
{
    begin();
    ck_assert_int_eq(read_file("# comment\n\n  nodes = 8 \nlisten=c:3\n"
                               "origin = a\norigin = b\ndev = yes\r\n"
                               "[other]\nanything = 1\n",
                               ""),
                     0);
    ck_assert_int_eq(target.nodes, 8);
    ck_assert_str_eq(target.listen, "c:3");
    ck_assert_int_eq(target.origins.count, 2);
    ck_assert(target.dev);
    ck_assert_int_eq(options_origin(&options, "nodes"), FROM_FILE);
    end();
    begin();
    ck_assert_int_eq(read_file("nodes = 8\n[ work ]\nnodes = 9", "work"), 0);
    ck_assert_int_eq(target.nodes, 9);
    end();
}
END_TEST

static void file_refused(const char *text, const char *message)
{
    char want[512];

    begin();
    ck_assert_int_eq(read_file(text, ""), -CF_INVALID);
    snprintf(want, sizeof(want), "%s%s", path, message);
    ck_assert_str_eq(err.text, want);
    end();
}

START_TEST(errors_of_files)
{
    static char longest[5000];

    file_refused("nodes = 2\nlisen = x\n",
                 ":2: unknown key 'lisen', did you mean 'listen'?");
    file_refused("zzzzzzzz = x\n", ":1: unknown key 'zzzzzzzz'");
    file_refused("\n\nnodes = many\n",
                 ":3: nodes: 'many' is not a whole number");
    file_refused("verbose = 1\n", ":1: 'verbose' is for the command line only");
    file_refused("verbos = 1\n", ":1: unknown key 'verbos'");
    file_refused("nodes\n", ":1: 'nodes' is not 'key = value'");
    file_refused("[work\n", ":1: '[work' lacks its ']'");
    file_refused("dev = maybe\n", ":1: dev: 'maybe' is not yes or no");
    memset(longest, 'x', sizeof(longest) - 1);
    file_refused(longest, ":1: longer than 4094 bytes, or with a NUL");
    begin();
    ck_assert_int_eq(options_file(&options, "/nonexistent/file", "", &err),
                     -CF_NOT_FOUND);
    ck_assert_str_eq(err.text, "/nonexistent/file: No such file or directory");
    end();
}
END_TEST

START_TEST(option_beats_environment_beats_file)
{
    setenv("CONFAB_TEST_NODES", "5", 1);
    setenv("CONFAB_TEST_LISTEN", "", 1); /* empty: as if unset */
    begin();
    ck_assert_int_eq(args("--origin opt", false), 0);
    ck_assert_int_eq(options_env(&options, &err), 0);
    ck_assert_int_eq(read_file("nodes = 3\nlisten = f:1\norigin = file\n", ""),
                     0);
    ck_assert_int_eq(target.nodes, 5);
    ck_assert_int_eq(options_origin(&options, "nodes"), FROM_ENV);
    ck_assert_str_eq(target.listen, "f:1");
    ck_assert_int_eq(target.origins.count, 1);
    ck_assert_str_eq(target.origins.items[0], "opt");
    ck_assert_int_eq(args("--nodes 6", false), 0);
    ck_assert_int_eq(target.nodes, 6);
    end();
    setenv("CONFAB_TEST_NODES", "five", 1);
    begin();
    ck_assert_int_eq(options_env(&options, &err), -CF_INVALID);
    ck_assert_str_eq(err.text,
                     "CONFAB_TEST_NODES: 'five' is not a whole number");
    end();
    unsetenv("CONFAB_TEST_NODES");
    unsetenv("CONFAB_TEST_LISTEN");
}
END_TEST

START_TEST(set_by_name)
{
    begin();
    ck_assert_int_eq(options_set(&options, "nodes", "9", FROM_DEFAULT, &err),
                     0);
    ck_assert_int_eq(target.nodes, 9);
    ck_assert_int_eq(options_set(&options, "nodes", NULL, FROM_OPTION, &err),
                     -CF_INVALID);
    ck_assert_int_eq(options_set(&options, "none", "9", FROM_DEFAULT, &err),
                     -CF_INVALID);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            options_set(&options, "origin", "u", FROM_OPTION, &err), 0);
    ck_assert_int_eq(target.origins.count, 100);
    ck_assert_str_eq(target.origins.items[99], "u");
    end();
}
END_TEST

START_TEST(help_fits_eighty_columns)
{
    struct buf out;
    char *save = NULL, *row;

    buf_init(&out, 8192);
    ck_assert_int_eq(options_help(&out, table), 0);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out),
                                 "  -l, --listen ADDR:PORT  serve here "
                                 "(default: 127.0.0.1:7000)\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "      --dev") == NULL
                              ? strstr(out.data, "  -d, --dev ")
                              : NULL);
    for (row = strtok_r(out.data, "\n", &save); row != NULL;
         row = strtok_r(NULL, "\n", &save))
        ck_assert_msg(strlen(row) <= 80, "'%s'", row);
    buf_release(&out);
}
END_TEST

START_TEST(synopsis_and_mdoc)
{
    struct buf out;

    buf_init(&out, 8192);
    ck_assert_int_eq(options_synopsis(&out, table), 0);
    ck_assert_str_eq(buf_cstr(&out),
                     "[-dv] [--listen ADDR:PORT] [--nodes N] [--drain TIME] "
                     "[--cache BYTES] [--store NAME] [--origin URL]...");
    buf_clear(&out);
    ck_assert_int_eq(options_mdoc(&out, table), 0);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&out),
                                 ".It Fl l , Fl \\-listen Ar ADDR:PORT\n"
                                 "serve here (default: 127.0.0.1:7000).\n"));
    ck_assert_ptr_nonnull(
        strstr(out.data, "\n\\&.starts with a dot and a \\e"));
    buf_release(&out);
    buf_init(&out, 20);
    ck_assert_int_eq(options_mdoc(&out, table), -CF_TOO_BIG);
    ck_assert_int_eq(options_help(&out, table), -CF_TOO_BIG);
    ck_assert_int_eq(options_synopsis(&out, table), -CF_TOO_BIG);
    buf_release(&out);
}
END_TEST

SUITE("options", defaults, every_form_of_an_option, stops_at_the_command,
      errors_of_the_command_line, files, errors_of_files,
      option_beats_environment_beats_file, set_by_name,
      help_fits_eighty_columns, synopsis_and_mdoc)
