/* cmd_inspect.c: gossamer inspect: metadata and tensors of any safetensors file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gossamer/safetensors.h"
#include "gossamer/table.h"
#include "inspect_table.h"

static void print_value(const char *key, const char *value) {
    printf("%-28s ", key);
    for (; *value; value++) {
        putchar(*value == '\t' ? ' ' : *value);
        if (*value == '\n' && value[1]) printf("%-28s ", "");
    }
    printf("\n");
}

/* Mean and standard deviation of numbers that may be unaligned. */
static void print_numbers(const goss_file_tensor *t) {
    const bool bf16 = strcmp(t->dtype, "BF16") == 0; /* the upper half of a float */
    const size_t element = bf16 ? 2 : sizeof(float), n = t->size / element;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        float v;
        memcpy(&bits, (const char *)t->data + i * element, element);
        if (bf16) bits <<= 16;
        memcpy(&v, &bits, sizeof v);
        sum += (double)v, squares += (double)v * (double)v;
    }
    double mean = n ? sum / (double)n : 0, variance = n ? squares / (double)n - mean * mean : 0;
    printf("  mean %.4g, deviation %.4g", mean, variance > 0 ? sqrt(variance) : 0);
}

static void print_tensor(const goss_file_tensor *t) {
    char shape[160] = "";
    size_t at = 0;
    for (int i = 0; i < t->rank; i++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%lld", i ? " x " : "", (long long)t->shape[i]);
    printf("%-28s %-5s %-20s", t->name, t->dtype, t->rank ? shape : "one number");
    if (strcmp(t->dtype, "F32") == 0 || strcmp(t->dtype, "BF16") == 0) print_numbers(t);
    printf("\n");
}

static void print_text(const goss_safetensors *f) {
    for (int i = 0; i < goss_safetensors_meta_count(f); i++)
        print_value(goss_safetensors_meta_key(f, i), goss_safetensors_meta_value(f, i));
    printf("\n");
    size_t bytes = 0;
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        print_tensor(goss_safetensors_at(f, i));
        bytes += goss_safetensors_at(f, i)->size;
    }
    printf("%d tensors, %zu bytes\n", goss_safetensors_count(f), bytes);
}

static void print_json(const goss_safetensors *f) {
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
        printf(", \"dtype\": \"%s\", \"shape\": [", t->dtype);
        for (int k = 0; k < t->rank; k++) printf("%s%lld", k ? ", " : "", (long long)t->shape[k]);
        printf("]}");
    }
    printf("]}\n");
}

int cmd_inspect(int argc, char **argv) {
    bool json = false;
    cli_table_view table = {0};
    const cli_option options[] = {
        {"json", NULL, "one JSON object", NULL, &json},
        {"target", "COLUMN", "of a table: what is to be predicted", &table.roles.target, NULL},
        {"task", "COLUMN", "what tells tasks apart; file: the file a row comes from", &table.roles.task, NULL},
        {"ignore", "A,B", "columns that are not used", &table.roles.ignore, NULL},
        {"categorical", "A,B", "columns that are categories although they hold numbers", &table.options.categorical, NULL},
        {"separator", "C", "of a csv file: , ; | tab or blank (found)", &table.separator, NULL},
        {"decimal", "C", "its decimal sign: . or , (found)", &table.decimal, NULL},
        {"header", "WHAT", "yes, no or auto: whether its first row names the columns (auto)", &table.header, NULL},
        {"missing", "A,B", "what stands for a missing value (NA,N/A,NaN,nan,?,null,NULL)", &table.options.missing, NULL},
    };
    const cli_verb v = {.name = "inspect",
                        .usage = "FILE [--json] [--target COLUMN] [--task COLUMN] [--ignore A,B] ...",
                        .doc = "Checks a safetensors file (a model, a network, a checkpoint, anyone's) and shows its "
                               "metadata and tensors.\n"
                               "Of a table (csv, ARFF, .npy, .npz; a folder or .zip of them) it shows the columns, their "
                               "types and\nwhat they seem to be for, and what to look at before training.",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 1,
                        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (goss_table_is(argv[1])) return cli_inspect_table(argv[1], &table, json);
    goss_error err;
    goss_safetensors *f;
    if (goss_safetensors_open(argv[1], &f, &err) != GOSS_OK) return cli_fail(&err);
    (json ? print_json : print_text)(f);
    goss_safetensors_close(f);
    return cli_close_stdout();
}
