/* SPDX-License-Identifier: Apache-2.0 */
/* The prior over tables: what is promised of every table, that the families can be learned from, and options. */
#include "gossamer/prior.h"

#include "base/alloc.h"
#include "kernel/kernel.h"
#include "prior/prior.h"
#include "test.h"

static goss_error err;

enum { ROWS = 120, COLUMNS = 12, MANY = 600 };

static struct {
    float x[ROWS * COLUMNS], y[ROWS];
    goss_prior_column column[COLUMNS];
} memory[2];

static goss_prior_table room(int i) {
    return (goss_prior_table){.x = memory[i].x, .y = memory[i].y, .column = memory[i].column};
}

static goss_prior_options small(void) {
    goss_prior_options o = goss_prior_defaults();
    o.least_rows = 30, o.rows = ROWS, o.least_columns = 1, o.columns = COLUMNS, o.seed = 7;
    return o;
}

static goss_prior *create(goss_prior_options o) {
    goss_prior *p = NULL;
    T_OK(goss_prior_create(&o, &p, &err));
    return p;
}

/* ---- every table ---- */

static void check_column(const goss_prior_table *t, int j) {
    const goss_prior_column *c = &t->column[j];
    int missing = 0;
    T_CHECK(c->kind == GOSS_PRIOR_NUMBER ? c->levels == 0 : c->levels >= 2 && c->levels <= 31);
    for (int i = 0; i < t->rows; i++) {
        const float v = t->x[i * COLUMNS + j];
        missing += isnan(v);
        if (isnan(v)) continue;
        T_CHECK(isfinite(v));
        if (c->levels > 0) T_CHECK(v >= 0 && v < (float)c->levels && v == floorf(v));
    }
    T_EQ(missing > 0, c->missing);
    T_CHECK(t->rows - missing >= 2);
}

static void check_classes(const goss_prior_table *t) {
    int count[GOSS_PRIOR_MOST_CLASSES] = {0};
    T_CHECK(t->classes >= 2 && t->classes <= GOSS_PRIOR_MOST_CLASSES);
    for (int i = 0; i < t->rows; i++) {
        T_CHECK(t->y[i] >= 0 && t->y[i] < (float)t->classes && t->y[i] == floorf(t->y[i]));
        count[(int)t->y[i]]++;
    }
    for (int c = 0; c < t->classes; c++) T_CHECK(count[c] >= 2);
}

static void check_table(const goss_prior_table *t) {
    T_CHECK(t->rows >= 30 && t->rows <= ROWS && t->columns >= 1 && t->columns <= COLUMNS);
    for (int j = 0; j < t->columns; j++) check_column(t, j);
    if (t->classes) check_classes(t);
    for (int i = 0; i < t->rows; i++) T_CHECK(isfinite(t->y[i]));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            if (i >= t->rows || j >= t->columns) T_CHECK(t->x[i * COLUMNS + j] == 0);
}

TEST(every_table_of_every_family) {
    for (int f = 0; goss_prior_family_at(f); f++) {
        goss_prior_options o = small();
        o.families = goss_prior_family_at(f)->name, o.regression = 0.3, o.missing = 0.5;
        goss_prior *p = create(o);
        for (uint64_t k = 0; k < MANY / 2; k++) {
            goss_prior_table t = room(0);
            T_NOTE("family %s, table %d", o.families, (int)k);
            goss_prior_draw(p, k, &t);
            T_EQ(t.family, f);
            check_table(&t);
        }
        goss_prior_free(p);
    }
}

