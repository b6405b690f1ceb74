/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: shared by the verbs: options, errors, output. Results go to stdout, messages to stderr. Exit status: 0 done, 1
 * error, 2 wrong usage, 75 interrupted after saving (EX_TEMPFAIL: the same command resumes). */
#ifndef GOSS_CLI_H
#define GOSS_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "gossamer/config.h"
#include "gossamer/status.h"

enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 75 };

/* One option of a verb: a flag sets *flag, a text is stored in *text, and a number is parsed as a key of a
 * configuration is (gossamer/config.h), by the same kind of row: type, range, default, help and where it goes. */
typedef struct cli_option {
    const char *name;  /* "ways" for --ways; one letter for -o */
    const char *value; /* "N" in the help; NULL: a flag */
    const char *doc;
    const char **text;
    bool *flag;
    /* Of a number. key.fallback "": there is no default, and what `to` has stays. */
    goss_key key;
    void *to;
    unsigned group; /* bits of the verb's own: see cli_first_of */
} cli_option;
#define CLI_FLAG_OF(group, name, to, doc)                                                                              \
    { name, NULL, doc, NULL, to, {0}, NULL, group }
#define CLI_TEXT_OF(group, name, value, to, doc)                                                                       \
    { name, value, doc, to, NULL, {0}, NULL, group }
/* to: a pointer to a number of any of the types of goss_field. */
#define CLI_NUMBER_OF(group, type, name, value, to, fallback, min, max, doc)                                           \
    {                                                                                                                  \
        name, value, doc, NULL, NULL,                                                                                  \
            {name, type, fallback, min, max, NULL, doc, NULL, {GOSS_FIELD_TYPE(*(to)), 0}, NULL, NULL}, to, group      \
    }
#define CLI_INT_OF(group, name, value, to, fallback, min, max, doc)                                                    \
    CLI_NUMBER_OF(group, GOSS_KEY_INT, name, value, to, fallback, min, max, doc)
/* Of no group. */
#define CLI_FLAG(name, to, doc) CLI_FLAG_OF(0, name, to, doc)
#define CLI_TEXT(name, value, to, doc) CLI_TEXT_OF(0, name, value, to, doc)
#define CLI_INT(name, value, to, fallback, min, max, doc) CLI_INT_OF(0, name, value, to, fallback, min, max, doc)
#define CLI_REAL(name, value, to, fallback, min, max, doc)                                                             \
    CLI_NUMBER_OF(0, GOSS_KEY_REAL, name, value, to, fallback, min, max, doc)
/* A text with a form of its own: goss_key.read. */
#define CLI_FORM_OF(group, name, value, read, to, doc)                                                                 \
    {                                                                                                                  \
        name, value, doc, NULL, NULL,                                                                                  \
            {name, GOSS_KEY_TEXT, "", 0, 0, NULL, doc, NULL, {GOSS_FIELD_NONE, 0}, read, NULL}, to, group              \
    }
#define CLI_FORM(name, value, read, to, doc) CLI_FORM_OF(0, name, value, read, to, doc)
/* goss_key.read of a number of gradient steps, or auto: GOSS_FINE_TUNE_AUTO. */
goss_status cli_read_fine_tune(const char *text, void *to, goss_error *err);

typedef struct cli_verb {
    const char *name, *usage, *doc; /* usage: the rest of the first line of the help; NULL: nothing */
    const cli_option *options;
    int n_options;
    int min_words, max_words; /* positional arguments; max < 0: any number */
} cli_verb;

/* Parses argv[1..] by getopt_long and moves positional arguments to the front of argv + 1: options may follow them and
 * be abbreviated, "--" ends options, the last of a repeated option wins. Returns the number of positional arguments, -1
 * after printing help, or exits with EXIT_USAGE after an error. */
