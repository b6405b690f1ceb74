/* SPDX-License-Identifier: Apache-2.0 */
/* test_attrs.c: attributes of operations: their tables say all there is to say, nodes keep them, texts show them, and a
 * run reads counts for symbols. */
#include <ctype.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph_check.h"
#include "ops/ops.h"

static goss_error err;
static goss_extent n(int64_t count) { return goss_n(count); }

/* Fields follow one another from 0 to the end, so that equal attributes are equal bytes. */
static void check_table(const goss__op *op) {
    const goss__attrs *a = op->attrs;
    size_t at = 0;
    for (int i = 0; i < a->n; i++) {
        const goss__attr_field *f = &a->field[i];
        if (f->offset != at || f->count < 1)
            T_FAIL("%s: attribute %s is at %d, not %zu", op->name, f->name, f->offset, at);
        for (const char *c = f->name; *c; c++)
            if (!islower((unsigned char)*c) && *c != '_') T_FAIL("%s: attribute %s: lower case", op->name, f->name);
        if (goss__attr_find(a, f->name) != f) T_FAIL("%s: two attributes are called %s", op->name, f->name);
        at += f->count * GOSS__ATTR_SIZE(f->type);
    }
    if (at != a->size) T_FAIL("%s: the fields of %s have %zu bytes of %zu", op->name, a->name, at, a->size);
}

TEST(tables_cover_their_structs) {
    static const goss__op *const schedule_ops[] = {&goss__op_sum_product, &goss__op_sum_deviation, &goss__op_widen,
                                                   &goss__op_matmul_bf16};
    int kinds = 0;
    for (int i = 0; goss__op_all[i]; i++)
        if (goss__op_all[i]->attrs) check_table(goss__op_all[i]), kinds++;
    for (int i = 0; i < 4; i++) check_table(schedule_ops[i]);
    T_CHECK(kinds >= 20);
    T_EQ(goss__attr_find(NULL, "axis") != NULL, false);
}

static void check_text(goss_val v, const char *want) {
    goss__str s = {0};
    const goss__node *node = goss__node_of(v);
    goss__attrs_text(&s, node->op->attrs, node->attr, &v.graph->symbols);
    T_STR(s.data, want);
    goss__str_free(&s);
}

TEST(texts_show_names_and_values) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 3);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, n(6), n(5)));
    check_text(goss_slice(x, 1, 2, 3), "{axis=1, start=2, count=3}");
    check_text(goss_sum(x, GOSS_AXIS(0) | GOSS_AXIS(2), true), "{axes=[0,2]}");
    check_text(goss_permute(x, (int[]){2, 0, 1}), "{axes=[2,0,1]}");
    check_text(goss_matmul(x, x, false, true), "{transpose_a=false, transpose_b=true}");
    check_text(goss_const(g, 0.1), "{value=0.1}");
    check_text(goss__extent_value(g, goss_extent_mul(T, n(4))), "{extent=4*T}");
    T_OK(goss_graph_status(g, &err));
    char *text = goss_graph_text(g);
    T_CHECK(strstr(text, "(%1) {axis=1, start=2, count=3}\n") != NULL);
    goss_text_free(text);
    goss_graph_free(g);
}

/* Nodes that differ in an attribute alone are two; attributes are the node's own copy. */
TEST(attributes_tell_nodes_apart) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(n(6), n(5)));
    goss__slice_attr attr = {.axis = 0, .start = 1, .count = 2};
    const goss_shape out = GOSS_SHAPE(n(2), n(5));
    goss_val a = goss__make(&goss__op_slice, GOSS_REAL, out, &x, 1, &attr);
    attr.start = 2;
    goss_val b = goss__make(&goss__op_slice, GOSS_REAL, out, &x, 1, &attr);
    T_CHECK(a.id != b.id);
    T_EQ(GOSS__ATTR(goss__node_of(a), slice)->start, 1);
    attr.start = 1;
    T_EQ(goss__make(&goss__op_slice, GOSS_REAL, out, &x, 1, &attr).id, a.id);
    T_CHECK(goss_const(g, 0.0).id != goss_const(g, -0.0).id);
    goss_graph_free(g);
}

/* Read as those of another operation they stop the program. */
TEST(attributes_are_read_as_what_they_are) {
    goss_graph *g = goss_graph_new();
    goss_val c = goss_const(g, 1);
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        signal(SIGABRT, SIG_DFL);
        _exit(GOSS__ATTR(goss__node_of(c), slice)->axis == 12345);
    }
    int status = 0;
    T_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    T_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    goss_graph_free(g);
}

TEST(counts_stand_for_symbols) {
    const int64_t counts[] = {3, 7};
    goss__extent_attr from = {.extent = {5, 0x0102}}, to; /* 5 times both symbols */
    T_CHECK(goss__attrs_have_extents(&goss__extent_attrs) && !goss__attrs_have_extents(&goss__slice_attrs));
    T_CHECK(!goss__attrs_have_extents(NULL));
    goss__attrs_resolve(&goss__extent_attrs, &from, counts, &to);
    T_CHECK(goss_extent_is(to.extent, 105));
    T_EQ(from.extent.symbols, 0x0102);
}

/* Several counts in one program, each at its own place. */
TEST(a_run_reads_its_counts) {
    world w = world_new();
    goss_extent T = goss_symbol(w.g, "T", 8), N = goss_symbol(w.g, "N", 9);
    const goss_val out[] = {goss__extent_value(w.g, T), goss__extent_value(w.g, N),
                            goss__extent_value(w.g, goss_extent_mul(T, N)),
                            goss__extent_value(w.g, goss_extent_mul(N, n(3)))};
    T_OK(world_compute(&w, GOSS_F32, out, 4));
    const double want[] = {8, 9, 72, 27};
    for (int i = 0; i < 4; i++) T_NEAR(w.out[i][0], want[i], 0);
    world_free(&w);
}

TEST_MAIN()