/* What is drawn, over many tables: shares of kinds, of missing values, of numbers of classes. */
TEST(tables_differ_as_the_options_say) {
    goss_prior_options o = small();
    o.regression = 0.2;
    goss_prior *p = create(o);
    int family[16] = {0}, classes[GOSS_PRIOR_MOST_CLASSES + 1] = {0}, columns = 0, discrete = 0, missing = 0,
        ordered = 0;
    for (uint64_t k = 0; k < 4 * MANY; k++) {
        goss_prior_table t = room(0);
        bool lost = false;
        goss_prior_draw(p, k, &t);
        family[t.family]++, classes[t.classes]++, columns += t.columns;
        for (int j = 0; j < t.columns; j++) {
            discrete += t.column[j].levels > 0, ordered += t.column[j].kind == GOSS_PRIOR_ORDINAL;
            lost = lost || t.column[j].missing;
        }
        missing += lost;
    }
    goss_prior_free(p);
    double sum = 0;
    for (int f = 0; goss_prior_family_at(f); f++) sum += goss_prior_family_at(f)->weight;
    for (int f = 0; goss_prior_family_at(f); f++)
        T_NEAR(family[f] / (4.0 * MANY), goss_prior_family_at(f)->weight / sum, 0.03);
    T_NEAR(classes[0] / (4.0 * MANY), 0.2, 0.03);
    for (int c = 2; c <= GOSS_PRIOR_MOST_CLASSES; c++) T_CHECK(classes[c] > 0);
    T_CHECK(classes[2] > classes[3] && classes[3] > classes[5]);
    T_CHECK(discrete > columns / 6 && discrete < columns / 2);
    T_CHECK(ordered > discrete / 5 && ordered < discrete * 4 / 5);
    T_NEAR(missing / (4.0 * MANY), 0.3, 0.05);
}

/* ---- a pure function ---- */

static bool same(const goss_prior_table *a, const goss_prior_table *b) {
    return a->rows == b->rows && a->columns == b->columns && a->classes == b->classes && a->family == b->family &&
           memcmp(a->x, b->x, sizeof memory[0].x) == 0 && memcmp(a->y, b->y, sizeof memory[0].y) == 0;
}

TEST(table_k_is_a_function_of_options_and_k) {
    goss_prior *a = create(small()), *b = create(small());
    goss_prior_options other = small();
    other.seed = 8;
    goss_prior *c = create(other);
    for (uint64_t k = 0; k < 100; k++) {
        goss_prior_table s = room(0), t = room(1);
        T_NOTE("table %d", (int)k);
        goss_prior_draw(a, k, &s);
        goss_prior_draw(b, 1000 - k, &t);
        goss_prior_draw(b, k, &t);
        T_CHECK(same(&s, &t));
        goss_prior_draw(b, k + 1, &t);
        T_CHECK(!same(&s, &t));
        goss_prior_draw(c, k, &t);
        T_CHECK(!same(&s, &t));
    }
    goss_prior_free(a), goss_prior_free(b), goss_prior_free(c);
}

TEST(every_kernel_variant_gives_the_same_bits) {
    const char *const *name = goss__kernels_names();
    goss__kernels_use(goss__kernels_find("generic"));
    goss_prior *plain = create(small());
    for (int v = 1; name[v]; v++) {
        if (!goss__kernels_find(name[v])) continue;
        goss__kernels_use(goss__kernels_find(name[v]));
        goss_prior *p = create(small());
        for (uint64_t k = 0; k < MANY; k++) {
            goss_prior_table s = room(0), t = room(1);
            T_NOTE("%s, table %d", name[v], (int)k);
            goss_prior_draw(plain, k, &s), goss_prior_draw(p, k, &t);
            T_CHECK(same(&s, &t));
        }
        goss_prior_free(p);
    }
    goss_prior_free(plain);
    goss__kernels_use(NULL);
}

TEST(a_draw_allocates_nothing) {
    goss_prior *p = create(small());
    const uint64_t before = goss__alloc_count();
    for (uint64_t k = 0; k < 50; k++) {
        goss_prior_table t = {0}; /* nothing wanted */
        goss_prior_draw(p, k, &t);
        T_CHECK(t.rows > 0);
    }
    T_EQ(goss__alloc_count(), before);
    goss_prior_free(p);
}

/* ---- sizes ---- */

TEST(sizes_grow_and_are_common_to_a_group) {
    goss_prior_options o = small();
    o.group = 4, o.curriculum = 400;
    goss_prior *p = create(o);
    int most_early = 0, most_late = 0;
    for (uint64_t k = 0; k < 800; k += 4) {
        int rows, columns;
        goss_prior_size(p, k, &rows, &columns);
        for (uint64_t i = 0; i < 4; i++) {
            goss_prior_table t = room(0);
            goss_prior_draw(p, k + i, &t);
            T_EQ(t.rows, rows);
            T_EQ(t.columns, columns);
        }
        int *most = k < 100 ? &most_early : &most_late;
        *most = rows > *most ? rows : *most;
        if (k == 0) T_CHECK(rows == 30 && columns == 1);
    }
    T_CHECK(most_early <= 43 && most_late > 110); /* 30 * 4 ^ 1/4 */
    goss_prior_free(p);
}

