/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of a table: statistics, roles and findings, groups, numbers, hashes, encodings. */
#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "scratch.h"
#include "table_text.h"

static goss__str csv;

/* A table of n rows whose cells are made by a function. */
static goss_table *made(const char *header, int n, void (*row)(goss__str *s, int r, goss__rng *rng),
                        const goss_table_options *o) {
    goss__rng rng = goss__rng_make(17, 4);
    goss__str_free(&csv);
    goss__str_addf(&csv, "%s\n", header);
    for (int r = 0; r < n; r++) row(&csv, r, &rng);
    return table_bytes(csv.data, csv.size, o);
}

static goss_roles roles_of(const goss_table *t, const goss_roles_declared *d) {
    goss_roles r;
    T_OK(goss_table_roles(t, d, &r, &err));
    return r;
}

/* "ittn": the first letters of the roles. */
static const char *shown_roles(const goss_roles *r) {
    static char text[64];
    for (int c = 0; c < r->columns; c++) text[c] = goss_column_role_name(r->role[c])[0];
    text[r->columns] = 0;
    return text;
}

/* ---- statistics ---- */

TEST(statistics) {
    goss_table *t = table_of("a,b,c\n1,x,\n2,y,\n-4,x,\n,x,\n2,,\n");
    goss_column_stats s;
    T_OK(goss_table_stats(t, 0, NULL, 0, &s, &err));
    T_EQ(s.missing, 1);
    T_EQ(s.distinct, 3);
    T_CHECK(s.integers);
    T_NEAR(s.min, -4, 0);
    T_NEAR(s.max, 2, 0);
    T_NEAR(s.mean, 0.25, 1e-15);
    T_NEAR(s.deviation, sqrt(6.1875), 1e-15);
    T_OK(goss_table_stats(t, 1, NULL, 0, &s, &err));
    T_EQ(s.missing, 1);
    T_EQ(s.distinct, 2);
    T_STR(goss_table_category(t, 1, s.most), "x");
    T_EQ(s.most_count, 3);
    T_OK(goss_table_stats(t, 2, NULL, 0, &s, &err));
    T_EQ(s.distinct, 0);
    T_CHECK(isnan(s.mean) && s.missing == 5 && !s.integers);
    const int32_t rows[] = {1, 4};
    T_OK(goss_table_stats(t, 0, rows, 2, &s, &err));
    T_EQ(s.distinct, 1);
    T_NEAR(s.deviation, 0, 0);
    goss_table_close(t);
}

static void large_row(goss__str *s, int r, goss__rng *rng) {
    (void)rng;
    goss__str_addf(s, "%.17g,%d\n", 1e15 + r % 3, r % 700);
}

TEST(statistics_of_large_numbers_and_many_values) {
    goss_table *t = made("a,b", 3000, large_row, NULL);
    goss_column_stats s;
    T_OK(goss_table_stats(t, 0, NULL, 0, &s, &err));
    T_NEAR(s.deviation, sqrt(2.0 / 3), 1e-6);
    T_OK(goss_table_stats(t, 1, NULL, 0, &s, &err));
    T_EQ(s.distinct, 700);
    goss_table_close(t);
}

/* ---- roles ---- */

/* Students in schools: a number within the school, something the school has, something measured. */
static void school_row(goss__str *s, int r, goss__rng *rng) {
    goss__str_addf(s, "%d,%d,%.4f,%s,%.4f,%d\n", r + 1, 10 + r / 20, 0.1 * (r / 20), r % 3 ? "F" : "M",
                   goss__rng_normal(rng), 1 + r % 20);
}

