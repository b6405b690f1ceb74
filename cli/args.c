/* SPDX-License-Identifier: Apache-2.0 */
/* args.c: options and help of verbs, errors, standard output. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "gossamer/model.h"
#include "gossamer/log.h"
#include "gossamer/text.h"

/* ---- help and errors ---- */

static void print_option(const cli_option *o) {
    char left[64];
    const char *fallback = o->to && *o->key.fallback ? o->key.fallback : NULL;
    snprintf(left, sizeof left, "%s%s%s%s", o->name[1] ? "--" : "-", o->name, o->value ? " " : "",
             o->value ? o->value : "");
    printf("  %-24s %s%s%s%s\n", left, o->doc, fallback ? " (" : "", fallback ? fallback : "", fallback ? ")" : "");
}

static void print_help(const cli_verb *v) {
    printf("gossamer %s%s%s\n\n%s\n\n", v->name, v->usage ? " " : "", v->usage ? v->usage : "", v->doc);
    for (int i = 0; i < v->n_options; i++) print_option(&v->options[i]);
    print_option(&(cli_option){.name = "help", .doc = "this text; -h, too"});
}

static void tell(const char *fmt, va_list args) {
    char raw[2048];
    vsnprintf(raw, sizeof raw, fmt, args);
    char *line = goss_text_escape(raw, GOSS_TEXT_LINE);
    fprintf(stderr, "%s\n", line ? line : "out of memory");
    goss_text_free(line);
}

void cli_tell(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    tell(fmt, args);
    va_end(args);
}

void cli_usage(const cli_verb *v, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "gossamer %s: ", v->name);
    tell(fmt, args);
    va_end(args);
    cli_tell("usage: gossamer %s%s%s", v->name, v->usage ? " " : "", v->usage ? v->usage : "");
    if (v->n_options) cli_tell("gossamer %s --help lists all options", v->name);
    exit(EXIT_USAGE);
}

int cli_fail(const goss_error *err) {
    fprintf(stderr, "gossamer: %s\n", err->text);
    return err->status == GOSS_E_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_ERROR;
}

static void to_stderr(void *context, goss_log_level level, const char *line) {
    if (level == GOSS_LOG_DEBUG) return;
    fprintf(stderr, "%s%s\n", level == GOSS_LOG_WARN ? "warning: " : "", line);
}

void cli_log_to_stderr(void) { goss_log_set(to_stderr, NULL); }

/* The warnings so far, and at most so many. */
typedef struct warned {
    char *line[64];
    int n;
} warned;

static void once_to_stderr(void *context, goss_log_level level, const char *line) {
    warned *w = context;
    if (level == GOSS_LOG_WARN) {
        for (int i = 0; i < w->n; i++)
            if (strcmp(w->line[i], line) == 0) return;
        if (w->n < (int)(sizeof w->line / sizeof *w->line) && (w->line[w->n] = strdup(line))) w->n++;
    }
    to_stderr(NULL, level, line);
}

void cli_log_once_to_stderr(void) {
    static warned w;
    goss_log_set(once_to_stderr, &w);
}

/* ---- options ---- */

enum { MOST_OPTIONS = 128, HELP = 1000 };

/* The table in getopt's form: an option's value is its index, for short and long options alike. */
typedef struct getopt_table {
    struct option longs[MOST_OPTIONS + 2];
    char letters[2 * MOST_OPTIONS + 4];
} getopt_table;

static void fill_table(const cli_verb *v, getopt_table *t) {
    int n = 0;
    char *letter = t->letters;
    *letter++ = ':'; /* distinguishes a missing value, and prints nothing */
    *letter++ = 'h';
    for (int i = 0; i < v->n_options && i < MOST_OPTIONS; i++) {
        const cli_option *o = &v->options[i];
        if (!o->name[1]) {
            *letter++ = o->name[0];
            if (o->value) *letter++ = ':';
        } else {
            t->longs[n++] = (struct option){o->name, o->value ? required_argument : no_argument, NULL, HELP + 1 + i};
        }
    }
    t->longs[n++] = (struct option){"help", no_argument, NULL, HELP};
    t->longs[n] = (struct option){0};
    *letter = 0;
}

static const cli_option *option_of(const cli_verb *v, int code) {
    if (code > HELP) return &v->options[code - HELP - 1];
    for (int i = 0; i < v->n_options; i++)
        if (!v->options[i].name[1] && v->options[i].name[0] == code) return &v->options[i];
    return NULL;
}

static bool has_prefix(const char *text, const char *prefix, size_t n) { return strncmp(text, prefix, n) == 0; }

