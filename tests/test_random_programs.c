/* SPDX-License-Identifier: Apache-2.0 */
/* Random programs over every operation, compiled and run in every way that there is: passes on and off, f32 and
 * f64, one thread and several, memory planned and not, the kernels' variants, all tasks at once and each alone.
 *
 * GOSSAMER_RANDOM_PROGRAMS=COUNT or COUNT,FIRST chooses the seeds (200 from 0 on). A failure tells its seed and
 * shows the program cut down to what still fails. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/region.h"
#include "random_generate.h"
#include "random_shrink.h"

enum { COVERING = 1600 /* programs that hold every operation */, WORKERS = 8, SHOWN = 3 /* failures of a worker */ };

typedef struct tally {
    _Atomic int64_t seed[WORKERS], failed, weak, strong, excused;
    _Atomic int64_t changed[RP_COMPARISONS];
} tally;

static void report(const rp_program *p, int comparison, const char *text) {
    rp_program *small = malloc(sizeof *small);
    char now[600] = "";
    *small = *p;
    rp_shrink(small, comparison, text);
    rp_fails(small, comparison, NULL, now, sizeof now);
    printf("seed %llu: %s: %s\ncut down: %s\n", (unsigned long long)p->seed,
           comparison < 0 ? "as it is" : rp_comparisons[comparison].name, text, now);
    rp_print(small);
    free(small);
}

static bool check_program(rp_case *c, tally *t) {
    c->changed = 0, c->weak = c->strong = 0, c->excused = false;
    if (!rp_prepare(c)) {
        report(c->p, RP_PREPARE, c->text);
        return false;
    }
    for (int k = 0; k < rp_n_comparisons; k++) {
        if (!rp_check(c, k)) {
            report(c->p, k, c->text);
            return false;
        }
        t->changed[k] += c->changed >> k & 1;
    }
    t->weak += c->weak;
    t->strong += c->strong;
    t->excused += c->excused;
    return true;
}

static void work(int worker, int workers, int64_t first, int64_t count, tally *t) {
    static rp_program p;
    rp_case c = {.p = &p};
    int failed = 0;
    for (int64_t i = worker; i < count && failed < SHOWN; i += workers) {
        t->seed[worker] = first + i;
        rp_generate(&p, (uint64_t)(first + i));
        failed += !check_program(&c, t);
    }
    t->failed += failed;
    rp_case_free(&c);
}

static void choose_seeds(int64_t *first, int64_t *count) {
    const char *text = getenv("GOSSAMER_RANDOM_PROGRAMS");
    char *end;
    *first = 0, *count = 200;
    if (!text || !*text) return;
    *count = strtoll(text, &end, 10);
    if (*end == ',') *first = strtoll(end + 1, &end, 10);
    if (*end || *count < 1 || *first < 0) T_FAIL("GOSSAMER_RANDOM_PROGRAMS=%s is neither COUNT nor COUNT,FIRST", text);
}

static void run_workers(int64_t first, int64_t count, tally *t) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int workers = cores < 1 ? 1 : cores > WORKERS ? WORKERS : (int)cores;
    pid_t child[WORKERS];
    fflush(stdout);
    for (int i = 0; i < workers; i++) {
        child[i] = fork();
        if (child[i] != 0) continue;
        work(i, workers, first, count, t);
        fflush(stdout);
        _exit(0);
    }
    for (int i = 0; i < workers; i++) {
        int status = -1;
        const bool ended = child[i] > 0 && waitpid(child[i], &status, 0) == child[i];
        if (!ended || status != 0) T_FAIL("seed %lld: the program ended with status %d", (long long)t->seed[i], status);
    }
}

/* Programs by which nothing could be told are not what was asked for. Of few programs that is asked for the schedule's
 * passes alone: which rules of src/rewrite some 200 of them meet changes with every operation that joins. */
static void check_teeth(const tally *t, int64_t count) {
    enum { MANY = 2000 };
    static const char *const hidden[] = {"fuse-along", "fuse-chain", "skip-zeros", /* a program's text is the same */
                                         /* met by few programs: tests/test_passes.c, tests/test_rules.c */
                                         "merge-copies", "zero-cotangent", "join-pads", "merge-permutes",
                                         "merge-slices", "slice-of-pad"};
    for (int k = 0; k < rp_n_comparisons; k++) {
        const char *off = rp_comparisons[k].setup.off;
        bool shows = off != NULL && (count >= MANY || goss__passes_in(off));
        for (size_t i = 0; shows && i < sizeof hidden / sizeof *hidden; i++) shows = strcmp(off, hidden[i]) != 0;
        if (shows && t->changed[k] == 0) T_FAIL("%s changes none of the programs", rp_comparisons[k].name);
    }
    if (t->weak * 50 > t->weak + t->strong)
        T_FAIL("%lld of %lld tensors are too ill conditioned to tell much", (long long)t->weak,
               (long long)(t->weak + t->strong));
    if (t->excused * 500 > count)
        T_FAIL("%lld of %lld programs are near only if crisp numbers may be off", (long long)t->excused,
               (long long)count);
}

