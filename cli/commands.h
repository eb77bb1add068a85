/* commands.h - one declaration per command; each is a file of its own, or
 * shares one with its family. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdio.h>

#include "cli.h"

extern const struct option replay_options[];
extern const struct option send_options[], tail_options[], wait_options[],
    history_options[], react_options[], presence_options[], status_options[],
    account_options[], devices_options[], delete_options[], block_options[],
    chat_options[], run_options[], fmt_options[];

int cmd_send(struct cli *c, int argc, char **argv);
int cmd_tail(struct cli *c, int argc, char **argv);
int cmd_wait(struct cli *c, int argc, char **argv);
int cmd_history(struct cli *c, int argc, char **argv);
int cmd_edit(struct cli *c, int argc, char **argv);
int cmd_delete(struct cli *c, int argc, char **argv);
int cmd_react(struct cli *c, int argc, char **argv);
int cmd_conv_list(struct cli *c, int argc, char **argv);
int cmd_conv_create(struct cli *c, int argc, char **argv);
int cmd_conv_info(struct cli *c, int argc, char **argv);
int cmd_conv_add(struct cli *c, int argc, char **argv);
int cmd_conv_remove(struct cli *c, int argc, char **argv);
int cmd_conv_leave(struct cli *c, int argc, char **argv);
int cmd_conv_rename(struct cli *c, int argc, char **argv);
int cmd_conv_role(struct cli *c, int argc, char **argv);
int cmd_presence(struct cli *c, int argc, char **argv);
int cmd_block(struct cli *c, int argc, char **argv);
int cmd_contact(struct cli *c, int argc, char **argv);
int cmd_status(struct cli *c, int argc, char **argv);
int cmd_account_register(struct cli *c, int argc, char **argv);
int cmd_account_login(struct cli *c, int argc, char **argv);
int cmd_account_logout(struct cli *c, int argc, char **argv);
int cmd_account_list(struct cli *c, int argc, char **argv);
int cmd_account_use(struct cli *c, int argc, char **argv);
int cmd_account_devices(struct cli *c, int argc, char **argv);
int cmd_account_delete(struct cli *c, int argc, char **argv);
int cmd_account_export(struct cli *c, int argc, char **argv);
int cmd_run(struct cli *c, int argc, char **argv);
int cmd_fmt(struct cli *c, int argc, char **argv);
int cmd_replay(struct cli *c, int argc, char **argv);
int cmd_diff(struct cli *c, int argc, char **argv);
int cmd_record(struct cli *c, int argc, char **argv);
int cmd_completion(struct cli *c, int argc, char **argv);
int cmd_doctor(struct cli *c, int argc, char **argv);
int cmd_help(struct cli *c, int argc, char **argv);
int cmd_mdoc(struct cli *c, int argc, char **argv);

/* cmd_send.c: a body {"text":...} from words, or from standard input ("-" or
 * none). 0, or an exit code after a message. */
int text_body(struct cli *c, struct buf *body, int argc, char **argv);

/* help.c */
void help_all(FILE *to);
void help_command(const struct command *cmd);

/* The row of a command, by name. */
const struct command *command_named(const char *name);

#endif
