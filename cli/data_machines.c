/* SPDX-License-Identifier: Apache-2.0 */
/* data_machines.c: gossamer data machines: series of machines that wear out (gossamer/machines.h), a csv file in long
 * form. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data_made.h"
#include "gossamer/machines.h"
#include "gossamer/table.h"

enum { PATH_ROOM = 4096 };

typedef struct request {
    const char *out;
    int count;
    uint64_t first;
    goss_machines_options o;
} request;

/* Six decimals: more than is measured. */
static double shortened(double v) { return round(v * 1e6) / 1e6; }

static void put_machine(goss_csv *csv, uint64_t k, int steps, const double *time, const double *load, const double *y) {
    char name[32];
    snprintf(name, sizeof name, "m%05llu", (unsigned long long)k + 1);
    for (int i = 0; i < steps; i++) {
        goss_csv_text(csv, name);
        goss_csv_number(csv, shortened(time[i])), goss_csv_number(csv, shortened(load[i]));
        goss_csv_number(csv, shortened(y[i])); /* empty where it was not measured */
        goss_csv_row(csv);
    }
}

static goss_status write_file(const request *q, const char *path, double *room, goss_error *err) {
    static const char *const names[] = {"machine", "time", "load", "vibration"};
    double *time = room, *load = room + q->o.steps, *y = load + q->o.steps;
    goss_csv *csv;
    GOSS_TRY(goss_csv_create(path, &csv, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) goss_csv_text(csv, names[i]);
    goss_csv_row(csv);
    for (int i = 0; i < q->count; i++) {
        goss_machines_draw(&q->o, q->first + (uint64_t)i, time, load, y);
        put_machine(csv, q->first + (uint64_t)i, q->o.steps, time, load, y);
    }
    return goss_csv_close(csv, err);
}

static goss_status run(const request *q, goss_error *err) {
    char path[PATH_ROOM];
    const int n = snprintf(path, sizeof path, "%s/machines.csv", q->out);
    if (n < 0 || n >= PATH_ROOM) return goss_error_set(err, GOSS_E_ARGUMENT, "-o: the path is too long");
    double *room = calloc(3 * (size_t)q->o.steps, sizeof *room);
    if (!room) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a machine");
    goss_status s = cli_make_folder(q->out, err);
    if (s == GOSS_OK) s = write_file(q, path, room, err);
    free(room);
    if (s == GOSS_OK) cli_tell("%s: %d machines of %d steps", path, q->count, q->o.steps);
    return s;
}

int data_machines(int argc, char **argv) {
    goss_error err;
    request q = {.o = goss_machines_defaults()};
    const cli_option options[] = {
        CLI_TEXT("o", "DIR", &q.out, "folder to write: DIR/machines.csv; created"),
        CLI_INT("count", "N", &q.count, "200", 1, 100000, "number of machines"),
        CLI_INT("first", "K", &q.first, "0", 0, 9007199254740991, "number of the first: machine K is always the same"),
        CLI_INT("seed", "S", &q.o.seed, "1", 0, 9007199254740991, "another seed, other machines"),
        CLI_INT("steps", "N", &q.o.steps, "120", 2, 100000, "measurements of a machine"),
        CLI_REAL("irregular", "X", &q.o.irregular, "0", 0, 0.9, "times are moved by up to this share of half a step"),
        CLI_REAL("missing", "X", &q.o.missing, "0", 0, 0.9, "share of vibrations that were not measured"),
    };
    const cli_verb v = {.name = "data",
                        .usage = "machines -o DIR [options]",
                        .doc = "Makes series to forecast: the vibration of oscillators that wear out, each with a "
                               "period, shape, load\nand noise of its own, as a csv file of the columns machine, time, "
                               "load, vibration\n(gossamer train configs/series.ini).",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 1,
                        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!q.out) cli_usage(&v, "-o is missing");
    cli_log_to_stderr();
    if (run(&q, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(q.out);
    return cli_close_stdout();
}
