/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c: gossamer predict. What a network's kind of data is read and answered as is in the kind's own file
 * (data_kinds.h). */
#include <string.h>

#include "data_kinds.h"

static int no_network(const char *path, const cli_kind *kind) {
    goss_error err;
    goss_error_set(&err, GOSS_E_FORMAT, "%s: a network of kind \"%s\", which adapting never makes", path, kind->name);
    return cli_fail(&err);
}

/* "-" is the stream of standard output, which replaces no file. */
static goss_status check_output(const predict_request *q, goss_error *err) {
    cli_inputs in = {0};
    if (!q->out || strcmp(q->out, "-") == 0) return GOSS_OK;
    cli_inputs_add(&in, q->network);
    for (int i = 0; i < q->n; i++) cli_inputs_add(&in, q->inputs[i]);
    const goss_status s = cli_check_output("-o", q->out, ".csv prediction bits", &in, err);
    cli_inputs_free(&in);
    return s;
}

static int run(const cli_verb *verb, const predict_request *q) {
    goss_error err;
    goss_network *n;
    const cli_kind *kind;
    if (check_output(q, &err) != GOSS_OK) return cli_fail(&err);
    if (goss_network_load(q->network, &n, &err) != GOSS_OK) {
        char path[CLI_MODEL_PATH];
        if (cli_model_path(q->network, path) != q->network)
            cli_tell(
                "%s is a model that comes with the program; for a network: gossamer adapt %s --support DATA -o NET",
                q->network, q->network);
        return cli_fail(&err);
    }
    int status;
    if (cli_kind_of(goss_network_data(n), q->network, &kind, &err) == GOSS_OK) {
        cli_refuse_other_kinds(verb, kind, q->network);
        status = kind->predict ? kind->predict(n, verb, q) : no_network(q->network, kind);
    } else {
        status = cli_fail(&err);
    }
    goss_network_free(n);
    return status;
}

int cmd_predict(int argc, char **argv) {
    predict_request q = {0};
    const cli_option options[] = {
        CLI_TEXT_OF(KIND_TABLES | KIND_TEXTS, "o", "OUT.csv", &q.out,
                    "tables, texts: the file to write (standard output)"),
        CLI_FLAG_OF(KIND_SOUNDS, "stream", &q.stream,
                    "sounds: the input is a stream of signed 16-bit samples, mono; a JSON object per event in it"),
        CLI_INT_OF(KIND_SOUNDS, "rate", "HERTZ", &q.rate, "", 1000, 384000,
                   "samples a second of a stream (the network's)"),
        CLI_FLAG(
            "json", &q.json,
            "one JSON object per image or sound: input, class, probability, probabilities (or error); per row: file, "
            "line, prediction ...; per item: rank, item, name, prediction ..."),
        CLI_INT_OF(KIND_RATINGS, "top", "N", &q.top, "", 1, 1 << 30, "ratings: how many items to recommend"),
        CLI_INT_OF(KIND_TABLES, "continue", "N", &q.more, "", 1, 1000000,
                   "language models: N tokens that follow TEXT, or begin a text"),
        CLI_REAL("temperature", "X", &q.temperature, "1", 0, 100,
                 "of --continue: below 1 likely tokens are likelier; 0: always the likeliest"),
        CLI_INT("seed", "S", &q.seed, "1", 0, 9007199254740991, "of --continue: another seed, another text"),
        CLI_INT_OF(KIND_RATINGS, "min-ratings", "N", &q.min_ratings, "0", 0, 1 << 30,
                   "ratings: only items that so many training users have rated"),
    };
    const cli_verb v = {
        .name = "predict",
        .usage =
            "NET IMAGE|SOUND|FOLDER|ZIP|TABLE|-... [-o OUT.csv] [--json] [--stream [--rate HERTZ]], or NET --top N "
            "[--json], or NET --continue N [TEXT]",
        .doc = "Classifies images or sounds with a network written by gossamer adapt: files, all of a folder or "
               "(images) a .zip, "
               "or -\nfor standard input. Prints a line for each: file, class, probability, separated by tabs; for an "
               "ensemble also\nthe uncertainty: the disagreement of its networks in nats. Unreadable ones are "
               "reported on standard\nerror, with --json on standard output too; the others are classified, and the "
               "status is 1.\nIn names, tab is written \\t, line feed \\n, backslash \\\\, other control characters "
               "and invalid UTF-8\n\\xE9; with --json only backslash and invalid UTF-8.\nWith a network for tables: "
               "writes the rows of a table as csv with an additional column prediction (and\nprobability; or low and "
               "high, a 95 % interval; or q0.1 ..., quantiles). A target column is kept and not used.\nWith a "
               "language model: a column bits, the bits a token of each text; with one that labels tokens, their "
               "labels.\nWith a "
               "network for ratings: the items that were not rated, best first: predicted rating, name, and the "
               "rated\nones that are most like it, with their ratings.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = -1};
    const int words = cli_parse(&v, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (words == 1 && !q.top && !q.more)
        cli_usage(&v, "IMAGE|SOUND|FOLDER|ZIP|TABLE|-... is missing; or --top N, for a network of ratings; or "
                      "--continue N, for a language model");
    if (!q.more && (q.temperature != 1 || q.seed != 1))
        cli_usage(&v, "--temperature and --seed are of --continue N, which is missing");
    q.network = argv[1], q.inputs = argv + 2, q.n = words - 1;
    cli_log_to_stderr();
    return run(&v, &q);
}
