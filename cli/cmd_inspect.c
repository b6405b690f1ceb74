/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c: gossamer inspect: metadata and tensors of any safetensors file, and the program in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gossamer/representation.h"
#include "gossamer/safetensors.h"
#include "gossamer/table.h"
#include "inspect_model.h"
#include "inspect_program.h"
#include "inspect_represent.h"
#include "inspect_share.h"
#include "inspect_space.h"
#include "data_kinds.h"
#include "structures.h"

enum { WIDTH = 28 };

/* A multi-line text, indented by the width of the key. */
/* Of a line with numbers as text, such as word vectors, only the beginning; --json has all of it. */
static void print_value(const char *key, const char *value) {
    enum { MOST = 1000 };
    cli_put_name(key, WIDTH);
    for (const char *end;; value = end + 1) {
        const size_t n = strcspn(value, "\n");
        end = value + n;
        char *line = strndup(value, n < MOST ? n : MOST);
        putchar(' ');
        cli_put_name(line ? line : "(out of memory)", 0);
        free(line);
        if (n > MOST) printf(" ... (%zu bytes)", n);
        putchar('\n');
        if (!*end || !end[1]) return;
        printf("%-*s", WIDTH, "");
    }
}

/* ---- numbers, which may be unaligned ---- */

static double of_f64(const void *at) {
    double v;
    memcpy(&v, at, sizeof v);
    return v;
}

static double of_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

static double of_f32(const void *at) {
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return of_bits(bits);
}

static double of_bf16(const void *at) { /* the upper half of a float */
    uint16_t half;
    memcpy(&half, at, sizeof half);
    return of_bits((uint32_t)half << 16);
}

static double of_f16(const void *at) {
    uint16_t h;
    memcpy(&h, at, sizeof h);
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
               : exponent == 0 ? ldexp(fraction, -24)
                               : ldexp(1024 + fraction, exponent - 25);
    return h >> 15 ? -v : v;
}

/* Mean and standard deviation of finite elements, and the number of others. */
static void print_numbers(const goss_file_tensor *t, size_t element, double (*value)(const void *at)) {
    const size_t n = t->size / element;
    size_t finite = 0;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double v = value((const char *)t->data + i * element);
        if (!isfinite(v)) continue;
        double from = v - mean;
        mean += from / (double)++finite;
        squares += from * (v - mean);
    }
    if (finite) printf("  mean %.4g, deviation %.4g", mean, sqrt(squares / (double)finite));
    if (finite < n) printf("  %zu NOT FINITE", n - finite);
}

static const struct {
    const char *dtype;
    size_t element;
    double (*value)(const void *at);
} numbers[] = {{"F64", 8, of_f64}, {"F32", 4, of_f32}, {"F16", 2, of_f16}, {"BF16", 2, of_bf16}};

/* ---- tensors ---- */

static void print_tensor(const goss_file_tensor *t) {
    int wide = 0;
    cli_put_name(t->name, WIDTH);
    putchar(' ');
    cli_put_name(t->dtype, 5);
    putchar(' ');
    if (t->rank == 0) wide = printf("one number");
    for (int i = 0; i < t->rank; i++) wide += printf("%s%lld", i ? " x " : "", (long long)t->shape[i]);
    printf("%*s", wide < 20 ? 20 - wide : 0, "");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].dtype, t->dtype) == 0) print_numbers(t, numbers[i].element, numbers[i].value);
    printf("\n");
}

/* p: the program in the file, or NULL; m: the model if it has regularisers or shared weights, or NULL; s: the space of
 * a model or network, if it has one. */