TEST(roles_of_students_in_schools) {
    goss_table *t = made("rownames,School_ID,size,sex,score1,student", 200, school_row, NULL);
    goss_roles r = roles_of(t, NULL);
    T_STR(shown_roles(&r), "itiiti"); /* id, task, input, input, target, id */
    T_EQ(r.role[0], GOSS_ROLE_ID);
    T_STR(r.reason[0], "counts the rows");
    T_EQ(r.task, 1);
    T_CHECK(r.task_guessed && r.target_guessed);
    T_EQ(r.target, 4);
    T_EQ(r.role[5], GOSS_ROLE_ID);
    T_STR(r.reason[5], "with the name of an id, and different in every row of a task");
    int inputs[6];
    T_EQ(goss_roles_select(&r, GOSS_ROLE_INPUT, inputs), 2);
    T_EQ(inputs[0], 2);
    T_EQ(inputs[1], 3);
    goss_roles_free(&r);
    const goss_roles_declared d = {.target = "sex", .task = "", .ignore = "size,rownames", .id = "School_ID"};
    r = roles_of(t, &d);
    T_EQ(r.target, 3);
    T_EQ(r.task, -1);
    T_CHECK(!r.target_guessed);
    T_EQ(r.role[0], GOSS_ROLE_IGNORED);
    T_EQ(r.role[1], GOSS_ROLE_ID);
    T_EQ(r.role[4], GOSS_ROLE_INPUT);
    goss_roles_free(&r);
    goss_table_close(t);
}

/* The days are the same in each task: chosen, not measured; so is what the person has. */
static void sleep_row(goss__str *s, int r, goss__rng *rng) {
    goss__str_addf(s, "%.3f,%d,%d,p%d\n", 250 + 20 * goss__rng_normal(rng), r % 10, 30 + r / 10, r / 10);
}

TEST(the_target_is_measured_not_chosen) {
    goss_table *t = made("Reaction,Days,age,Subject", 120, sleep_row, NULL);
    goss_roles r = roles_of(t, NULL);
    T_EQ(r.task, 3);
    T_EQ(r.target, 0);
    goss_roles_free(&r);
    goss_table_close(t);
}

static void plain_row(goss__str *s, int r, goss__rng *rng) {
    goss__str_addf(s, "k%d,%d,%d,same,2024-01-%02d,%.3f\n", r, r % 2, r % 5, 1 + r % 28, goss__rng_normal(rng));
}

