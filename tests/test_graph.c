/* SPDX-License-Identifier: Apache-2.0 */
/* The graph: equal nodes are one, errors stick and name their scope, extents are monomials. */
#include "base/alloc.h"
#include "graph/node.h"
#include "test.h"

static goss_error err;

TEST(equal_nodes_are_one) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(5)));
    goss_val a = goss_exp(x), b = goss_exp(x);
    T_EQ(a.id, b.id);
    uint32_t size = goss_graph_size(g);
    goss_mul(goss_exp(x), goss_exp(x));
    T_EQ(goss_graph_size(g), size + 1);
    goss_graph_free(g);
}

TEST(many_nodes_keep_their_identity) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(4)));
    goss_val v = x;
    for (int i = 0; i < 5000; i++) v = goss_sin(v);
    goss_val w = x;
    for (int i = 0; i < 5000; i++) w = goss_sin(w);
    T_EQ(v.id, w.id);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(a_symbol_of_at_most_one_is_one) {
    goss_graph *g = goss_graph_new();
    T_CHECK(goss_extent_is(goss_symbol(g, "T", 1), 1) && goss_extent_is(goss_symbol(g, "T", 0), 1));
    T_CHECK(!goss_extent_is(goss_symbol(g, "N", 2), 1));
    goss_symbol(g, "T", 2);
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "symbol T: maximum is 1, not 2");
    goss_graph_free(g);
}

TEST(extents_multiply_and_divide) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 8), N = goss_symbol(g, "N", 5), q;
    goss_extent a = goss_extent_mul(goss_extent_mul(N, goss_n(3)), T),
                b = goss_extent_mul(T, goss_extent_mul(goss_n(3), N));
    T_CHECK(goss_extent_equal(a, b));
    T_CHECK(goss__extent_div(a, N, &q) && goss_extent_equal(q, goss_extent_mul(T, goss_n(3))));
    T_CHECK(!goss__extent_div(T, N, &q));
    T_CHECK(!goss__extent_div(a, goss_n(2), &q));
    int64_t counts[32] = {8, 5};
    T_EQ(goss__extent_eval(a, counts), 120);
    goss_graph_free(g);
}

TEST(prefixes_are_found) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 8), N = goss_symbol(g, "N", 5), TN = goss_extent_mul(T, N), rest;
    goss_shape s = GOSS_SHAPE(T, N, goss_n(4)), folded = GOSS_SHAPE(goss_n(1), TN, goss_n(4));
    T_EQ(goss__cut_prefix(&s, T, &rest), 1);
    T_CHECK(goss_extent_is(rest, 1));
    T_EQ(goss__cut_prefix(&s, TN, &rest), 2);
    T_EQ(goss__cut_prefix(&folded, T, &rest), 2);
    T_CHECK(goss_extent_equal(rest, N));
    T_EQ(goss__cut_prefix(&folded, N, &rest), 2); /* as good as T: items are then runs of T rows */
    T_EQ(goss__cut_prefix(&s, N, &rest), 0);
    goss_graph_free(g);
}

TEST(first_error_sticks_with_its_scope) {
    goss_graph *g = goss_graph_new();
    goss_scope_push(g, "target");
    goss_scope_push(g, "fc1");
    goss_val a = goss_input(g, "a", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(5), goss_n(8)));
    goss_val b = goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(9), goss_n(1)));
    goss_val c = goss_matmul(a, b, false, false);
    T_CHECK(!goss_valid(c));
    T_CHECK(!goss_valid(goss_exp(goss_add(c, c))));
    goss_mul(a, b);
    T_ERR(goss_graph_status(g, &err), GOSS_E_SHAPE, "target / fc1: matmul: [4,5,8] x [4,9,1]");
    goss_graph_free(g);
}

TEST(dumps_name_every_node) {
    goss_graph *g = goss_graph_new();
    goss_scope_push(g, "layer");
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_symbol(g, "T", 3), goss_n(5)));
    goss_tanh(x);
    char *text = goss_graph_text(g), *dot = goss_graph_dot(g);
    T_CHECK(text && strstr(text, "%1 = input 'x' [T,5]  # layer\n") && strstr(text, "%2 = tanh [T,5] (%1)"));
    T_CHECK(dot && strstr(dot, "digraph") && strstr(dot, "n1 -> n2"));
    goss_text_free(text);
    goss_text_free(dot);
    goss_graph_free(g);
}

TEST(allocation_failure_is_an_error) {
    for (uint64_t n = 1; n < 60; n++) {
        goss__alloc_fail_at(n);
        goss_graph *g = goss_graph_new();
        if (!g) {
            goss__alloc_fail_at(0);
            continue;
        }
        goss_val v = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(4)));
        for (int i = 0; i < 3000; i++) v = goss_cos(v);
        goss__alloc_fail_at(0);
        T_CHECK(goss_valid(v) == (goss_graph_status(g, &err) == GOSS_OK));
        goss_graph_free(g);
    }
}

TEST_MAIN()