static void print_text(const goss_safetensors *f, const goss_program *p, const goss_model *m, const cli_space *s) {
    for (int i = 0; i < goss_safetensors_meta_count(f); i++)
        if (!p || strcmp(goss_safetensors_meta_key(f, i), CLI_PROGRAM_KEY) != 0)
            print_value(goss_safetensors_meta_key(f, i), goss_safetensors_meta_value(f, i));
    if (p) cli_print_interface(p, WIDTH);
    printf("\n");
    size_t bytes = 0;
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        print_tensor(goss_safetensors_at(f, i));
        bytes += goss_safetensors_at(f, i)->size;
    }
    printf("%d tensors, %zu bytes\n", goss_safetensors_count(f), bytes);
    if (m && goss_method_share(goss_model_method(m))) cli_print_share(m);
    if (m && cli_has_regularizers(m)) cli_print_regularizers(m);
    if (s->space) printf("\n");
    if (s->space) cli_space_print(s, WIDTH);
    if (!p) return;
    printf("\n");
    cli_print_program(p);
}

static void print_json(const goss_safetensors *f, const goss_program *p, const goss_model *m, const cli_space *s) {
    printf("{\"metadata\": {");
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        printf("%s", i ? ", " : "");
        cli_json_text(goss_safetensors_meta_key(f, i));
        printf(": ");
        cli_json_text(goss_safetensors_meta_value(f, i));
    }
    printf("}, \"tensors\": [");
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        printf("%s{\"name\": ", i ? ", " : "");
        cli_json_text(t->name);
        printf(", \"dtype\": ");
        cli_json_text(t->dtype);
        printf(", \"shape\": [");
        for (int k = 0; k < t->rank; k++) printf("%s%lld", k ? ", " : "", (long long)t->shape[k]);
        printf("]}");
    }
    printf("]");
    if (p) {
        printf(", \"program\": ");
        cli_json_program(p);
    }
    if (m && goss_method_share(goss_model_method(m))) {
        printf(", \"share\": ");
        cli_json_share(m);
    }
    if (m && cli_has_regularizers(m)) {
        printf(", \"regularizers\": ");
        cli_json_regularizers(m);
    }
    if (s->space) {
        printf(", \"space\": ");
        cli_space_json(s);
    }
    printf("}\n");
}

/* The model in a file if it has regularisers or its tasks share weights; NULL otherwise. */
static goss_status open_model(const goss_safetensors *f, const char *path, goss_model **out, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, "gossamer.kind"), *method = goss_safetensors_meta(f, "gossamer.method");
    const bool model = kind && strncmp(kind, "model ", strlen("model ")) == 0;
    *out = NULL;
    if (!model || !(goss_safetensors_meta(f, "regularizers") || (method && strcmp(method, "multitask") == 0)))
        return GOSS_OK;
    return goss_model_load(path, out, err);
}

/* svg: the file to draw a structure to, or NULL. */
static int inspect_file(const goss_safetensors *f, const char *path, bool json, const char *svg) {
    goss_program *program = NULL;
    goss_model *model = NULL;
    cli_space space = {0};
    goss_error err;
    goss_status s = cli_is_program(f) ? goss_program_load(path, &program, NULL, &err) : GOSS_OK;
    if (s == GOSS_OK) s = open_model(f, path, &model, &err);
    if (s == GOSS_OK) s = cli_space_open(f, path, &space, &err);
    if (s == GOSS_OK && svg && !space.space)
        s = goss_error_set(&err, GOSS_E_ARGUMENT,
                           "%s: its text leaves nothing open, so that there is no structure to draw (--svg)", path);
    if (s == GOSS_OK && svg) s = cli_space_draw(&space, svg, &err);
    if (s == GOSS_OK) (json ? print_json : print_text)(f, program, model, &space);
    cli_space_free(&space);
    goss_program_free(program);
    goss_model_free(model);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}

/* Of a format that becomes a table, and no model, the error of a table alone says what to do. */
static bool becomes_table(const char *path, goss_error *why) {
    goss_table *t = NULL;
    const bool failed = goss_table_becomes(path) && goss_table_open(path, NULL, &t, why) != GOSS_OK;
    goss_table_close(t);
    return failed;
}

