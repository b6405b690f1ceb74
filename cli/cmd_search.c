/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_search.c: gossamer search: a network out of a space, by scores with generated weights, beside random search and
 * successive halving at equal cost. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "config_words.h"
#include "gossamer/file.h"
#include "search_report.h"
#include "structures.h"

/* ---- progress ---- */

typedef struct display {
    bool terminal;
    time_t told;
} display;

static void show(void *context, const char *what, int64_t done, int64_t all) {
    display *d = context;
    const time_t now = time(NULL);
    if (done < all && now - d->told < (d->terminal ? 1 : 15)) return;
    d->told = now;
    fprintf(stderr, "%s%s %lld of %lld%s", d->terminal ? "\r\033[K" : "", what, (long long)done, (long long)all,
            d->terminal && done < all ? "" : "\n");
    fflush(stderr);
}

/* ---- options ---- */

static goss_status read_methods(const char *text, void *to, goss_error *err) {
    goss_search_options o;
    return goss_search_methods_parse(text, to ? to : &o, err);
}

/* "0,1,5" */
static goss_status read_starts(const char *text, void *to, goss_error *err) {
    static const goss_key epochs = {
        .name = "", .type = GOSS_KEY_REAL, .fallback = "0", .min = 0, .max = 1e6, .field = {GOSS_FIELD_DOUBLE, 0}};
    goss_search_options unused, *o = to ? to : &unused;
    char *copy = strdup(text), *rest = copy, *word;
    goss_status s = copy ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (o->n_starts = 0; s == GOSS_OK && (word = strsep(&rest, ","));) {
        if (o->n_starts == GOSS_SEARCH_STARTS)
            s = goss_error_set(err, GOSS_E_ARGUMENT, "more than %d epochs", GOSS_SEARCH_STARTS);
        else
            s = goss_key_parse(&epochs, word + strspn(word, " "), &o->starts[o->n_starts++], err);
    }
    free(copy);
    return s;
}

typedef struct request {
    goss_search_options o;
    const char *data, *out;
    bool json;
} request;

/* ---- the verb ---- */

static goss_status run(const goss_config *c, request *q, goss_error *err) {
    goss_search *s;
    display d = {.terminal = isatty(STDERR_FILENO)};
    q->o.progress = show, q->o.context = &d;
    GOSS_TRY(goss_search_open(c, &q->o, &s, err));
    goss_status status = q->out ? goss_search_check_output(s, q->out, err) : GOSS_OK;
    if (status == GOSS_OK) status = goss_search_run(s, err);
    if (status == GOSS_OK && q->out) status = goss_search_write(s, q->out, err);
    if (status == GOSS_OK && q->json) search_json(s, q->out);
    if (status == GOSS_OK && !q->json) search_print(s);
    goss_search_free(s);
    return status;
}

static int print_keys(void) {
    int n;
    const goss_key *keys = goss_search_keys(&n);
    printf("[search]\n");
    for (int i = 0; i < n; i++)
        if (strncmp(keys[i].name, "search.", 7) == 0)
            printf("# %s\n%s = %s\n", keys[i].doc, keys[i].name + 7, keys[i].fallback);
    return cli_close_stdout();
}

static int search(int words, char **word, request *q) {
    goss_error err;
    goss_config *c;
    int n;
    const goss_key *keys = goss_search_keys(&n);
    cli_log_to_stderr();
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    goss_status s = cli_read_config_without(c, "compare.*,model.*.*", words, word, &err);
    if (s == GOSS_OK && q->data) s = goss_error_prefix(&err, goss_config_set(c, "data.path", q->data, &err), "--data");
    if (s == GOSS_OK && q->out)
        s = goss_output_check(q->out, GOSS_OUTPUT_MODEL, (const char *const *)word, words, &err);
    if (s == GOSS_OK) s = run(c, q, &err);
    const int status = s == GOSS_OK ? EXIT_DONE : cli_fail(&err);
    goss_config_free(c);
    if (status == EXIT_DONE && q->out && !q->json) cli_put_path(q->out);
    const int closed = cli_close_stdout();
    return status != EXIT_DONE ? status : closed;
}

int cmd_search(int argc, char **argv) {
    request q = {.o = goss_search_defaults()};
    bool keys_only = false;
    const cli_option options[] = {
        CLI_TEXT("data", "PATH", &q.data,
                 "instead of data.path: images in classes (a folder, .zip or idx file) or a table"),
        CLI_INT("trials", "N", &q.o.trials, "100", 2, 1000000, "structures that are drawn and scored"),
        CLI_INT_OF(1, "train", "K", &q.o.train, "10", 1, 1000000, "the best of them that are trained"),
        CLI_FORM("method", "LIST", read_methods, &q.o,
                 "smash, ghn, random, halving, several with commas between them (smash,random,halving)"),
        CLI_FORM("budget", "BYTES", cli_bytes_form, &q.o.budget.bytes,
                 "most bytes of a network's tensors, as 8KB (KB = 1024)"),
        CLI_FORM("max-macs", "N", cli_count_form, &q.o.budget.macs,
                 "most multiply-accumulates for one sample, as 200k"),
        CLI_FORM("max-ram", "BYTES", cli_bytes_form, &q.o.budget.ram, "most bytes of activations for one sample"),
        CLI_FORM("starts", "EPOCHS", read_starts, &q.o,
                 "also compare generated weights with ordinary ones to start from, after so many epochs, as 0,1,5"),
        CLI_FLAG("json", &q.json, "one JSON object instead of tables"),
        CLI_TEXT(
            "o", "RUN.ini", &q.out,
            "write the best network as a configuration, with its model RUN.safetensors and one of generated weights, "
            "RUN-start.safetensors"),
        CLI_FLAG("keys", &keys_only, "print the keys of [search] with defaults and descriptions"),
    };
    const cli_verb v = {
        .name = "search",
        .usage =
            "SPACE.ini [section.key=value ...] [--data PATH] [--trials N] [--train K] [--method LIST] [--json] [-o "
            "RUN.ini]",
        .doc = "Finds a network in a space, a model.backbone with choices, for one set of samples. A hypernetwork is "
               "trained once to\n"
               "generate weights for any structure of the space (smash: from its gates; ghn: from its graph of "
               "operations). With such\n"
               "weights N drawn structures are scored without training, and the best K are trained. Random search and "
               "successive\n"
               "halving at equal cost are reported beside it, and how well scores predict what training gives "
               "(Kendall's tau).",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 0,
        .max_words = -1};
    const int words = cli_parse(&v, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (keys_only) return print_keys();
    if (words == 0) cli_usage(&v, "SPACE.ini is missing");
    if (q.o.train > q.o.trials) {
        if (cli_first_of(&v, 1))
            cli_usage(&v, "--train %d: of the structures that --trials draws the best are trained, and it draws %d",
                      q.o.train, q.o.trials);
        q.o.train = q.o.trials;
    }
    return search(words, argv + 1, &q);
}
