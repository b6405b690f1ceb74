/* main.c: the command `gossamer`: picks a verb. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gossamer/model.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *doc;
} verbs[] = {
    {"train", cmd_train, "train a hypernetwork (or what it is raced against) from a configuration"},
    {"eval", cmd_eval, "judge a model on tasks it has never seen, beside other methods on the same tasks"},
    {"adapt", cmd_adapt, "a few labelled images of new classes become a network"},
    {"predict", cmd_predict, "classify images with such a network"},
    {"convert", cmd_convert, "write a model with its weights in another type: half the bytes"},
    {"inspect", cmd_inspect, "show what a model, network or any safetensors file holds"},
    {"data", cmd_data, "make data: data glyphs renders the characters of installed fonts"},
    {"doctor", cmd_doctor, "show what this build and this machine have"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void help(FILE *to) {
    fprintf(to, "gossamer %s: networks that generate networks\n\nusage: gossamer VERB ...\n\n", goss_version());
    for (int i = 0; i < VERBS; i++) fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].doc);
    fprintf(to, "\ngossamer VERB --help tells more.\n");
}

int main(int argc, char **argv) {
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("gossamer %s\n", goss_version());
        return cli_close_stdout();
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return cli_close_stdout();
    }
    for (int i = 0; i < VERBS; i++)
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    fprintf(stderr, "gossamer: there is no verb \"%s\"\n", argv[1]);
    help(stderr);
    return EXIT_USAGE;
}
