/* commands.h - the commands of confab-load: one file and one row in
 * cmd_table.c each. */
#ifndef LOAD_COMMANDS_H
#define LOAD_COMMANDS_H

#include <stdio.h>

#include "base/options.h"
#include "result.h"

struct command {
    const char *name; /* "scenarios show" */
    const char *args; /* "NAME" */
    const char *help; /* one line; NULL: hidden */
    const char *example;
    const struct option *options; /* NULL: none */
    /* argv[0] is the last word of the name; returns an exit code. */
    int (*run)(const struct command *cmd, int argc, char **argv);
};
extern const struct command commands[]; /* ends with name NULL */

extern const struct option run_options[], doctor_options[], floor_options[],
    selftest_options[], capacity_options[], plan_options[], agent_options[],
    coordinate_options[], report_options[], compare_options[], check_options[];

int cmd_run(const struct command *cmd, int argc, char **argv);
int cmd_capacity(const struct command *cmd, int argc, char **argv);
int cmd_scenarios(const struct command *cmd, int argc, char **argv);
int cmd_scenarios_show(const struct command *cmd, int argc, char **argv);
int cmd_scenarios_check(const struct command *cmd, int argc, char **argv);
int cmd_doctor(const struct command *cmd, int argc, char **argv);
int cmd_floor(const struct command *cmd, int argc, char **argv);
int cmd_selftest(const struct command *cmd, int argc, char **argv);
int cmd_plan(const struct command *cmd, int argc, char **argv);
int cmd_agent(const struct command *cmd, int argc, char **argv);
int cmd_coordinate(const struct command *cmd, int argc, char **argv);
int cmd_report(const struct command *cmd, int argc, char **argv);
int cmd_compare(const struct command *cmd, int argc, char **argv);
int cmd_completion(const struct command *cmd, int argc, char **argv);
int cmd_help(const struct command *cmd, int argc, char **argv);
int cmd_mdoc(const struct command *cmd, int argc, char **argv);
int cmd_toml(const struct command *cmd, int argc, char **argv);

/* The whole program, without main(). */
int load_main(int argc, char **argv);

/* Parse a command's options into target (zeroed by the caller); operands are
 * moved to argv[1..], NULL behind them, and must be least..most. 0: go on, and
 * release *o with options_release(). LOAD_USAGE: an error was shown. -1: help
 * was shown, end with 0. */
int load_parse(const struct command *cmd, struct options *o, void *target,
               int argc, char **argv, int least, int most);

/* "confab-load: what" and, unless hint is NULL, "try: hint" on standard error;
 * returns code. What is not printable in it is escaped. */
int load_fail(int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an error of a function: usage for what was written wrong,
 * unreachable for CF_UNAVAILABLE. */
int load_fail_error(const char *hint, const struct error *err);

/* All of b on a stream. 0, or an error shown (a full disk): LOAD_USAGE. */
int load_print(FILE *to, const struct buf *b);

void help_all(FILE *to);
void help_command(const struct command *cmd);

#endif