TEST(names_ids_constants_and_dates) {
    goss_table *t = made("key,y,n,c,d,x", 60, plain_row, NULL);
    goss_roles r = roles_of(t, NULL);
    T_STR(table_types(t), "tnncdn");
    T_EQ(r.role[0], GOSS_ROLE_ID);
    T_EQ(r.target, 1); /* called y */
    T_EQ(r.role[2], GOSS_ROLE_INPUT);
    T_EQ(r.role[3], GOSS_ROLE_CONSTANT);
    T_EQ(r.role[4], GOSS_ROLE_IGNORED);
    T_EQ(r.task, -1);
    goss_roles_free(&r);
    const struct {
        goss_roles_declared d;
        const char *says;
    } bad[] = {
        {{.target = "Y"}, "target: there is no column \"Y\" (nearest: \"y\")"},
        {{.task = "file"}, "task: there is no column \"file\""},
        {{.target = "x", .ignore = "n, x"}, "ignore: column x is declared as target already"},
        {{.target = "d"}, "target: column d has dates"},
        {{.target = "key"}, "target: column key has texts that hardly repeat"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        T_ERR(goss_table_roles(t, &bad[i].d, &r, &err), GOSS_E_ARGUMENT, bad[i].says);
        T_CHECK(r.role == NULL);
    }
    goss_table_close(t);
}

/* ---- findings ---- */

static bool finds(const goss_table *t, const char *target, goss_finding_kind kind, const char *column,
                  const char *says) {
    const goss_roles_declared d = {.target = target};
    goss_roles r = roles_of(t, &d);
    goss_finding *f;
    int n;
    bool found = false;
    T_OK(goss_table_findings(t, &r, &f, &n, &err));
    for (int i = 0; i < n && !found; i++)
        found = f[i].kind == kind &&
                (!column || (f[i].column >= 0 && strcmp(goss_table_name(t, f[i].column), column) == 0)) &&
                strstr(f[i].text, says);
    goss_findings_free(f);
    goss_roles_free(&r);
    return found;
}

static void leak_row(goss__str *s, int r, goss__rng *rng) {
    double y = goss__rng_normal(rng), noise = goss__rng_normal(rng);
    goss__str_addf(s, "%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%s,%s,%d\n", y, y, 3 - 2 * y, exp(y), y + 0.3 * noise, y + noise,
                   y > 0 ? "high" : "low", y > 0 ? "yes" : "no", r % 7);
}

TEST(leaks) {
    goss_table *t = made("y,same,linear,curved,near,far,level,class,other", 400, leak_row, NULL);
    T_CHECK(finds(t, "y", GOSS_FINDING_LEAK, "same", "equals the target y"));
    T_CHECK(finds(t, "y", GOSS_FINDING_LEAK, "linear", "a linear function of the target y"));
    T_CHECK(finds(t, "y", GOSS_FINDING_LEAK, "curved", "determines 99"));
    T_CHECK(finds(t, "y", GOSS_FINDING_LEAK, "near", "has a correlation of 0.9"));
    T_CHECK(!finds(t, "y", GOSS_FINDING_LEAK, "far", ""));
    T_CHECK(!finds(t, "y", GOSS_FINDING_LEAK, "level", ""));
    T_CHECK(!finds(t, "y", GOSS_FINDING_LEAK, "other", ""));
    T_CHECK(finds(t, "class", GOSS_FINDING_LEAK, "level", "determines 100.0 % of the target class"));
    T_CHECK(finds(t, "class", GOSS_FINDING_LEAK, "curved", "determines 100.0 %")); /* by its order */
    T_CHECK(!finds(t, "class", GOSS_FINDING_LEAK, "far", ""));
    T_CHECK(!finds(t, "class", GOSS_FINDING_LEAK, "other", ""));
    T_CHECK(finds(t, "y", GOSS_FINDING_DUPLICATE_COLUMN, "same", "") == false); /* the target is none */
    T_CHECK(finds(t, "class", GOSS_FINDING_DUPLICATE_COLUMN, "same", "same holds the same as y"));
    goss_table_close(t);
}

TEST(other_findings) {
    goss_table *t = table_of("task,a,b,c,d,y\nu,1,,k,2024-01-01,p\nu,1,,k,2024-01-01,p\nv,2,,k,2024-01-02,p\n"
                             "v,3,5,k,2024-01-03,q\nv,4,6,k,2024-01-03,\nv,4,,k,2024-01-03,p\n");
    T_CHECK(finds(t, "y", GOSS_FINDING_DUPLICATE_ROWS, NULL, "1 of 6 rows are duplicates"));
    T_CHECK(finds(t, "y", GOSS_FINDING_MOSTLY_MISSING, NULL, ""));
    T_CHECK(finds(t, "y", GOSS_FINDING_CONSTANT, "c", "the same in all rows"));
    T_CHECK(finds(t, "y", GOSS_FINDING_RARE_CLASS, "y", "1 of 2 classes of the target y have one row: \"q\""));
    T_CHECK(finds(t, "y", GOSS_FINDING_MISSING_TARGET, "y", "missing in 1 of 6"));
    T_CHECK(finds(t, "y", GOSS_FINDING_DATE, "d", "has dates"));
    T_CHECK(finds(t, "y", GOSS_FINDING_SMALL_TASKS, "task", "1 of 2 tasks"));
    goss_table_close(t);
}

/* ---- groups, numbers, identity ---- */

TEST(groups_in_the_order_of_the_file) {
    goss_table *t = table_of("g,x\n3,1\n1,2\n3,3\n,4\n1,5\n2,6\n");
    goss_groups g;
    T_OK(goss_table_groups(t, 0, NULL, 0, &g, &err));
    T_EQ(g.count, 3);
    T_EQ(g.missing, 1);
    T_STR(g.name[0], "3");
    T_STR(g.name[2], "2");
    const int32_t want[] = {0, 2, 1, 4, 5};
    T_EQ(memcmp(g.rows, want, sizeof want), 0);
    T_EQ(g.first[1], 2);
    T_EQ(g.first[3], 5);
    goss_groups_free(&g);
    const int32_t rows[] = {4, 0};
    T_OK(goss_table_groups(t, 0, rows, 2, &g, &err));
    T_STR(g.name[0], "1");
    T_EQ(g.rows[0], 4);
    goss_groups_free(&g);
    T_OK(goss_table_groups(t, -1, NULL, 0, &g, &err));
    T_EQ(g.count, 1);
    T_EQ(g.first[1], 6);
    goss_groups_free(&g);
    goss_table_close(t);
}

TEST(numbers_of_some_rows_and_columns) {
    goss_table *t = table_of("a,b,d\n1,y,2024-01-01\n2,x,2024-01-02\n,y,2024-01-03\n");
    const int columns[] = {1, 0}, dates[] = {2};
    const int32_t rows[] = {2, 0};
    double out[6];
    T_OK(goss_table_numbers(t, columns, 2, rows, 2, out, &err));
    T_CHECK(out[0] == 1 && isnan(out[1]) && out[2] == 1 && out[3] == 1);
    T_OK(goss_table_numbers(t, columns, 2, NULL, 0, out, &err));
    T_CHECK(out[2] == 0 && out[3] == 2);
    T_ERR(goss_table_numbers(t, dates, 1, NULL, 0, out, &err), GOSS_E_ARGUMENT, "d: a date, which is not a number");
    goss_table_close(t);
}

/* Days since 1970 by the calendar: 30 years of which 7 are leap years, and so on. */
TEST(dates_are_seconds_of_utc) {
    static const struct {
        const char *text;
        double seconds; /* NaN: no date */
    } cases[] = {{"1970-01-01", 0},
                 {"1969-12-31", -86400},
                 {"1970-01-01T00:00:01", 1},
                 {"2000-01-01", 86400.0 * (30 * 365 + 7)},
                 {"2000-02-29", 86400.0 * (30 * 365 + 7 + 59)},
                 {"2024-05-01", 1714521600},
                 {"2024/5/1", 1714521600},
                 {"1 May 2024", 1714521600},
                 {"2024-05-01T12:30:00", 1714566600},
                 {"2024-05-01 12:30", 1714566600},
                 {"2024-05-01T12:30:00Z", 1714566600},
                 {"2024-05-01T12:30:00.25Z", 1714566600.25},
                 {"2024-05-01T12:30:00+02:00", 1714566600 - 7200},
                 {"2024-05-01T12:30:00-0330", 1714566600 + 12600},
                 {"2024-05-01T23:59:59+14", 1714521600 + 86399 - 14 * 3600},
                 {"2024-02-29", 1709164800},
                 {"2023-02-29", (double)NAN},
                 {"1900-02-29", (double)NAN},
                 {"2100-02-29", (double)NAN},
                 {"2024-04-31", (double)NAN},
                 {"2024-00-10", (double)NAN},
                 {"2024-13-01", (double)NAN},
                 {"2024-12-00", (double)NAN},
                 {"2024-12-32", (double)NAN},
                 {"2024-05-01T24:00", (double)NAN},
                 {"2024-05-01T10:60", (double)NAN},
                 {"2024-05-01T10:30+99:00", (double)NAN},
                 {"2024-05-01T10:30+01:75", (double)NAN},
                 {"01/05/2024", (double)NAN},
                 {"12:30", (double)NAN}};
    enum { CASES = sizeof cases / sizeof *cases };
    goss__str text = {0};
    goss__str_add(&text, "day,x\n");
    for (int i = 0; i < CASES; i++) goss__str_addf(&text, "%s,%d\n", cases[i].text, i);
    goss_table *t = table_bytes(text.data, text.size, NULL);
    T_STR(table_types(t), "dn");
    for (int i = 0; i < CASES; i++) {
        T_NOTE("%s", cases[i].text);
        const double seconds = goss_table_order_key(t, 0, i);
        T_CHECK(isnan(cases[i].seconds) ? isnan(seconds) : seconds == cases[i].seconds);
    }
    goss_table_close(t);
    goss__str_free(&text);
}

TEST(a_column_of_dates_may_be_the_time) {
    goss_table *t = table_of("who,date,days,x\na,2024-01-01,1,3\na,2024-01-02,1,4\na,2024-01-04,1,4\n"
                             "b,2024-01-01,2,5\nb,2024-01-03,2,6\nb,2024-01-02,2,6\n");
    goss_roles r = roles_of(t, &(goss_roles_declared){.task = "who", .target = "x"});
    goss_groups g;
    T_OK(goss_table_groups(t, 0, NULL, 0, &g, &err));
    T_EQ(goss_table_time(t, &r, &g), 1);
    goss_roles_free(&r);
    r = roles_of(t, &(goss_roles_declared){.task = "who", .target = "x", .ignore = "date"});
    T_EQ(goss_table_time(t, &r, &g), -1);
    goss_roles_free(&r), goss_groups_free(&g), goss_table_close(t);
}

TEST(hashes_tell_content) {
    goss_table *a = table_of("a,b\n1,x\n2,y\n3,x\n"), *b = table_of("b;a\nx;3.0\nx;1e0\ny;2\n"),
               *c = table_of("a,b\n1,x\n2,y\n3,y\n"), *d = table_of("a,c\n1,x\n2,y\n3,x\n"),
               *e = table_of("a,b\n2,x\n1,y\n3,x\n");
    T_CHECK(goss_table_row_hash(a, NULL, 0, 0) == goss_table_row_hash(b, NULL, 0, 1));
    T_CHECK(goss_table_row_hash(a, NULL, 0, 0) != goss_table_row_hash(a, NULL, 0, 1));
    T_CHECK(goss_table_hash(a, false) == goss_table_hash(b, false));
    T_CHECK(goss_table_hash(a, true) != goss_table_hash(b, true));
    T_CHECK(goss_table_hash(a, false) != goss_table_hash(c, false));
    T_CHECK(goss_table_hash(a, false) != goss_table_hash(d, false));
    T_CHECK(goss_table_hash(a, false) != goss_table_hash(e, false));
    goss_table_options o = {.categorical = "a"};
    goss_table *f = table_bytes("a,b\n1,x\n2,y\n3,x\n", 16, &o);
    T_CHECK(goss_table_hash(a, true) == goss_table_hash(f, true));
    const int first[] = {0};
    T_CHECK(goss_table_row_hash(a, first, 1, 2) == goss_table_row_hash(c, first, 1, 2));
    goss_table_close(a), goss_table_close(b), goss_table_close(c), goss_table_close(d), goss_table_close(e),
        goss_table_close(f);
}

TEST(a_table_is_written_and_read) {
    goss_table *t = table_of("a,\"b,c\"\n0.1,\"x, \"\"y\"\"\"\n,z\n-5e-324,\" w\"\n"), *back;
    const int32_t rows[] = {2, 0};
    T_OK(goss_table_write(t, NULL, 0, scratch("t.csv"), &err));
    T_OK(goss_table_open(scratch("t.csv"), NULL, &back, &err));
    T_CHECK(goss_table_hash(t, true) == goss_table_hash(back, true));
    T_STR(table_shown(back), "a,b,c / 0.1|x, \"y\" / |z / -4.94066e-324| w");
    goss_table_close(back);
    T_OK(goss_table_write(t, rows, 2, scratch("t.csv"), &err));
    T_OK(goss_table_open(scratch("t.csv"), NULL, &back, &err));
    T_EQ(goss_table_rows(back), 2);
    T_CHECK(goss_table_row_hash(back, NULL, 0, 0) == goss_table_row_hash(t, NULL, 0, 2));
    goss_table_close(back);
    goss_table_close(t);
}

/* ---- encodings ---- */

static void near_row(const float *got, const float *want, int n) {
    for (int i = 0; i < n; i++) T_NEAR((double)got[i], (double)want[i], 1e-6);
}

TEST(encodings_are_fitted_on_their_rows) {
    goss_table *t = table_of("a,b,c\n1,x,5\n3,y,5\n,x,5\n100,z,5\n");
    const int columns[] = {0, 1, 2};
    const int32_t rows[] = {0, 1, 2};
    goss_encoding *e, *back;
    goss_encoding_report report;
    float out[24];
    char *text;
    double mean, deviation;
    int first, count;
    T_OK(goss_encoding_fit(t, columns, 3, rows, 3, &e, &err));
    T_EQ(goss_encoding_width(e), 5);
    const char *const features[] = {"a", "a missing", "b=x", "b=y", "c"};
    for (int i = 0; i < 5; i++) T_STR(goss_encoding_feature(e, i), features[i]);
    T_CHECK(goss_encoding_scale(e, 0, &mean, &deviation) && mean == 2 && deviation == 1);
    T_CHECK(goss_encoding_scale(e, 2, &mean, &deviation) && mean == 5 && deviation == 1);
    T_CHECK(!goss_encoding_scale(e, 1, &mean, &deviation));
    goss_encoding_range(e, 1, &first, &count);
    T_CHECK(first == 2 && count == 2);
    T_OK(goss_encoding_apply(e, t, NULL, 0, out, &report, &err));
    const float want[] = {-1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 98, 0, 0, 0, 0};
    near_row(out, want, 20);
    T_EQ(report.unseen, 1);
    T_EQ(report.unseen_column, 1);
    T_STR(report.unseen_text, "z");

    T_OK(goss_encoding_text(e, &text, &err));
    T_OK(goss_encoding_parse(text, &back, &err));
    goss_table *other = table_of("d,c,b,a\nq,7,y,2\nr,,,\n");
    T_OK(goss_encoding_apply(back, other, NULL, 0, out, &report, &err));
    const float moved[] = {0, 0, 0, 1, 2, 0, 1, 0, 0, 0};
    near_row(out, moved, 10);
    T_EQ(report.unseen, 0);
    T_EQ(report.missing, 2); /* b and c had none missing */
    for (int i = 0; i < 5; i++) T_STR(goss_encoding_feature(back, i), features[i]);
    for (size_t n = 0; n < strlen(text); n++) { /* cut off anywhere */
        char cut[400];
        goss_encoding *none;
        snprintf(cut, sizeof cut, "%.*s", (int)n, text);
        T_CHECK(goss_encoding_parse(cut, &none, &err) != GOSS_OK && none == NULL);
    }
    goss_csv_text_free(text);
    goss_table_close(other);
    goss_encoding_free(e), goss_encoding_free(back);
    goss_table_close(t);
}

TEST(encodings_meet_other_types) {
    goss_table_options o = {.categorical = "k"};
    goss_table *t = table_bytes("k,v\n1,5\n2,6\n", 12, &o), *numbers = table_of("k,v\n2,5\n3,5\n"),
               *texts = table_of("k,v\n1,u\n2,w\n"), *lost = table_of("a,b\n1,2\n");
    const int columns[] = {0, 1};
    goss_encoding *e;
    goss_encoding_report report;
    float out[6];
    T_OK(goss_encoding_fit(t, columns, 2, NULL, 0, &e, &err));
    T_OK(goss_encoding_apply(e, numbers, NULL, 0, out, &report, &err));
    const float want[] = {0, 1, -1, 0, 0, -1};
    near_row(out, want, 6);
    T_STR(report.unseen_text, "3");
    T_ERR(goss_encoding_apply(e, texts, NULL, 0, out, NULL, &err), GOSS_E_ARGUMENT,
          "t.csv: column v has texts (\"u\"), but was numeric in training");
    T_ERR(goss_encoding_apply(e, lost, NULL, 0, out, NULL, &err), GOSS_E_ARGUMENT, "t.csv: there is no column k, v");
    goss_encoding_free(e);
    goss_table_close(t), goss_table_close(numbers), goss_table_close(texts), goss_table_close(lost);
}

TEST(encodings_refuse_what_nobody_can_learn_from) {
    goss_table *t = table_of("d,e,v\n2024-01-01,,1\n2024-01-02,,2\n");
    const int dates[] = {0}, empty[] = {1}, good[] = {2};
    goss_encoding *e;
    T_ERR(goss_encoding_fit(t, dates, 1, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "d has dates, which are not inputs");
    T_ERR(goss_encoding_fit(t, empty, 1, NULL, 0, &e, &err), GOSS_E_ARGUMENT,
          "e: all values are missing in the 2 training rows");
    T_ERR(goss_encoding_fit(t, good, 0, NULL, 0, &e, &err), GOSS_E_ARGUMENT, "an encoding of 0 columns");
    T_CHECK(e == NULL);
    goss_table_close(t);
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"columns\": []}",
        "{\"columns\": [{\"name\": \"a\"}]}",
        "{\"columns\": [{\"name\": \"a\", \"missing\": true, \"values\": []}]}",
        "{\"columns\": [{\"name\": \"a\", \"missing\": true, \"values\": [\"x\", \"x\"]}]}",
        "{\"columns\": [{\"name\": \"a\", \"missing\": true, \"mean\": 1, \"deviation\": 0}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        T_NOTE("%s", bad[i]);
        T_ERR(goss_encoding_parse(bad[i], &e, &err), GOSS_E_FORMAT, "");
    }
}

/* ---- faults ---- */

static goss_status everything(const goss_table *t) {
    const int columns[] = {0, 1};
    goss_roles r;
    goss_finding *f = NULL;
    goss_encoding *e = NULL, *back = NULL;
    char *text = NULL;
    int n;
    float out[200];
    GOSS_TRY(goss_table_roles(t, NULL, &r, &err));
    goss_status s = goss_table_findings(t, &r, &f, &n, &err);
    if (s == GOSS_OK) s = goss_encoding_fit(t, columns, 2, NULL, 0, &e, &err);
    if (s == GOSS_OK) s = goss_encoding_apply(e, t, NULL, 0, out, NULL, &err);
    if (s == GOSS_OK) s = goss_encoding_text(e, &text, &err);
    if (s == GOSS_OK) s = goss_encoding_parse(text, &back, &err);
    if (s == GOSS_OK) s = goss_table_write(t, NULL, 0, scratch("w.csv"), &err);
    goss_findings_free(f);
    goss_roles_free(&r);
    goss_encoding_free(e), goss_encoding_free(back);
    goss_csv_text_free(text);
    return s;
}

TEST(every_allocation_that_fails) {
    goss__str s = {0};
    goss__str_add(&s, "user,b,y\n");
    for (int i = 0; i < 24; i++) goss__str_addf(&s, "u%d,%s,%d.5\n", i / 6, i % 2 ? "x" : "y", i * i % 7);
    goss_table *t = table_bytes(s.data, s.size, NULL);
    goss__str_free(&s);
    scratch_empty();
    T_OK(everything(t));
    uint64_t before = goss__alloc_count();
    T_OK(everything(t));
    const int allocations = (int)(goss__alloc_count() - before);
    int failed = 0;
    for (int n = 1; n <= allocations; n++) {
        goss__alloc_fail_at((uint64_t)n);
        goss_status status = everything(t);
        goss__alloc_fail_at(0);
        T_NOTE("allocation %d of %d: %s", n, allocations, err.text);
        T_CHECK(status == GOSS_OK || status == GOSS_E_NOMEM);
        failed += status != GOSS_OK;
        T_EQ(scratch_count(), 1); /* nothing half-written */
    }
    T_CHECK(failed > 40);
    goss_table_close(t);
}

TEST_MAIN()