/* ---- can be learned from ---- */

/* Leave-one-out accuracy of the nearest row, over standardised columns, above that of the largest class. */
static double gain_of_nearest(const goss_prior_table *t) {
    double mean[COLUMNS] = {0}, deviation[COLUMNS] = {0};
    int count[GOSS_PRIOR_MOST_CLASSES] = {0}, largest = 0, right = 0;
    for (int j = 0; j < t->columns; j++) {
        for (int i = 0; i < t->rows; i++) mean[j] += (double)t->x[i * COLUMNS + j] / t->rows;
        for (int i = 0; i < t->rows; i++) deviation[j] += pow((double)t->x[i * COLUMNS + j] - mean[j], 2) / t->rows;
    }
    for (int i = 0; i < t->rows; i++) {
        double least = INFINITY;
        int nearest = 0;
        for (int k = 0; k < t->rows; k++) {
            double apart = 0;
            for (int j = 0; j < t->columns; j++)
                if (deviation[j] > 0)
                    apart += pow((double)t->x[i * COLUMNS + j] - (double)t->x[k * COLUMNS + j], 2) / deviation[j];
            if (k != i && apart < least) least = apart, nearest = k;
        }
        right += t->y[i] == t->y[nearest];
        count[(int)t->y[i]]++;
    }
    for (int c = 0; c < t->classes; c++) largest = count[c] > largest ? count[c] : largest;
    return (right - largest) / (double)t->rows;
}

/* Whatever the family, rows that are alike have the same class more often than chance has it; and not always, or there
 * were nothing to learn. */
TEST(neighbours_tell_something_in_every_family) {
    for (int f = 0; goss_prior_family_at(f); f++) {
        goss_prior_options o = small();
        o.least_rows = ROWS, o.least_columns = 3, o.columns = COLUMNS, o.families = goss_prior_family_at(f)->name;
        o.missing = 0;
        goss_prior *p = create(o);
        double sum = 0;
        int better = 0;
        for (uint64_t k = 0; k < 100; k++) {
            goss_prior_table t = room(0);
            goss_prior_draw(p, k, &t);
            const double gain = gain_of_nearest(&t);
            sum += gain, better += gain > 0.02;
        }
        T_NOTE("family %s: mean %g, better in %d", o.families, sum / 100, better);
        if (getenv("SHOW")) printf("family %s: mean %g, better in %d\n", o.families, sum / 100, better);
        T_CHECK(better > 40 && better < 100);
        goss_prior_free(p);
    }
}

/* ---- options ---- */

TEST(options_out_of_range) {
    static const struct {
        const char *families;
        int rows, classes;
        double missing;
        const char *text;
    } bad[] = {{"mpl", 100, 5, 0.1, "there is no \"mpl\""},
               {"mlp=1,tree=x", 100, 5, 0.1, "\"tree=x\""},
               {"mlp,mlp", 100, 5, 0.1, "twice"},
               {"mlp=0", 100, 5, 0.1, "positive weight"},
               {NULL, 5, 5, 0.1, "rows: 5"},
               {NULL, 100, 11, 0.1, "classes: 11"},
               {NULL, 100, 5, 1.5, "missing: 1.5"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        goss_prior_options o = goss_prior_defaults();
        goss_prior *p = NULL;
        o.families = bad[i].families, o.rows = bad[i].rows, o.classes = bad[i].classes, o.missing = bad[i].missing;
        T_EQ(goss_prior_create(&o, &p, &err), GOSS_E_ARGUMENT);
        T_NOTE("%s", err.text);
        T_CHECK(strstr(err.text, bad[i].text));
        T_CHECK(!p);
    }
}

TEST(no_memory) {
    for (uint64_t n = 1; n <= 2; n++) {
        goss_prior *p = NULL;
        goss__alloc_fail_at(n);
        T_EQ(goss_prior_create(NULL, &p, &err), GOSS_E_NOMEM);
        goss__alloc_fail_at(0);
    }
}

TEST_MAIN()