TEST(programs_give_the_same_in_every_way) {
    int64_t first, count;
    choose_seeds(&first, &count);
    rp_list_comparisons();
    tally *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    T_CHECK(t != MAP_FAILED);
    run_workers(first, count, t);
    if (t->failed > 0) T_FAIL("%lld programs fail; one alone: GOSSAMER_RANDOM_PROGRAMS=1,SEED", (long long)t->failed);
    if (getenv("SHOW_TALLY"))
        for (int k = 0; k < rp_n_comparisons; k++)
            printf("  %-24s changes %lld of %lld\n", rp_comparisons[k].name, (long long)t->changed[k],
                   (long long)count);
    if (count >= 200) check_teeth(t, count);
    munmap(t, sizeof *t);
}

/* ---- the generator itself ---- */

/* Operations that programs need not have, and why. */
static const struct { const char *op, *why; } not_generated[] = {{NULL, NULL}};

static void mark_op(const goss__node *n, bool *seen) {
    for (int i = 0; goss__op_all[i]; i++) seen[i] |= goss__op_all[i] == n->op;
    for (uint32_t id = 1; n->region && id < n->region->body->n_nodes; id++) mark_op(n->region->body->nodes[id], seen);
}

static void mark_ops(const rp_program *p, bool *seen) {
    goss_val v[RP_STEPS];
    goss_graph *g = rp_build(p, p->maximum, 0, v);
    bool *needed = calloc(g->n_nodes, 1);
    for (int i = 0; i < p->n_out; i++) needed[v[p->out[i]].id] = true;
    for (int i = 0; i < p->n_updates; i++) needed[v[p->update[i]].id] = true;
    for (uint32_t id = g->n_nodes; id-- > 1;) {
        if (!needed[id]) continue;
        for (int i = 0; i < g->nodes[id]->n_in; i++) needed[g->nodes[id]->in[i]] = true;
        mark_op(g->nodes[id], seen);
    }
    free(needed);
    goss_graph_free(g);
}

TEST(every_operation_is_generated) {
    static rp_program p;
    bool seen[256] = {false};
    for (uint64_t seed = 0; seed < COVERING; seed++) {
        rp_generate(&p, seed);
        mark_ops(&p, seen);
    }
    for (int i = 0; goss__op_all[i]; i++) {
        const char *name = goss__op_all[i]->name;
        bool excused = false;
        for (size_t k = 0; not_generated[k].op; k++) excused |= strcmp(not_generated[k].op, name) == 0;
        if (!seen[i] && !excused)
            T_FAIL("no program of the first %d has the operation %s (tests/random_ops.h)", COVERING, name);
        if (seen[i] && excused) T_FAIL("%s is generated: it need not be excused", name);
    }
}

static char *text_of(const rp_program *p) {
    goss_val v[RP_STEPS];
    goss_graph *g = rp_build(p, p->maximum, 0, v);
    char *text = goss_graph_text(g);
    goss_graph_free(g);
    return text;
}

TEST(a_seed_gives_one_program) {
    static rp_program a, b;
    for (uint64_t seed = 0; seed < 20; seed++) {
        rp_generate(&a, seed), rp_generate(&b, seed);
        char *one = text_of(&a), *two = text_of(&b);
        T_STR(one, two);
        T_CHECK(memcmp(a.count, b.count, sizeof a.count) == 0 && a.n_out == b.n_out &&
                memcmp(a.out, b.out, sizeof a.out) == 0);
        goss_text_free(one), goss_text_free(two);
        rp_generate(&b, seed + 1);
        one = text_of(&a), two = text_of(&b);
        T_CHECK(strcmp(one, two) != 0);
        goss_text_free(one), goss_text_free(two);
    }
}

/* Rewrites change last digits: who asks for equal bits finds programs that fail, and they are cut down to a few
 * steps. */
TEST(a_program_that_fails_is_cut_down) {
    static rp_program p, small;
    int cut = 0;
    rp_list_comparisons();
    const int k = rp_n_comparisons;
    rp_compare_too((rp_comparison){"rewrites, asked for bits", {.off = "rewrite"}, RP_BITS});
    for (uint64_t seed = 0; seed < 400 && cut < 5; seed++) {
        char text[600];
        rp_generate(&p, seed);
        if (!rp_fails(&p, k, NULL, text, sizeof text)) continue;
        small = p;
        rp_shrink(&small, k, text);
        T_NOTE("seed %d: %d steps of %d", (int)seed, small.n_steps, p.n_steps);
        T_CHECK(rp_fails(&small, k, NULL, text, sizeof text));
        T_CHECK(small.n_steps <= 12 && small.n_out + small.n_updates == 1);
        cut++;
    }
    rp_n_comparisons = k;
    T_EQ(cut, 5);
}

TEST_MAIN()
