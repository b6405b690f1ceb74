/* SPDX-License-Identifier: Apache-2.0 */
/* Files of programs of every version that was released: they load, and they compute the numbers that they computed
 * then. tests/golden/program_VERSION_NAME.safetensors is the program with its parameters, program_VERSION_NAME.txt what
 * a run gives in f64: outputs, and parameters after it.
 *
 * GOSSAMER_GOLDEN=write writes the files of this version anew (tools/golden/make_programs): only while it is not
 * released. */
#include "golden_programs.h"
#include "machine.h"
#include "base/rng.h"
#include "ops/ops.h"
#include "program_check.h"

enum { VERSION = 2, NUMBERS = 4096, COUNT = 2 };

static goss_error err;

static const char *file_of(int version, const char *name, const char *kind) {
    static char path[200];
    snprintf(path, sizeof path, "tests/golden/program_%d_%s.%s", version, name, kind);
    return path;
}

/* ---- a run ---- */

/* Between 1/4 and 7/4, by place; the identity, where a matrix is called so. */
static double number(const char *name, int64_t i, int64_t columns) {
    if (strcmp(name, "identity") == 0) return i / columns == i % columns;
    const uint64_t h = goss__hash64(name, strlen(name), (uint64_t)i);
    return 0.25 + 1.5 * (double)(h >> 40) / (double)(1 << 24);
}

static int64_t numel_of(const goss_program *p, int value) {
    int64_t counts[GOSS__MAX_SYMBOLS], n = 1;
    goss__symbol_maxima(&p->symbols, counts);
    const goss_shape *s = &goss_program_value_at(p, value)->shape;
    for (int i = 0; i < s->rank; i++) n *= goss__extent_eval(s->dim[i], counts);
    return n;
}

typedef struct run {
    machine m;
    void *data[16];
} run;

static void bind(run *r, const goss_program *p) {
    T_CHECK(goss_program_inputs(p) <= 16);
    for (int i = 0; i < goss_program_inputs(p); i++) {
        const int value = goss_program_input(p, i);
        const goss_program_value *v = goss_program_value_at(p, value);
        const char *name = goss_program_input_name(p, i);
        const int64_t n = numel_of(p, value);
        double *numbers = r->data[i] = calloc((size_t)n, sizeof *numbers);
        for (int64_t k = 0; k < n; k++) {
            if (v->type == GOSS_INDEX)
                ((int32_t *)r->data[i])[k] = (int32_t)(k % 4);
            else
                numbers[k] = number(name, k, v->shape.rank ? v->shape.dim[v->shape.rank - 1].count : 1);
        }
        T_OK(goss_exec_bind(r->m.exec, name, r->data[i], &err));
    }
    for (int i = 0; i < goss_program_symbols(p); i++)
        T_OK(goss_exec_count(r->m.exec, goss_program_symbol_name(p, i), COUNT, &err));
}

/* One run in f64 with these parameters, which are taken. */
static void start(run *r, const goss_program *p, goss_params *params) {
    goss_schedule_options o = goss_schedule_defaults();
    *r = (run){.m.params = params};
    o.precision = GOSS_F64;
    T_OK(goss_schedule_compile(p, &o, &r->m.program, &err));
    T_OK(goss_threads_new(1, &r->m.threads, &err));
    T_OK(goss_exec_new(r->m.program, params, r->m.threads, &r->m.exec, &err));
    bind(r, p);
    goss_exec_seed(r->m.exec, 5, 3);
    T_OK(goss_exec_run(r->m.exec, &err));
}

static void finish(run *r) {
    machine_free(&r->m);
    for (int i = 0; i < 16; i++) free(r->data[i]);
}

/* Result i of a run: the outputs, then the parameters. NULL: there are no more. */
static const double *result(const run *r, const goss_program *p, int i, const char **name, int64_t *n) {
    const int outputs = goss_program_outputs(p);
    if (i < outputs) {
        *name = goss_program_output_name(p, i);
        return goss_exec_output(r->m.exec, i, n);
    }
    i -= outputs;
    if (i >= goss_params_count(r->m.params)) return NULL;
    *name = goss_params_name(r->m.params, i), *n = goss_params_numel(r->m.params, i);
    return goss_params_data(r->m.params, i);
}

/* ---- writing ---- */

static goss_params *start_values(const goss_program *p) {
    goss_params *params;
    T_OK(goss_params_new(GOSS_F64, &params, &err));
    T_OK(goss_params_add_program(params, p, &err));
    for (int i = 0; i < goss_params_count(params); i++)
        for (int64_t k = 0; k < goss_params_numel(params, i); k++)
            ((double *)goss_params_data(params, i))[k] = number(goss_params_name(params, i), k, 1) - 1;
    return params;
}