/* Neither: the library's error says only that it is not a safetensors file. */
static int refuse(const char *path, const goss_error *err) {
    struct stat st;
    const bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    const size_t n = strlen(path), end = strlen(".safetensors");
    if (folder) {
        cli_tell(
            "gossamer: %s: is a folder without tables (csv, ARFF, .npy, .npz); to see a model, name its file, as a "
            "run's %s/model.safetensors",
            path, path);
        return EXIT_ERROR;
    }
    goss_error why;
    const bool named = n >= end && strcmp(path + n - end, ".safetensors") == 0;
    if (err->status != GOSS_E_FORMAT || named) return cli_fail(err);
    const bool other = becomes_table(path, &why);
    const int status = cli_fail(other ? &why : err);
    cli_tell(other ? "Nor is it a model or network (a safetensors file)"
                   : "Nor is it a table: csv, ARFF, .npy, .npz, or a folder or .zip of them");
    return status;
}

static goss_status check_drawing(const char *svg, const char *read, goss_error *err) {
    cli_inputs in = {0};
    cli_inputs_add(&in, read);
    const goss_status s = cli_check_output("--svg", svg, ".svg", &in, err);
    cli_inputs_free(&in);
    return s;
}

enum { OF_A_TABLE = 1, OF_SAMPLES = 2 };

/* Samples are run through a model, and nothing else is shown then. */
static void check_samples(const cli_verb *v, const char *file, const char *given, const cli_represent *r,
                          const char *input, bool tensors, const char *svg) {
    if (!given) return;
    if (!r->data && !r->split) cli_usage(v, "--%s is of samples: give --data DATA or --split PART, too", given);
    if (r->split && !cli_represent_split(r->split))
        cli_usage(v, "--split %s: it is test, validation or training", r->split);
    if (input || tensors || svg)
        cli_usage(v, "--%s runs samples through a model: leave --%s out", given,
                  input     ? "input"
                  : tensors ? "tensors"
                            : "svg");
    if (goss_table_is(file)) cli_usage(v, "--%s is for a model, and %s is a table", given, file);
    if (cli_first_of(v, OF_A_TABLE))
        cli_usage(v, "--%s is of a table, and --%s of a model", cli_first_of(v, OF_A_TABLE), given);
}

/* What is asked for has to be of what the file is. */
static void check_kinds(const cli_verb *v, const char *file, const char *input, bool tensors, const char *svg) {
    if (input && tensors) cli_usage(v, "--input is for the text of a network, --tensors for a model");
    if (svg && !input && (tensors || goss_table_is(file)))
        cli_usage(v, "--svg draws the structure of a network; there is none %s",
                  tensors ? "with --tensors" : "in a table");
    if (tensors && goss_table_is(file)) cli_usage(v, "--tensors is for a model, and %s is a table", file);
}