/* Reports what getopt did not accept: `word` is the argument where it stopped. */
_Noreturn static void refuse(const cli_verb *v, const char *word, int code) {
    const cli_option *o = code ? option_of(v, code) : NULL;
    if (o || code == HELP) cli_usage(v, "--%s takes no value", o ? o->name : "help");
    if (word[0] == '-' && word[1] != '-') {
        for (int i = 0; i < v->n_options; i++) /* -ways for --ways */
            if (v->options[i].name[1] && has_prefix(word + 1, v->options[i].name, strlen(v->options[i].name)))
                cli_usage(v, "there is no option %s; did you mean --%s?", word, v->options[i].name);
        cli_usage(v, "there is no option -%c", optopt);
    }
    size_t n = strcspn(word + 2, "=");
    char like[400] = "";
    int matches = 0;
    for (int i = 0; i < v->n_options && n > 0; i++)
        if (v->options[i].name[1] && has_prefix(v->options[i].name, word + 2, n)) {
            size_t at = strlen(like);
            snprintf(like + at, sizeof like - at, "%s--%s", matches++ ? ", " : "", v->options[i].name);
        }
    if (matches > 1) cli_usage(v, "%s can mean %s", word, like);
    cli_usage(v, "there is no option %.*s", (int)n + 2, word);
}

/* getopt's index stays at an argument with several letters until the last one, and is past any other. */
static const char *refused_word(int argc, char **argv) {
    const char *next = optind < argc ? argv[optind] : "";
    return next[0] == '-' && next[1] && next[1] == optopt && next[2] ? next : argv[optind - 1];
}

/* Names the first missing argument of the usage. */
static void missing(const cli_verb *v, int words) {
    const char *at = v->usage ? v->usage : "";
    for (; words > 0 && strchr(at, ' '); words--) at = strchr(at, ' ') + 1;
    cli_usage(v, "%.*s is missing", (int)strcspn(at, " "), at);
}

/* An option that the usage requires (outside brackets) and that was not given. */
static const cli_option *owed(const cli_verb *v) {
    for (int i = 0; i < v->n_options; i++) {
        const cli_option *o = &v->options[i];
        char word[64];
        if (!o->value || !o->text || *o->text) continue;
        snprintf(word, sizeof word, " %s%s %s", o->name[1] ? "--" : "-", o->name, o->value);
        if (strstr(v->usage, word)) return o;
    }
    return NULL;
}

/* ---- what was given ---- */

static bool given[MOST_OPTIONS]; /* of the one command of this process, by the options' places */

const char *cli_first_of(const cli_verb *v, unsigned groups) {
    for (int i = 0; i < v->n_options; i++)
        if (given[i] && v->options[i].group & groups) return v->options[i].name;
    return NULL;
}

const cli_option *cli_first_outside(const cli_verb *v, unsigned groups, unsigned own) {
    for (int i = 0; i < v->n_options; i++) {
        const unsigned of = v->options[i].group & groups;
        if (given[i] && of && !(of & own)) return &v->options[i];
    }
    return NULL;
}

static void take_number(const cli_verb *v, const cli_option *o, const char *text) {
    goss_error err;
    if (goss_key_parse(&o->key, text, o->to, &err) != GOSS_OK) cli_usage(v, "--%s: %s", o->name, err.text);
}

/* The last one wins, so that a script's settings can be overridden after them: numbers are parsed once all are known.
 */
static void take(const cli_verb *v, const cli_option *o, const char **number, const char *text) {
    given[o - v->options] = true;
    if (o->to)
        number[o - v->options] = text;
    else if (o->value)
        *o->text = text;
    else
        *o->flag = true;
}

static void take_numbers(const cli_verb *v, const char *const *number) {
    for (int i = 0; i < v->n_options; i++) {
        const cli_option *o = &v->options[i];
        const char *text = !o->to ? NULL : number[i] ? number[i] : *o->key.fallback ? o->key.fallback : NULL;
        if (text) take_number(v, o, text);
    }
}

/* An extra argument is usually the value of a forgotten option. */
_Noreturn static void refuse_word(const cli_verb *v, const char *word) {
    const cli_option *o = owed(v);
    if (!o) cli_usage(v, "\"%s\" is an extra argument", word);
    cli_usage(v, "\"%s\" is an extra argument, and %s%s %s is missing", word, o->name[1] ? "--" : "-", o->name,
              o->value);
}

