/* SPDX-License-Identifier: Apache-2.0 */
/* data_vectors.c: gossamer data vectors: word vectors, trained on the texts of a table's column or on lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "data_made.h"
#include "gossamer/file.h"
#include "gossamer/table.h"
#include "gossamer/vectors.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* All texts of all files. */
typedef struct corpus {
    char **text;
    int n, room;
} corpus;

static void free_corpus(corpus *c) {
    for (int i = 0; i < c->n; i++) free(c->text[i]);
    free(c->text);
}

static goss_status add_text(corpus *c, const char *text, goss_error *err) {
    if (c->n == c->room) {
        const int room = c->room ? 2 * c->room : 1024;
        char **more = realloc(c->text, (size_t)room * sizeof *more);
        if (!more) return no_memory(err);
        c->text = more, c->room = room;
    }
    c->text[c->n] = strdup(text);
    return c->text[c->n] ? c->n++, GOSS_OK : no_memory(err);
}

static goss_status add_table(corpus *c, const char *path, const char *column, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    char buffer[GOSS_CELL_TEXT], *quoted;
    goss_table *t;
    int k = -1;
    if (asprintf(&quoted, strchr(column, '"') ? "%s" : "\"%s\"", column) < 0) return no_memory(err);
    o.categorical = quoted, o.optional = true; /* that it is missing is told below, as --column */
    goss_status s = goss_table_open(path, &o, &t, err);
    free(quoted);
    GOSS_TRY(s);
    s = goss_table_need(t, column, "--column", &k, err);
    for (int r = 0; s == GOSS_OK && r < goss_table_rows(t); r++)
        if (!goss_table_missing(t, k, r)) s = add_text(c, goss_table_text(t, k, r, buffer), err);
    goss_table_close(t);
    return s;
}

static bool begins_with_mark(const char *line) { return strncmp(line, "\xef\xbb\xbf", 3) == 0; } /* of byte order */

/* A text a line. */
static goss_status add_lines(corpus *c, const char *path, goss_error *err) {
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int at = 0;
    goss_status s = GOSS_OK;
    if (!f) return goss_error_set(err, GOSS_E_IO, "%s: cannot be opened", path);
    while (s == GOSS_OK && (n = getline(&line, &room, f)) >= 0) {
        const int skip = ++at == 1 && begins_with_mark(line) ? 3 : 0;
        while (n > skip && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = 0;
        if (memchr(line, 0, (size_t)n))
            s = goss_error_set(err, GOSS_E_FORMAT, "%s:%d: a zero byte: this is no text", path, at);
        else if (n > skip)
            s = add_text(c, line + skip, err);
    }
    if (s == GOSS_OK && ferror(f)) s = goss_error_set(err, GOSS_E_IO, "%s: cannot be read", path);
    free(line);
    if (f != stdin) fclose(f);
    return s;
}

static void show(void *context, double share) {
    (void)context;
    fprintf(stderr, "\r\033[K%d %%", (int)(100 * share));
    fflush(stderr);
}

static goss_status make(const corpus *c, const goss_vectors_options *o, const char *out, goss_error *err) {
    goss_vectors *v;
    goss_status s = goss_vectors_train((const char *const *)c->text, c->n, o, &v, err);
    if (o->progress) fprintf(stderr, "\r\033[K");
    GOSS_TRY(s);
    s = goss_vectors_write(v, out, err);
    if (s == GOSS_OK)
        cli_tell("%d texts became %d word vectors of %d numbers, and %d of n-grams", c->n, goss_vectors_count(v),
                 goss_vectors_width(v), o->buckets);
    goss_vectors_free(v);
    return s;
}

int data_vectors(int argc, char **argv) {
    goss_vectors_options o = goss_vectors_options_defaults();
    const char *out = NULL, *column = NULL;
    const cli_option options[] = {
        CLI_TEXT("o", "FILE", &out, "file to write: .safetensors, or .vec or .txt for words alone, as text"),
        CLI_TEXT("column", "NAME", &column, "FILEs are tables, and the texts are in this column; else a text a line"),
        CLI_TEXT("fold", "FORM", &o.fold, "case (default), nfkc or none, as data.fold"),
        CLI_INT("width", "N", &o.width, "64", 1, 4096, "numbers of a vector"),
        CLI_INT("least", "N", &o.least, "2", 1, 1e9, "words that occur less often have no vector of their own"),
        CLI_INT("window", "N", &o.window, "5", 1, 1000, "neighbours on each side, at most"),
        CLI_INT("negatives", "N", &o.negatives, "5", 1, 1000, "words that each neighbour is told from"),
        CLI_INT("epochs", "N", &o.epochs, "5", 1, 100000, "passes over the texts"),
        CLI_INT("buckets", "N", &o.buckets, "16384", 0, 1 << 26,
                "vectors of character n-grams, for words that are not known; 0: none"),
        CLI_INT("shortest", "N", &o.grams[0], "3", 1, 20, "characters of an n-gram"),
        CLI_INT("longest", "N", &o.grams[1], "5", 1, 20, "the same, at most"),
        CLI_REAL("rate", "X", &o.rate, "0.05", 1e-6, 10, "learning rate at the beginning"),
        CLI_REAL("sample", "X", &o.sample, "0.001", 0, 1, "words of a larger share are left out at random; 0: none"),
        CLI_INT("seed", "S", &o.seed, "1", 0, 9007199254740991, "of first values and draws"),
    };
    const cli_verb v = {.name = "data",
                        .usage = "vectors FILE... -o FILE [--column NAME] [options]",
                        .doc = "Trains word vectors on texts (skip-gram with character n-grams and negative sampling), "
                               "for data.vectors:\nuse the texts to train on alone.",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 2,
                        .max_words = -1};
    corpus c = {0};
    goss_error err;
    const int words = cli_parse(&v, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (strcmp(argv[1], "vectors") != 0) cli_usage(&v, "\"%s\" stands before the word vectors", argv[1]);
    if (!out) cli_usage(&v, "-o is missing");
    cli_log_to_stderr();
    const size_t size = strlen(out);
    const bool text = size > 4 && strcmp(out + size - 4, ".vec") == 0;
    goss_status s =
        goss_output_check(out, text ? ".vec" : GOSS_OUTPUT_MODEL, (const char *const *)(argv + 2), words - 1, &err);
    for (int i = 2; s == GOSS_OK && i <= words; i++)
        s = column ? add_table(&c, argv[i], column, &err) : add_lines(&c, argv[i], &err);
    if (isatty(STDERR_FILENO)) o.progress = show;
    o.stop = cli_catch_signals();
    if (s == GOSS_OK) s = make(&c, &o, out, &err);
    cli_release_signals();
    free_corpus(&c);
    if (s != GOSS_OK) return cli_fail(&err);
    cli_put_path(out);
    return cli_close_stdout();
}
