/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the command `gossamer`: dispatches verbs. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gossamer/model.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *doc;
} verbs[] = {
    {"init", cmd_init, "inspect data and write a configuration for training"},
    {"check", cmd_check, "check a configuration and its data before training"},
    {"train", cmd_train, "train a hypernetwork (or another method) from a configuration"},
    {"eval", cmd_eval, "evaluate a model on unseen tasks, beside other methods on the same tasks"},
    {"compare", cmd_compare, "compare structures between tasks: models x regularisers x seeds, per task"},
    {"search", cmd_search, "find a network in a space: generated weights score structures without training them"},
    {"adapt", cmd_adapt, "a few labelled samples of new classes or of a new task become a network"},
    {"predict", cmd_predict, "classify images, sounds or texts, predict rows, recommend items, with such a network"},
    {"play", cmd_play, "show an agent in a task of its environment, as text"},
    {"convert", cmd_convert, "write a model with its hypernetwork's weights as bfloat16"},
    {"inspect", cmd_inspect, "show the content of a model, a network, any safetensors file or a table"},
    {"data", cmd_data,
     "make data: glyphs, rendered from installed fonts; tables, drawn from the prior; word vectors, from texts"},
    {"doctor", cmd_doctor, "show the capabilities of this build and machine"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void help(FILE *to) {
    fprintf(to, "gossamer %s: networks that generate networks\n\nusage: gossamer VERB ...\n\n", goss_version());
    for (int i = 0; i < VERBS; i++) fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].doc);
    fprintf(to, "\ngossamer VERB --help has details.\n");
}

/* The edit distance of a and b. */
static size_t distance(const char *a, const char *b) {
    enum { MOST = 31 };
    size_t row[MOST + 1], n = strlen(b);
    if (n > MOST || strlen(a) > MOST) return SIZE_MAX;
    for (size_t i = 0; i <= n; i++) row[i] = i;
    for (size_t k = 1; *a; a++, k++) {
        size_t before = row[0]; /* of the row above, one to the left */
        row[0] = k;
        for (size_t i = 1; i <= n; i++) {
            size_t least = before + (*a != b[i - 1]);
            if (row[i] + 1 < least) least = row[i] + 1;
            if (row[i - 1] + 1 < least) least = row[i - 1] + 1;
            before = row[i], row[i] = least;
        }
    }
    return row[n];
}

/* The verb with that prefix, or within a small edit distance; NULL: none. */
static const char *nearest(const char *word) {
    const char *found = NULL;
    size_t n = strlen(word), least = n / 3 + 2; /* below this */
    for (int i = 0; i < VERBS; i++) {
        size_t d = n > 1 && strncmp(word, verbs[i].name, n) == 0 ? 0 : distance(word, verbs[i].name);
        if (d < least) least = d, found = verbs[i].name;
    }
    return found;
}

static int run_verb(const char *name, int argc, char **argv) {
    for (int i = 0; i < VERBS; i++)
        if (strcmp(name, verbs[i].name) == 0) return verbs[i].run(argc, argv);
    const char *near = nearest(name);
    cli_tell("gossamer: there is no verb \"%s\"%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
             near ? "?" : "");
    help(stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    cli_open_streams();
    opterr = 0;                                              /* it would print the option as it is */
    switch (getopt_long(argc, argv, "+hV", options, NULL)) { /* up to the verb */
    case 'h':
        help(stdout);
        return cli_close_stdout();
    case 'V':
        printf("gossamer %s\n", goss_version());
        return cli_close_stdout();
    case '?':
        cli_tell("gossamer: there is no option %s; gossamer --help shows what there is", argv[1]);
        return EXIT_USAGE;
    default:
        break;
    }
    argc -= optind, argv += optind;
    if (argc == 0) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[0], "help") != 0) return run_verb(argv[0], argc, argv);
    if (argc > 1) return run_verb(argv[1], 2, (char *[]){argv[1], "--help", NULL});
    help(stdout);
    return cli_close_stdout();
}
