/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of wide tables within a number of bytes: what is written keeps to it, nothing is lost while the first layer
 * has no more directions than stay, ensembles give up members first, what can not be is refused. */
#include "gossamer/safetensors.h"
#include "meta/network.h"
#include "table_networks.h"
#include "tiny_set.h"

enum { WIDE = 160, ROWS_OF_WIDE = 80, CLASSES = 3 };

/* y by the first two of many columns. */
static goss_table *wide_table(void) {
    static char text[1 << 18];
    size_t at = 0;
    for (int j = 0; j < WIDE; j++) at += (size_t)snprintf(text + at, sizeof text - at, "x%03d,", j);
    at += (size_t)snprintf(text + at, sizeof text - at, "y\n");
    for (int i = 0; i < ROWS_OF_WIDE; i++) {
        double x[WIDE];
        for (int j = 0; j < WIDE; j++) {
            x[j] = sin(i * (1.3 + 0.37 * j) + j);
            at += (size_t)snprintf(text + at, sizeof text - at, "%.4f,", x[j]);
        }
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", usual[(x[0] > 0.2) + (x[1] > 0.4)]);
    }
    goss_table *table;
    T_OK(goss_table_read(text, at, "wide.csv", NULL, &table, &err));
    return table;
}

static double gap(const goss_network *a, const goss_network *b, const goss_table *table) {
    static float p[ROWS_OF_WIDE * CLASSES], q[ROWS_OF_WIDE * CLASSES];
    double most = 0;
    answers(a, table, p), answers(b, table, q);
    for (int i = 0; i < ROWS_OF_WIDE * CLASSES; i++) most = fmax(most, fabs((double)(p[i] - q[i])));
    return most;
}

/* The file's bytes, which are the network's. */
static int64_t written(goss_network *n, goss_weight_precision p) {
    goss_safetensors *f;
    int64_t sum = 0;
    tiny_set();
    T_OK(goss_network_set_precision(n, p, &err));
    T_OK(goss_network_save(n, tiny_path("net"), &err));
    T_OK(goss_safetensors_open(tiny_path("net"), &f, &err));
    for (int i = 0; i < goss_safetensors_count(f); i++) sum += (int64_t)goss_safetensors_at(f, i)->size;
    goss_safetensors_close(f);
    T_EQ(goss_network_bytes(n), sum);
    return sum;
}

static int rank_of(const goss_network *n, const char *note) {
    const char *text = goss_network_note_of(n, note);
    return text ? atoi(text) : 0;
}

/* The bytes that the error names. */
static int64_t smallest_named(void) {
    const char *at = strstr(err.text, "the smallest network has ");
    T_CHECK(at);
    return atoll(at + strlen("the smallest network has "));
}

TEST(a_network_keeps_within_its_budget) {
    goss_table *table = wide_table();
    goss_network *all = network_of(table, NULL);
    const int64_t most = goss_network_bytes(all);
    for (goss_weight_precision p = GOSS_WEIGHTS_F32; p <= GOSS_WEIGHTS_INT8; p++) {
        goss_table_network_options o = {.budget = 1, .stored = p};
        goss_network *n;
        T_ERR(adapt(table, &o, &n), GOSS_E_ARGUMENT, "wide.csv: a budget of 1 bytes: with 160 inputs and 3 outputs");
        const int64_t least = smallest_named();
        double last = 2;
        int better = 0, tried = 0;
        for (int64_t budget = least; budget < 2 * most; budget = budget * 5 / 4, tried++) {
            o.budget = budget;
            n = network_of(table, &o);
            const int64_t bytes = written(n, p);
            if (bytes > budget) T_FAIL("a budget of %lld bytes became %lld", (long long)budget, (long long)bytes);
            if (budget == least) T_EQ(bytes, least);
            const double now = gap(n, all, table);
            better += now <= last + 0.02, last = now;
            goss_network_free(n);
        }
        T_CHECK(tried > 6 && better > tried - 3);
        if (!(last < (p == GOSS_WEIGHTS_F32 ? 1e-6 : 0.1))) T_FAIL("%s: %g", goss_weight_precision_name(p), last);
        o.budget = least - 1;
        T_ERR(adapt(table, &o, &n), GOSS_E_ARGUMENT, "the smallest network has");
    }
    goss_network_free(all);
    goss_table_close(table);
}

