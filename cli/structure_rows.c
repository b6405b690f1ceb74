/* SPDX-License-Identifier: Apache-2.0 */
/* structure_rows.c: which task got which structure. Distances count gates; bytes are held against the score, since a
 * model that gives hard tasks more shows it there; and gates that differ against the distance of tasks, since one whose
 * structure is a matter of the task gives like tasks like ones. */
#include "structure_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/file.h"
#include "structures.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table of structures");
}

/* ---- collecting ---- */

static int put(void *context, const void *data, size_t size) { return fwrite(data, 1, size, context) == size ? 0 : -1; }

static goss_status begin_table(cli_structure_rows *r, goss_error *err) {
    static const char *const before[] = {"budget", "task"}, *const behind[] = {"bytes", "macs", "ram", "structure"};
    if (!r->table) return GOSS_OK;
    if (!(r->rows = open_memstream(&r->rows_text, &r->rows_size))) return no_memory(err);
    GOSS_TRY(goss_csv_create_to(put, r->rows, &r->csv, err));
    for (int i = 0; i < 2; i++) goss_csv_text(r->csv, before[i]);
    goss_csv_text(r->csv, r->metric->name);
    for (int i = 0; i < 4; i++) goss_csv_text(r->csv, behind[i]);
    goss_csv_row(r->csv);
    return GOSS_OK;
}

goss_status cli_rows_open(cli_structure_rows *r, const goss_model *m, const goss_metric *metric, const char *table,
                          const char *drawing, goss_error *err) {
    *r = (cli_structure_rows){.table = table, .drawing = drawing, .metric = metric};
    if (!table && !drawing) return GOSS_OK;
    r->inputs = goss_task_input_size(&goss_model_data(m)->task);
    if (drawing && !(r->panels = open_memstream(&r->panels_text, &r->panels_size))) return no_memory(err);
    GOSS_TRY(begin_table(r, err));
    return goss_space_create(goss_method_target(goss_model_method(m)), &r->space, err);
}

static void forget_tasks(cli_structure_tasks *t) {
    for (int i = 0; i < t->n; i++) goss_text_free(t->structure[i]);
    t->n = 0;
}

static void free_log(goss_structure_log *log) {
    free(log->outputs), free(log->structure), free(log->explained);
    *log = (goss_structure_log){0};
}

void cli_rows_close(cli_structure_rows *r) {
    forget_tasks(&r->task);
    free(r->task.structure), free(r->task.bytes), free(r->task.score), free(r->task.explained);
    free_log(&r->log);
    if (r->csv) goss_csv_abandon(r->csv);
    if (r->rows) fclose(r->rows);
    if (r->panels) fclose(r->panels);
    free(r->rows_text), free(r->panels_text);
    goss_space_free(r->space);
    *r = (cli_structure_rows){0};
}

void cli_rows_begin(cli_structure_rows *r, int64_t budget) {
    forget_tasks(&r->task);
    r->budget = budget;
}

goss_status cli_rows_log(cli_structure_rows *r, int64_t draws, double *bytes, goss_structure_log *log,
                         goss_error *err) {
    *log = (goss_structure_log){.bytes = bytes};
    if (!r->space) return GOSS_OK;
    const size_t n = (size_t)draws + 1, gates = (size_t)goss_space_gates(r->space);
    free_log(&r->log);
    r->log.outputs = calloc(n, sizeof *r->log.outputs);
    r->log.structure = calloc(n * gates, sizeof *r->log.structure);
    r->log.explained = calloc(n * r->inputs, sizeof *r->log.explained);
    if (!r->log.outputs || !r->log.structure || !r->log.explained) return no_memory(err);
    log->outputs = r->log.outputs, log->structure = r->log.structure, log->explained = r->log.explained;
    return GOSS_OK;
}

static goss_status make_room(cli_structure_tasks *t, int64_t more, size_t inputs, goss_error *err) {
    if (t->n + more <= t->capacity) return GOSS_OK;
    const size_t capacity = (size_t)t->n + (size_t)more;
    char **structure = realloc(t->structure, capacity * sizeof *structure);
    if (structure) t->structure = structure;
    double *bytes = realloc(t->bytes, capacity * sizeof *bytes);
    if (bytes) t->bytes = bytes;
    double *score = realloc(t->score, capacity * sizeof *score);
    if (score) t->score = score;
    float *explained = realloc(t->explained, capacity * inputs * sizeof *explained + 1);
    if (explained) t->explained = explained;
    if (!structure || !bytes || !score || !explained) return no_memory(err);
    t->capacity = (int)capacity;
    return GOSS_OK;
}

static void put_row(cli_structure_rows *r, const char *name, int number, double score, const goss_space_figures *f,
                    const char *structure) {
    const double figures[] = {(double)f->bytes, (double)f->macs, (double)f->ram};
    if (!r->csv) return;
    goss_csv_number(r->csv, (double)r->budget);
    if (name)
        goss_csv_text(r->csv, name);
    else
        goss_csv_number(r->csv, number);
    goss_csv_number(r->csv, score);
    for (int i = 0; i < 3; i++) goss_csv_number(r->csv, figures[i]);
    goss_csv_text(r->csv, structure);
    goss_csv_row(r->csv);
}