static void write_golden(int i) {
    goss_program *p = golden_build(i);
    goss_params *params = start_values(p);
    const char *name;
    const double *v;
    int64_t n;
    run r;
    T_OK(goss_program_save(p, params, file_of(VERSION, golden_programs[i].name, "safetensors"), &err));
    start(&r, p, params);
    FILE *f = fopen(file_of(VERSION, golden_programs[i].name, "txt"), "w");
    T_CHECK(f != NULL);
    fprintf(f, "# tools/golden/make_programs: results of one run in f64\n");
    for (int k = 0; (v = result(&r, p, k, &name, &n)); k++) {
        fprintf(f, "%s %lld\n", name, (long long)n);
        for (int64_t j = 0; j < n; j++) fprintf(f, "%.13g%c", v[j], j + 1 == n || j % 10 == 9 ? '\n' : ' ');
    }
    T_CHECK(fclose(f) == 0);
    finish(&r);
    goss_program_free(p);
}

/* ---- comparing ---- */

static void compare(const run *r, const goss_program *p, const char *path) {
    static double want[NUMBERS];
    FILE *f = fopen(path, "r");
    char name[64];
    long long n;
    const char *own;
    const double *v;
    int64_t count;
    int k = 0;
    if (!f) T_FAIL("%s: it does not open (run from the repository's root)", path);
    T_CHECK(fscanf(f, "%*[^\n]") == 0);
    for (; fscanf(f, "%63s %lld", name, &n) == 2; k++) {
        T_CHECK(n > 0 && n <= NUMBERS && (v = result(r, p, k, &own, &count)) != NULL);
        T_STR(own, name);
        T_EQ(count, n);
        for (int64_t i = 0; i < n; i++) T_CHECK(fscanf(f, "%lf", &want[i]) == 1);
        for (int64_t i = 0; i < n; i++)
            if (!(fabs(v[i] - want[i]) <= 1e-9 * (1 + fabs(want[i]))))
                T_FAIL("%s: %s: number %lld is %.12g, not %.12g", path, name, (long long)i, v[i], want[i]);
    }
    T_CHECK(k > 0 && result(r, p, k, &own, &count) == NULL);
    fclose(f);
}

static void note_operations(const goss_program *p, bool *seen) {
    for (int k = 0; k < goss_program_operations(p); k++) {
        const goss_program_operation *o = goss_program_operation_at(p, k);
        for (int j = 0; goss__op_all[j]; j++) seen[j] |= strcmp(goss__op_all[j]->name, o->kind) == 0;
        for (int j = 0; j < o->n_regions; j++) note_operations(o->regions[j], seen);
    }
}

TEST(programs_of_released_versions_load_and_compute_what_they_did) {
    bool seen[256] = {false};
    for (int version = 1; version <= VERSION; version++)
        for (int i = 0; i < GOLDEN_PROGRAMS; i++) {
            goss_program *p;
            goss_params *params;
            run r;
            T_NOTE("version %d, %s", version, golden_programs[i].name);
            T_OK(goss_program_load(file_of(version, golden_programs[i].name, "safetensors"), &p, &params, &err));
            check_round_trip(p);
            note_operations(p, seen);
            start(&r, p, params);
            compare(&r, p, file_of(version, golden_programs[i].name, "txt"));
            finish(&r);
            goss_program_free(p);
        }
    for (int j = 0; goss__op_all[j]; j++)
        if (!seen[j] && !goss__op_all[j]->selects)
            T_FAIL("no golden program has the operation %s: build one in tests/golden_programs.h, then "
                   "tools/golden/make_programs",
                   goss__op_all[j]->name);
}

/* What is built today is what the newest files hold: else they are of another version. */
TEST(golden_files_are_up_to_date) {
    for (int i = 0; i < GOLDEN_PROGRAMS; i++) {
        goss_program *now = golden_build(i), *then;
        T_OK(goss_program_load(file_of(VERSION, golden_programs[i].name, "safetensors"), &then, NULL, &err));
        T_EQ(goss_program_outputs(now), goss_program_outputs(then));
        T_EQ(goss_program_updates(now), goss_program_updates(then));
        goss_program_free(now), goss_program_free(then);
    }
}

int main(int argc, char **argv) {
    const char *mode = getenv("GOSSAMER_GOLDEN");
    const bool write = mode && strcmp(mode, "write") == 0;
    for (int i = 0; write && i < GOLDEN_PROGRAMS; i++) write_golden(i);
    return write ? 0 : t_main(argc, argv);
}
