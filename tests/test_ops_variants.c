/* SPDX-License-Identifier: Apache-2.0 */
/* Every case in f32 on every kernel variant, against f64 and against the generic variant, with its gradients of orders
 * 1 and 2; and against itself with other tiles, memory and threads.
 *
 * A variant is chosen once in a process, so each one runs in a child that GOSSAMER_ISA forces; results come back
 * through shared memory. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "op_cases.h"

/* Stated bound of f32 against f64: of the largest number of the tensor, or of 1. */
static const double BOUND = 5e-6;

enum { OUTPUTS = 1 + 2 * CASE_INPUTS, RESULTS = 1 << 18 };

static goss_error err;

typedef struct graph_of_case {
    goss_graph *g;
    goss_val x[CASE_INPUTS], out[OUTPUTS];
    int n;
} graph_of_case;

/* y, the gradients of sum(c * sin(y)), and the gradients of the sum of their squares. */
static graph_of_case build(const op_case *c) {
    graph_of_case b = {.g = goss_graph_new()};
    goss_val y = b.out[b.n++] = case_build(b.g, c, b.x), wrt[CASE_INPUTS];
    int n = 0;
    for (int i = 0; i < CASE_INPUTS; i++)
        if (is_active(c, i)) wrt[n++] = b.x[i];
    if (n == 0) return b;
    goss_val weight = goss_input(b.g, "c", GOSS_REAL, goss_shape_of(y)), squares = goss_const(b.g, 0);
    if (goss_grad(goss_mul(goss_sin(y), weight), wrt, n, b.out + b.n) != GOSS_OK) return b;
    for (int i = 0; i < n; i++) squares = goss_add(squares, goss_sum_all(goss_square(b.out[b.n + i])));
    b.n += n;
    if (goss_grad(squares, wrt, n, b.out + b.n) == GOSS_OK) b.n += n;
    return b;
}

typedef struct numbers {
    float f32[CASE_INPUTS + 1][CASE_NUMBERS];
    double f64[CASE_INPUTS + 1][CASE_NUMBERS];
    int32_t index[CASE_NUMBERS];
} numbers;

static numbers in;

/* Input CASE_INPUTS is the cotangent c. */
static void fill(const op_case *c, const graph_of_case *b) {
    goss__rng r = goss__rng_make(3, goss__hash64(c->name, strlen(c->name), 0));
    for (int i = 0; i < CASE_INPUTS && c->in[i].kind; i++) {
        int64_t n = run_numel(goss_shape_of(b->x[i]));
        case_fill(c, i, in.f64[i], n, &r);
        for (int64_t j = 0; j < n; j++) {
            in.f32[i][j] = (float)in.f64[i][j];
            if (c->in[i].kind == INDEX) in.index[j] = (int32_t)in.f64[i][j];
        }
    }
    for (int64_t j = 0; j < run_numel(goss_shape_of(b->out[0])); j++)
        in.f64[CASE_INPUTS][j] = in.f32[CASE_INPUTS][j] = (float)goss__rng_normal(&r);
}

static goss_status bind(goss_exec *e, const char *name, goss_precision p, int i) {
    goss_status s = goss_exec_bind(e, name, p == GOSS_F64 ? (void *)in.f64[i] : in.f32[i], &err);
    return s != GOSS_OK && strstr(err.text, "no input") ? GOSS_OK : s; /* not needed by any output */
}

static goss_status bind_all(goss_exec *e, const op_case *c, goss_precision p) {
    char name[32];
    GOSS_TRY(goss_exec_count(e, "T", RUN_T, &err));
    GOSS_TRY(goss_exec_count(e, "N", RUN_N, &err));
    GOSS_TRY(bind(e, "c", p, CASE_INPUTS));
    for (int i = 0; i < CASE_INPUTS && c->in[i].kind; i++) {
        snprintf(name, sizeof name, "x%d", i);
        if (c->in[i].kind != INDEX)
            GOSS_TRY(bind(e, name, p, i));
        else
            GOSS_TRY(goss_exec_bind(e, name, in.index, &err));
    }
    return GOSS_OK;
}

typedef struct result {
    double v[RESULTS];
    int64_t n, start[OUTPUTS + 1]; /* of each output; start[outputs] = n */
    int outputs;
} result;

static goss_status run(const op_case *c, goss_schedule_options o, int threads, result *r) {
    graph_of_case b = build(c);
    goss_schedule *p = NULL;
    goss_threads *t = NULL;
    goss_exec *e = NULL;
    fill(c, &b);
    r->n = 0, r->outputs = b.n;
    goss_status s = goss_graph_status(b.g, &err);
    if (s == GOSS_OK) s = goss_compile(b.g, b.out, b.n, NULL, 0, &o, &p, &err);
    if (s == GOSS_OK) s = goss_threads_new(threads, &t, &err);
    if (s == GOSS_OK) s = goss_exec_new(p, NULL, t, &e, &err);
    if (s == GOSS_OK) s = bind_all(e, c, o.precision);
    if (s == GOSS_OK) goss_exec_seed(e, 5, 6);
    if (s == GOSS_OK) s = goss_exec_run(e, &err);
    for (int i = 0; s == GOSS_OK && i < b.n; i++) {
        int64_t n;
        const void *v = goss_exec_output(e, i, &n);
        r->start[i] = r->n;
        for (int64_t j = 0; j < n; j++)
            r->v[r->n++] = o.precision == GOSS_F64 ? ((const double *)v)[j] : ((const float *)v)[j];
    }
    r->start[b.n] = r->n;
    goss_exec_free(e);
    goss_threads_free(t);
    goss_schedule_free(p);
    goss_graph_free(b.g);
    return s;
}