int cli_parse(const cli_verb *verb, int argc, char **argv);
/* After that: the name of the first option of these groups that was given; NULL: none was. */
const char *cli_first_of(const cli_verb *verb, unsigned groups);
/* The first option that was given, is of some of these groups, and of none of `own`; NULL: none was. */
const cli_option *cli_first_outside(const cli_verb *verb, unsigned groups, unsigned own);
/* Prints an error and returns EXIT_ERROR (EXIT_INTERRUPTED for that status). */
int cli_fail(const goss_error *err);
/* Prints a line to stderr, with names escaped. */
void cli_tell(const char *fmt, ...) GOSS_PRINTF(1, 2);
/* Prints a usage error and exits. */
_Noreturn void cli_usage(const cli_verb *verb, const char *fmt, ...) GOSS_PRINTF(2, 3);
/* Output to stdout (forms: gossamer/text.h): an escaped name (of a class, tensor, file), padded with blanks; the path
 * of a result, alone on a line, unescaped for scripts; quoted JSON: UTF-8 text; and quoted JSON of a name that may be
 * any bytes, injectively escaped. */
void cli_put_name(const char *text, int width);
void cli_put_text(const char *text); /* a sentence that may contain names */
void cli_put_path(const char *path);
/* The file of a model: `name` itself where it is one, or else that of the model of this name that comes with the
 * program, in `out`. What is neither stays as it is. */
#define CLI_MODEL_PATH 4096
const char *cli_model_path(const char *name, char out[CLI_MODEL_PATH]);
/* Whether a model's file has one for tables with numbers to predict beside it (FILE-numbers.safetensors), in `out`. */
bool cli_model_beside(const char *path, char out[CLI_MODEL_PATH]);
/* After a model could not be loaded: says where one was looked for by its name, if `path` may be a name. */
void cli_model_missing(const char *path);
/* The target of -o: "-" is standard output (./- a file of that name). NULL stays NULL. */
const char *cli_output(const char *path);
/* Files and folders that a verb reads, which its outputs are held against. Begins as {0}; ends with cli_inputs_free. */
typedef struct cli_inputs {
    char **path;
    int n;
    bool failed; /* no memory */
} cli_inputs;
void cli_inputs_add(cli_inputs *in, const char *path);      /* NULL and "": none */
void cli_inputs_add_list(cli_inputs *in, const char *list); /* "A,B=FILE": all that may be files of it */
void cli_inputs_add_config(cli_inputs *in, const goss_config *c);
void cli_inputs_free(cli_inputs *in);
/* To be called before the work, for what an option writes that is no model: goss_output_check, with the option
 * before its errors. path NULL: not wanted. */
goss_status cli_check_output(const char *option, const char *path, const char *results, const cli_inputs *in,
                             goss_error *err);
/* Calls `set` for each number of a list "tie=0.3,low=1", in order; NULL: for none. Errors, with --option before them:
 * what is not NAME=VALUE, a name twice, and those of `set`. */
typedef goss_status cli_setter(void *context, const char *name, double value, goss_error *err);
goss_status cli_set_numbers(const char *option, const char *list, cli_setter *set, void *context, goss_error *err);
/* Those of --strength. */
struct goss_model;
goss_status cli_set_strengths(struct goss_model *model, const char *list, goss_error *err);
void cli_json_text(const char *text);
void cli_json_name(const char *text);
/* key, as `, "value": `, and a number in JSON: null where it is not finite. */
void cli_json_number(const char *key, double value);
/* Which values of a metric are better: "higher is better", or in JSON `"metric": "auc", "higher_is_better": true`
 * (null, and `"nominal": 0.95`, where nearest to that is best). */
struct goss_metric;
#define CLI_BETTER 40
const char *cli_better(const struct goss_metric *metric, char text[CLI_BETTER]);
void cli_json_metric(const struct goss_metric *metric);
/* Sends messages of the library to stderr. */
void cli_log_to_stderr(void);
/* The same, each warning once: of verbs that read the same data for every model or division. */
void cli_log_once_to_stderr(void);
/* From here on SIGINT, SIGTERM and SIGHUP set the returned flag, for the library's `stop`, instead of ending the
 * process. */
const volatile sig_atomic_t *cli_catch_signals(void);
/* For verbs with environments in processes: they end those processes, too, also where one has stopped answering. */
void cli_end_environments_by_signals(void);
/* They end the process again: at once, if one has arrived meanwhile (after cleaning up). */
void cli_release_signals(void);
/* To be called first: opens missing standard streams. */
void cli_open_streams(void);
/* Closes stdout; EXIT_ERROR and a message if writing failed. If the reader of a pipe has exited, ends the process
 * silently by SIGPIPE. */
int cli_close_stdout(void);

int cmd_init(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_adapt(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_play(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
#endif