int cli_parse(const cli_verb *v, int argc, char **argv) {
    const char *number[MOST_OPTIONS] = {0};
    getopt_table t;
    fill_table(v, &t);
    optind = 0; /* glibc: restart, with permutation of arguments */
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1;) {
        if (code == 'h' || code == HELP) {
            print_help(v);
            return -1;
        }
        if (code == '?') refuse(v, refused_word(argc, argv), optopt);
        const cli_option *o = option_of(v, code == ':' ? optopt : code);
        if (code == ':') cli_usage(v, "%s%s needs a value: %s", o->name[1] ? "--" : "-", o->name, o->value);
        take(v, o, number, optarg);
    }
    take_numbers(v, number);
    int words = argc - optind;
    memmove(argv + 1, argv + optind, (size_t)words * sizeof *argv);
    if (words < v->min_words) missing(v, words);
    if (v->max_words >= 0 && words > v->max_words) refuse_word(v, argv[1 + v->max_words]);
    return words;
}

/* ---- standard output ---- */

void cli_open_streams(void) {
    /* Beyond a file size limit (ulimit -f) a write fails, as on a full disk, instead of killing the process. */
    signal(SIGXFSZ, SIG_IGN);
    /* A file opened later must not become standard output, or output would be written into it. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) exit(EXIT_ERROR);
}

/* The reader of the pipe has exited. */
static bool reader_is_gone(void) {
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

int cli_close_stdout(void) {
    bool failed = ferror(stdout);
    errno = 0;
    if (fclose(stdout) == 0 && !failed) return EXIT_DONE;
    int number = errno;
    if (number == EPIPE || reader_is_gone()) { /* as the signal does if it is not ignored */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "gossamer: standard output: %s\n", number ? strerror(number) : "cannot write");
    return EXIT_ERROR;
}

static char *escaped(const char *text, goss_text_form form) {
    char *shown = goss_text_escape(text, form);
    if (shown) return shown;
    fprintf(stderr, "gossamer: out of memory\n");
    exit(EXIT_ERROR);
}

void cli_put_name(const char *text, int width) {
    char *shown = escaped(text, GOSS_TEXT_NAME);
    printf("%-*s", width, shown);
    goss_text_free(shown);
}

void cli_put_text(const char *text) {
    char *shown = escaped(text, GOSS_TEXT_LINE);
    fputs(shown, stdout);
    goss_text_free(shown);
}

const char *cli_output(const char *path) { return path && strcmp(path, "-") == 0 ? "/dev/stdout" : path; }

void cli_put_path(const char *path) {
    struct stat out, file;
    /* The file itself was written to standard output: nothing may follow. */
    if (fstat(STDOUT_FILENO, &out) == 0 && stat(path, &file) == 0 && out.st_dev == file.st_dev &&
        out.st_ino == file.st_ino)
        return;
    if (isatty(STDOUT_FILENO))
        cli_put_name(path, 0);
    else
        fputs(path, stdout);
    putchar('\n');
}

void cli_json_text(const char *text) {
    char *shown = escaped(text, GOSS_TEXT_JSON);
    printf("\"%s\"", shown);
    goss_text_free(shown);
}

void cli_json_number(const char *key, double value) {
    if (isfinite(value))
        printf("%s%.10g", key, value);
    else
        printf("%snull", key);
}

const char *cli_better(const goss_metric *metric, char text[CLI_BETTER]) {
    if (metric->nominal > 0)
        snprintf(text, CLI_BETTER, "nearest to %g is best", metric->nominal);
    else
        snprintf(text, CLI_BETTER, "%s is better", metric->higher ? "higher" : "lower");
    return text;
}

void cli_json_metric(const goss_metric *metric) {
    printf("\"metric\": \"%s\", \"higher_is_better\": %s", metric->name,
           metric->nominal > 0 ? "null"
           : metric->higher    ? "true"
                               : "false");
    if (metric->nominal > 0) cli_json_number(", \"nominal\": ", metric->nominal);
}

void cli_json_name(const char *text) {
    char *whole = escaped(text, GOSS_TEXT_UTF8);
    cli_json_text(whole);
    goss_text_free(whole);
}

goss_status cli_read_fine_tune(const char *text, void *to, goss_error *err) {
    static const goss_key steps = {
        .name = "", .type = GOSS_KEY_INT, .fallback = "0", .max = 100000, .field = {GOSS_FIELD_INT, 0}};
    int n = GOSS_FINE_TUNE_AUTO;
    if (strcmp(text, "auto") != 0) GOSS_TRY(goss_key_parse(&steps, text, &n, err));
    if (to) *(int *)to = n;
    return GOSS_OK;
}