goss_status cli_rows_take(cli_structure_rows *r, int64_t draws, const double *score,
                          const char *(*name)(const void *context, int64_t draw), const void *context,
                          goss_error *err) {
    cli_structure_tasks *t = &r->task;
    if (!r->space) return GOSS_OK;
    GOSS_TRY(make_room(t, draws, r->inputs, err));
    for (int64_t k = 0; k < draws; k++, t->n++) {
        const float *structure = r->log.structure + k * goss_space_gates(r->space);
        const goss_space_figures f = goss_space_cost_of(r->space, structure, r->log.outputs[k]);
        if (!(t->structure[t->n] = goss_space_write(r->space, structure))) return no_memory(err);
        t->bytes[t->n] = (double)f.bytes, t->score[t->n] = score[k];
        memcpy(t->explained + (size_t)t->n * r->inputs, r->log.explained + (size_t)k * r->inputs,
               r->inputs * sizeof *t->explained);
        put_row(r, name ? name(context, k) : NULL, t->n, score[k], &f, t->structure[t->n]);
    }
    return GOSS_OK;
}

/* ---- what they have in common ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int count_distinct(const cli_structure_tasks *t) {
    char **sorted = malloc((size_t)(t->n + 1) * sizeof *sorted);
    int n = t->n > 0;
    if (!sorted) return -1;
    for (int i = 0; i < t->n; i++) sorted[i] = t->structure[i];
    qsort(sorted, (size_t)t->n, sizeof *sorted, by_text); /* equal ones are alike: their order does not matter */
    for (int i = 1; i < t->n; i++) n += strcmp(sorted[i], sorted[i - 1]) != 0;
    free(sorted);
    return n;
}

int cli_rows_gate_distance(const cli_structure_rows *r, int a, int b) {
    const char *x = r->task.structure[a], *y = r->task.structure[b];
    int n = 0;
    for (; *x; x++, y++) n += *x != *y;
    return n;
}

double cli_rows_task_distance(const cli_structure_rows *r, int a, int b) {
    const float *x = r->task.explained + (size_t)a * r->inputs, *y = r->task.explained + (size_t)b * r->inputs;
    double sum = 0;
    for (size_t i = 0; i < r->inputs; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(sum);
}

/* Over all pairs: how many gates differ on average, and the correlation of that with the distance of the tasks. */
static void compare_pairs(const cli_structure_rows *r, double *distance, double *correlation) {
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (int a = 0; a < r->task.n; a++)
        for (int b = 0; b < a; b++) {
            const double gates = cli_rows_gate_distance(r, a, b), tasks = cli_rows_task_distance(r, a, b);
            n++, x += gates, y += tasks, xx += gates * gates, yy += tasks * tasks, xy += gates * tasks;
        }
    const double vx = xx - x * x / n, vy = yy - y * y / n;
    *distance = n > 0 ? x / n : NAN;
    *correlation = n > 1 && vx > 1e-9 * xx && vy > 1e-9 * yy ? (xy - x * y / n) / sqrt(vx * vy) : NAN;
}

cli_variety cli_rows_variety(const cli_structure_rows *r) {
    const cli_structure_tasks *t = &r->task;
    cli_variety v = {
        .tasks = t->n, .distinct = count_distinct(t), .correlation = cli_correlation(t->bytes, t->score, t->n)};
    compare_pairs(r, &v.distance, &v.mantel);
    return v;
}

void cli_print_variety(const cli_variety *v) {
    printf("%d different structures of %d tasks", v->distinct, v->tasks);
    if (isfinite(v->distance)) printf("; %.1f gates differ between two tasks on average", v->distance);
    if (isfinite(v->correlation)) printf("; correlation of bytes with the score %+.2f", v->correlation);
    if (isfinite(v->mantel)) printf("; of that with the distance of the tasks %+.2f", v->mantel);
    putchar('\n');
}

void cli_json_variety(const cli_variety *v) {
    printf(", \"structures\": {\"tasks\": %d, \"distinct\": %d", v->tasks, v->distinct);
    cli_json_number(", \"distance\": ", v->distance);
    cli_json_number(", \"bytes_score_correlation\": ", v->correlation);
    cli_json_number(", \"mantel_correlation\": ", v->mantel);
    printf("}");
}

/* ---- the files ---- */

void cli_rows_end(cli_structure_rows *r) {
    const int height = r->panels && !r->undrawn ? cli_rows_draw(r, r->height, r->panels) : 0;
    r->undrawn |= height < 0;
    r->height += height;
}

static goss_status write_table(cli_structure_rows *r, goss_error *err) {
    goss_csv *csv = r->csv;
    if (!csv) return GOSS_OK;
    r->csv = NULL;
    GOSS_TRY(goss_csv_close(csv, err));
    if (fflush(r->rows) != 0) return no_memory(err);
    return goss_file_write(r->table, r->rows_text, r->rows_size, err);
}

static goss_status write_drawing(cli_structure_rows *r, goss_error *err) {
    char *text = NULL;
    size_t size = 0;
    if (!r->panels) return GOSS_OK;
    if (r->undrawn) return no_memory(err);
    FILE *all = fflush(r->panels) == 0 ? open_memstream(&text, &size) : NULL;
    if (!all) return no_memory(err);
    fprintf(all,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" "
            "font-size=\"12\">\n<style>.open{fill:#2b6cb0}.dot{fill:#2b6cb0;fill-opacity:.5}.axis{fill:none;"
            "stroke:#999}.title{font-weight:bold}.number{fill:#555}</style>\n<rect width=\"100%%\" "
            "height=\"100%%\" fill=\"white\"/>\n%s</svg>\n",
            CLI_PLOT_WIDTH, r->height, r->panels_text);
    goss_status s = fclose(all) == 0 ? goss_file_write(r->drawing, text, size, err) : no_memory(err);
    free(text);
    return s;
}

goss_status cli_rows_write(cli_structure_rows *r, goss_error *err) {
    GOSS_TRY(write_table(r, err));
    return write_drawing(r, err);
}