/* Of 24 units 17 are mixtures of labels and sums; the others see one column, and have one direction together. */
TEST(nothing_is_lost_while_all_directions_stay) {
    goss_table *table = wide_table();
    goss_network *all = network_of(table, NULL);
    const goss_table_network_options o = {.budget = goss_network_bytes(all) - 4};
    goss_network *n = network_of(table, &o);
    T_CHECK(rank_of(n, "rank.first") > 0 && rank_of(n, "rank.first") <= 18);
    T_CHECK(goss_network_bytes(n) < goss_network_bytes(all) * 9 / 10);
    T_CHECK(gap(n, all, table) < 1e-4);
    char line[40];
    snprintf(line, sizeof line, "dense %d\ndense 24\ntanh\n", rank_of(n, "rank.first"));
    T_CHECK(strncmp(goss_target_text(goss_network_target(n)), line, strlen(line)) == 0);
    const goss_table_network_options enough = {.budget = goss_network_bytes(all)};
    goss_network *same = network_of(table, &enough);
    T_CHECK(goss_network_note_of(same, "rank.first") == NULL && gap(same, all, table) == 0);
    goss_network_free(n), goss_network_free(all), goss_network_free(same);
    goss_table_close(table);
}

/* As of a column that was constant in the rows that attention read: its unit is saturated, and says nothing of which
 * directions matter. */
TEST(huge_weights_decide_nothing) {
    static float x[ROWS_OF_WIDE * WIDE], p[ROWS_OF_WIDE * CLASSES], q[ROWS_OF_WIDE * CLASSES];
    goss_table *table = wide_table();
    goss_network *n = network_of(table, NULL);
    for (int i = 0; i < ROWS_OF_WIDE * WIDE; i++) x[i] = (float)sin(i * 1.7 + i % 13);
    n->slab[5 * 24 + 20] = 1e16f;
    T_OK(goss_network_predict(n, x, ROWS_OF_WIDE, p, NULL, NULL, &err));
    const goss__rank_limit limit = {.bytes = goss_network_bytes(n) - 4};
    T_OK(goss__network_narrow(n, x, ROWS_OF_WIDE, &limit, &err));
    T_CHECK(rank_of(n, "rank.first") > 2);
    T_OK(goss_network_predict(n, x, ROWS_OF_WIDE, q, NULL, NULL, &err));
    for (int i = 0; i < ROWS_OF_WIDE * CLASSES; i++) T_NEAR((double)p[i], (double)q[i], 1e-3);
    goss_network_free(n);
    goss_table_close(table);
}

TEST(an_ensemble_gives_up_members_before_directions) {
    goss_table *table = wide_table();
    goss_table_network_options o = {.networks = 3};
    goss_network *all = network_of(table, &o), *n;
    o.budget = goss_network_bytes(all) / 5;
    n = network_of(table, &o);
    T_CHECK(written(n, GOSS_WEIGHTS_F32) <= o.budget);
    T_CHECK(goss_network_members(n) < 3 && goss_network_members(n) >= 1);
    T_EQ(rank_of(n, "rank.networks"), goss_network_members(n));
    goss_network_free(n);
    o.budget = goss_network_bytes(all) / 5, o.budget_each = true; /* of each, and all stay */
    n = network_of(table, &o);
    T_EQ(goss_network_members(n), 3);
    T_CHECK(written(n, GOSS_WEIGHTS_F32) <= 3 * o.budget);
    goss_network_free(n), goss_network_free(all);
    o.budget = 1; /* told as it was given, and what it would have to be */
    T_ERR(adapt(table, &o, &n), GOSS_E_ARGUMENT, "a budget of 1 bytes: ");
    o.budget = smallest_named();
    goss_network_free(network_of(table, &o));
    o.budget--;
    T_ERR(adapt(table, &o, &n), GOSS_E_ARGUMENT, "the smallest network has");
    o.budget = INT64_MAX; /* that of all would be beyond any number */
    goss_network_free(network_of(table, &o));
    o = (goss_table_network_options){.budget = -1};
    T_ERR(adapt(table, &o, &n), GOSS_E_ARGUMENT, "a budget of -1 bytes");
    goss_table_close(table);
}

TEST(the_same_bits_for_any_number_of_threads) {
    goss_table *table = wide_table();
    goss_table_network_options o = {.budget = 5000};
    goss_network *n[2];
    for (int i = 0; i < 2; i++) {
        T_OK(goss_threads_new(1 + 2 * i, &o.threads, &err));
        n[i] = network_of(table, &o);
        goss_threads_free(o.threads);
    }
    T_CHECK(gap(n[0], n[1], table) == 0);
    goss_network_free(n[0]), goss_network_free(n[1]);
    goss_table_close(table);
}

TEST_MAIN()