/* The largest gap of any output, relative to its largest number or 1; NaN counts as infinite. */
static double gap(const result *a, const result *b) {
    double worst = 0;
    for (int i = 0; i < b->outputs; i++) {
        double most = 1, d = 0;
        for (int64_t j = b->start[i]; j < b->start[i + 1]; j++) {
            most = fmax(most, fabs(b->v[j]));
            d = fmax(d, isfinite(a->v[j]) ? fabs(a->v[j] - b->v[j]) : INFINITY);
        }
        worst = fmax(worst, d / most);
    }
    return worst;
}

static bool same(const result *a, const result *b) {
    return a->n == b->n && memcmp(a->v, b->v, (size_t)a->n * sizeof *a->v) == 0;
}

static result exact, plain, other;

/* What a case must satisfy on the variant of this process. */
static goss_status check_case(const op_case *c) {
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    GOSS_TRY(run(c, o, 1, &exact));
    o.precision = GOSS_F32;
    GOSS_TRY(run(c, o, 1, &plain));
    double g = gap(&plain, &exact);
    if (getenv("SHOW_GAPS")) printf("  %-32s %.2e\n", c->name, g);
    if (!(g <= BOUND)) return goss_error_set(&err, GOSS_E_NUMERIC, "f32 is %.3g from f64", g);
    GOSS_TRY(run(c, o, 2, &other));
    if (!same(&other, &plain)) return goss_error_set(&err, GOSS_E_NUMERIC, "two threads change bits");
    o.no_reuse = true;
    GOSS_TRY(run(c, o, 1, &other));
    if (!same(&other, &plain)) return goss_error_set(&err, GOSS_E_NUMERIC, "the planning of memory changes bits");
    o = goss_schedule_defaults();
    o.no_tiles = true;
    GOSS_TRY(run(c, o, 1, &other));
    g = gap(&other, &plain);
    return g <= BOUND ? GOSS_OK : goss_error_set(&err, GOSS_E_NUMERIC, "without tiles it is %.3g off", g);
}

typedef struct shared {
    double v[1 << 20];
    int64_t n, start[CASES + 1];
    goss_error err;
} shared;

static void child(shared *s) {
    for (int i = 0; i < CASES; i++) {
        op_case c = case_at(i);
        s->start[i] = s->n;
        if (check_case(&c) != GOSS_OK) {
            goss_error_prefix(&err, err.status, "case \"%s\"", c.name);
            s->err = err;
            return;
        }
        if (s->n + plain.n > (int64_t)(sizeof s->v / sizeof *s->v)) abort();
        memcpy(s->v + s->n, plain.v, (size_t)plain.n * sizeof *plain.v);
        s->n += plain.n;
    }
    s->start[CASES] = s->n;
}

/* All cases on a variant, in a process of its own; NULL: it ended badly. The result stays mapped until munmap. */
static shared *in_child(const char *isa) {
    shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) return NULL;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("GOSSAMER_ISA", isa, 1);
        child(s);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        munmap(s, sizeof *s);
        return NULL;
    }
    return s;
}

static void check_variant(const char *isa) {
    if (!goss__kernels_find(isa)) T_SKIP("this CPU lacks %s", isa);
    shared *generic = in_child("generic"), *s = in_child(isa);
    T_CHECK(generic && s);
    if (s->err.status != GOSS_OK) T_FAIL("%s: %s", isa, s->err.text);
    T_EQ(s->n, generic->n);
    for (int i = 0; i < CASES; i++)
        if (memcmp(s->v + s->start[i], generic->v + s->start[i],
                   (size_t)(s->start[i + 1] - s->start[i]) * sizeof *s->v) != 0)
            T_FAIL("%s and generic differ in bits: case \"%s\"", isa, case_at(i).name);
    munmap(generic, sizeof *generic);
    munmap(s, sizeof *s);
}

TEST(generic) { check_variant("generic"); }
TEST(avx2) { check_variant("avx2"); }
TEST(avx512) { check_variant("avx512"); }
TEST(neon) { check_variant("neon"); }

TEST(no_variant_is_forgotten) {
    const char *const *names = goss__kernels_names();
    for (int i = 0; names[i]; i++)
        if (!t_exists(names[i])) T_FAIL("variant %s has no test here", names[i]);
}

TEST_MAIN()
