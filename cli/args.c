/* args.c: options and help of the verbs, errors and a little JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/log.h"

/* ---- help and errors ---- */

static void print_help(const cli_verb *v) {
    printf("gossamer %s %s\n\n%s\n", v->name, v->usage, v->doc);
    if (v->n_options) printf("\n");
    for (int i = 0; i < v->n_options; i++) {
        const cli_option *o = &v->options[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", o->name[1] ? "--" : "-", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-24s %s\n", left, o->doc);
    }
}

void cli_usage(const cli_verb *v, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "gossamer %s: ", v->name);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nusage: gossamer %s %s\n", v->name, v->usage);
    exit(EXIT_USAGE);
}

int cli_fail(const goss_error *err) {
    fprintf(stderr, "gossamer: %s\n", err->text);
    return err->status == GOSS_E_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_ERROR;
}

int cli_close_stdout(void) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return EXIT_DONE;
    fprintf(stderr, "gossamer: standard output: %s\n", strerror(errno));
    return EXIT_ERROR;
}

static void to_stderr(void *context, goss_log_level level, const char *line) {
    if (level == GOSS_LOG_DEBUG) return;
    fprintf(stderr, "%s%s\n", level == GOSS_LOG_WARN ? "warning: " : "", line);
}

void cli_log_to_stderr(void) { goss_log_set(to_stderr, NULL); }

/* ---- options ---- */

static const cli_option *find(const cli_verb *v, const char *name, size_t length) {
    for (int i = 0; i < v->n_options; i++)
        if (strlen(v->options[i].name) == length && memcmp(v->options[i].name, name, length) == 0)
            return &v->options[i];
    cli_usage(v, "there is no option %s%.*s", length == 1 ? "-" : "--", (int)length, name);
}

/* Takes argv[i] as an option; returns the index of the last argument used. */
static int take(const cli_verb *v, int argc, char **argv, int i) {
    const char *name = argv[i] + strspn(argv[i], "-"), *equals = strchr(name, '=');
    const cli_option *o = find(v, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!o->value) {
        if (equals) cli_usage(v, "--%s takes no value", o->name);
        *o->flag = true;
        return i;
    }
    if (equals) {
        *o->text = equals + 1;
        return i;
    }
    if (i + 1 >= argc) cli_usage(v, "%s needs a value: %s", argv[i], o->value);
    *o->text = argv[i + 1];
    return i + 1;
}

int cli_parse(const cli_verb *v, int argc, char **argv) {
    int words = 0;
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(v);
            return -1;
        }
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && argv[i][0] == '-' && argv[i][1])
            i = take(v, argc, argv, i);
        else
            argv[1 + words++] = argv[i];
    }
    if (words < v->min_words) cli_usage(v, "something is missing");
    if (v->max_words >= 0 && words > v->max_words) cli_usage(v, "\"%s\" is one word too many", argv[1 + v->max_words]);
    return words;
}

int64_t cli_int(const cli_verb *v, const char *name, const char *text, int64_t fallback, int64_t min, int64_t max) {
    if (!text) return fallback;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        cli_usage(v, "--%s %s: an integer from %lld to %lld", name, text, (long long)min, (long long)max);
    return value;
}

/* ---- JSON ---- */

/* Bytes of the UTF-8 sequence at c, 0 when it is none (overlong forms and surrogates count as none). */
static int sequence(const unsigned char *c) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = c[0] < 0x80 ? 1 : c[0] >> 5 == 6 ? 2 : c[0] >> 4 == 14 ? 3 : c[0] >> 3 == 30 ? 4 : 0;
    uint32_t value = n > 1 ? c[0] & (0x7fu >> n) : c[0];
    for (int i = 1; i < n; i++) {
        if (c[i] >> 6 != 2) return 0;
        value = value << 6 | (c[i] & 0x3fu);
    }
    return value < least[n] || value > 0x10ffff || value >> 11 == 0x1b ? 0 : n;
}

/* File names may hold any bytes; what is no UTF-8 becomes U+FFFD, so that the output stays JSON. */
void cli_json_text(const char *text) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int n = sequence(c);
        if (n == 0)
            printf("\\ufffd");
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            fwrite(c, 1, (size_t)n, stdout);
        c += n ? n : 1;
    }
    putchar('"');
}
