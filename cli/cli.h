/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: what the verbs share: options, errors, numbers. Results go to stdout, talk to stderr.
 * Exit status: 0 done, 1 an error, 2 wrong usage, 75 interrupted after saving (EX_TEMPFAIL: the same command goes on).
 */
#ifndef GOSS_CLI_H
#define GOSS_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 75 };

/* One option of a verb. A flag has no value name and sets *flag; else *text gets the value. */
typedef struct cli_option {
    const char *name;  /* "ways" for --ways; one letter for -o */
    const char *value; /* "N" in the help; NULL: a flag */
    const char *doc;
    const char **text;
    bool *flag;
} cli_option;

typedef struct cli_verb {
    const char *name, *usage, *doc; /* usage: what follows the name in the first line of the help */
    const cli_option *options;
    int n_options;
    int min_words, max_words; /* words that are no options; max < 0: any number */
} cli_verb;

/* Sorts argv[1..] into options and words (in place, at the front of argv + 1), by getopt_long: options may stand behind
 * words and be shortened, "--" ends them, of an option that is there twice the last counts. Returns the number of
 * words, or -1 after the help was asked for, or exits with EXIT_USAGE after telling what is wrong. */
int cli_parse(const cli_verb *verb, int argc, char **argv);
/* Tells an error and returns EXIT_ERROR (EXIT_INTERRUPTED for that status). */
int cli_fail(const goss_error *err);
/* A line to stderr, whatever names are in it. */
void cli_tell(const char *fmt, ...) GOSS_PRINTF(1, 2);
/* Tells wrong usage and exits. */
_Noreturn void cli_usage(const cli_verb *verb, const char *fmt, ...) GOSS_PRINTF(2, 3);
/* The integer an option gave, or the fallback. */
int64_t cli_int(const cli_verb *verb, const char *name, const char *text, int64_t fallback, int64_t min, int64_t max);
/* To stdout (the forms: gossamer/text.h). A name that somebody else chose (of a class, a tensor, a file) fit for a
 * terminal and for columns, filled up to a width with blanks. The path of a result, alone on a line, as a script can
 * use it. Quoted JSON: a text that is UTF-8, as it is; and a name that need not be, so that different ones stay
 * different. */
void cli_put_name(const char *text, int width);
void cli_put_text(const char *text); /* a sentence that names may stand in */
void cli_put_path(const char *path);
/* Where the result named by -o goes: "-" is standard output (./- a file of that name). */
const char *cli_output(const char *path);
/* Whether two names are of one file, whatever links lead to it. */
bool cli_same_file(const char *a, const char *b);
/* "tie=0.3,low=1" of --strength; NULL: nothing. */
struct goss_model;
goss_status cli_set_strengths(struct goss_model *model, const char *list, goss_error *err);
void cli_json_text(const char *text);
void cli_json_name(const char *text);
/* Messages of the library go to stderr. */
void cli_log_to_stderr(void);
/* From here on SIGINT, SIGTERM and SIGHUP set what is returned, for the library's `stop`, instead of ending the
 * process. */
const volatile sig_atomic_t *cli_catch_signals(void);
/* They end it again: at once, if one came meanwhile (what it interrupted has been taken back by then). */
void cli_release_signals(void);
/* First of all: every standard stream is open. */
void cli_open_streams(void);
/* Closes stdout; EXIT_ERROR and a message if it could not be written. Where the reader of a pipe is gone it ends the
 * process as SIGPIPE does, without a word. */
int cli_close_stdout(void);

int cmd_init(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_adapt(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
#endif