int cmd_inspect(int argc, char **argv) {
    bool json = false, tensors = false;
    const char *svg = NULL, *input = NULL;
    int outputs = 0;
    int64_t bytes = 0;
    cli_table_view table = {0};
    cli_represent samples = {0};
    const cli_option options[] = {
        CLI_FLAG("json", &json, "one JSON object"),
        CLI_FLAG("tensors", &tensors,
                 "of a model: the values that [regularizer.NAME] on = ... can name, with their shapes"),
        CLI_TEXT_OF(
            OF_SAMPLES, "data", "DATA", &samples.data,
            "of a model: runs the samples of its training run, at DATA, through it, and measures what "
            "it\n                           publishes: effective rank, entropy, dead units, similarity of tasks"),
        CLI_TEXT_OF(OF_SAMPLES, "split", "PART", &samples.split,
                    "test, validation or training samples (the first that the run has); alone: DATA where the run had "
                    "it"),
        CLI_TEXT_OF(OF_SAMPLES, "on", "PATTERN", &samples.on, "the values to measure (" GOSS_REPRESENTATIONS ")"),
        CLI_INT_OF(OF_SAMPLES, "threads", "N", &samples.threads, "", 0, 1024, "(all)"),
        CLI_TEXT("svg", "FILE", &svg,
                 "draws the structure of a network, or the largest one of a model, to an SVG file"),
        CLI_TEXT("input", "HxWxC", &input,
                 "FILE is the text of a network (as model.backbone), for such images; LxC: sequences, D: features"),
        CLI_INT("outputs", "N", &outputs, "0", 0, 1 << 20, "of its head; 0: none"),
        CLI_FORM("budget", "BYTES", cli_bytes_form, &bytes,
                 "the text of the network that has the same share of every layer within a budget, as 8KB"),
        CLI_TEXT_OF(OF_A_TABLE, "target", "COLUMN", &table.roles.target, "of a table: the column to predict"),
        CLI_TEXT_OF(OF_A_TABLE, "task", "COLUMN", &table.roles.task,
                    "the column that identifies tasks; file: the file of a row"),
        CLI_TEXT_OF(OF_A_TABLE, "ignore", "A,B", &table.roles.ignore, "columns that are not used"),
        CLI_TEXT_OF(OF_A_TABLE, "categorical", "A,B", &table.options.categorical,
                    "columns that are categories although they contain numbers"),
        CLI_TEXT_OF(OF_A_TABLE, "separator", "C", &table.separator, "of a csv file: , ; | tab or blank (detected)"),
        CLI_TEXT_OF(OF_A_TABLE, "decimal", "C", &table.decimal, "its decimal sign: . or , (detected)"),
        CLI_TEXT_OF(OF_A_TABLE, "header", "WHAT", &table.header,
                    "yes, no or auto: whether its first row is a header (auto)"),
        CLI_TEXT_OF(OF_A_TABLE, "missing", "A,B", &table.options.missing,
                    "texts of missing values (NA,N/A,NaN,nan,?,null,NULL)"),
    };
    const cli_verb v = {
        .name = "inspect",
        .usage =
            "FILE [--json] [--tensors] [--data DATA] [--svg FILE] [--input HxWxC] [--target COLUMN] [--task COLUMN] "
            "...",
        .doc = "Validates a safetensors file (a model, network or checkpoint, or any other) and shows its metadata and "
               "tensors;\nof a program also its interface and operations, of a model also what its tasks share, what "
               "its regularisers added and\nlearned, and how many networks its text leaves open; of a network that was "
               "chosen among them\nwhat was kept. Of a table (csv, ARFF, .npy, .npz; a folder or .zip of them) it "
               "shows columns, types and roles, and\nfindings to review before training. With --input FILE is the text "
               "of a "
               "network: what its layers cost, and how many\nnetworks it leaves open. With --data or --split it shows "
               "what a model makes of samples.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    char found[CLI_MODEL_PATH];
    const char *file = cli_model_path(argv[1], found);
    const char *of_samples = cli_first_of(&v, OF_SAMPLES);
    check_samples(&v, file, of_samples, &samples, input, tensors, svg);
    if (outputs && !input) cli_usage(&v, "--outputs is for the text of a network; give --input, too");
    if (bytes && !input) cli_usage(&v, "--budget is for the text of a network; give --input, too");
    check_kinds(&v, file, input, tensors, svg);
    goss_error err;
    if (check_drawing(svg, file, &err) != GOSS_OK) return cli_fail(&err);
    if (input) return cli_inspect_text(file, input, outputs, bytes, json, svg);
    if (tensors) return cli_inspect_published(file, json);
    if (of_samples) return cli_inspect_represent(file, &samples, json);
    const cli_kind *kind = cli_kind_at(file);
    if (kind->inspect) return kind->inspect(file, &table, json);
    goss_safetensors *f;
    if (goss_safetensors_open(file, &f, &err) != GOSS_OK) return refuse(file, &err);
    const char *of_a_table = cli_first_of(&v, OF_A_TABLE);
    if (of_a_table) cli_usage(&v, "--%s is of a table, and %s is a safetensors file", of_a_table, file);
    const int status = inspect_file(f, file, json, svg);
    goss_safetensors_close(f);
    return status;
}
