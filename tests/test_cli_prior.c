/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer data tables, as a user meets it. */
#include "cli_run.h"
#include "gossamer/prior.h"
#include "gossamer/table.h"

static goss_error err;

/* What is in a file is what the prior draws, to the digits that are written. */
static void compare(const char *file, const goss_prior_table *t, int stride) {
    goss_table *table;
    T_OK(goss_table_open(tiny_path(file), NULL, &table, &err));
    T_EQ(goss_table_rows(table), t->rows);
    T_EQ(goss_table_columns(table), t->columns + 1);
    for (int j = 0; j < t->columns; j++)
        for (int i = 0; i < t->rows; i++) {
            const float v = t->x[i * stride + j];
            T_NOTE("%s: row %d, column %d", file, i, j);
            T_EQ(goss_table_missing(table, j, i), isnan(v));
            if (isnan(v)) continue;
            char buffer[GOSS_CELL_TEXT];
            const char *cell = goss_table_text(table, j, i, buffer);
            if (t->column[j].kind == GOSS_PRIOR_CATEGORY)
                T_EQ(cell[0], (int)v < 26 ? 'a' + (int)v : 'b');
            else
                T_NEAR(strtod(cell, NULL), (double)v, 1e-6 * fabs((double)v));
        }
    for (int i = 0; i < t->rows; i++) {
        char buffer[GOSS_CELL_TEXT];
        T_EQ(goss_table_text(table, t->columns, i, buffer)[0], 'A' + (int)t->y[i]);
    }
    goss_table_close(table);
}

TEST(tables_are_written_as_they_are_drawn) {
    enum { ROWS = 60, COLUMNS = 8 };
    static float x[ROWS * COLUMNS], y[ROWS];
    static goss_prior_column column[COLUMNS];
    goss_prior_options o = goss_prior_defaults();
    goss_prior *p;
    o.least_rows = 40, o.rows = ROWS, o.least_columns = 3, o.columns = COLUMNS, o.seed = 5, o.missing = 1;
    o.families = "mlp,rule=2";
    T_OK(goss_prior_create(&o, &p, &err));
    RUN(0, "data tables -o drawn --count 4 --first 7 --seed 5 --rows 40..60 --columns 3..8 --missing 1 "
           "--families mlp,rule=2");
    T_STR(out_text, "drawn\n");
    for (uint64_t i = 0; i < 4; i++) {
        char file[60];
        goss_prior_table t = {.x = x, .y = y, .column = column};
        snprintf(file, sizeof file, "drawn/table-0000%d.csv", (int)i + 1);
        goss_prior_draw(p, 7 + i, &t);
        compare(file, &t, COLUMNS);
        SAYS(err_text, file);
        SAYS(err_text, goss_prior_family_at(t.family)->name);
    }
    goss_prior_free(p);
}

TEST(numbers_to_predict) {
    goss_table *table;
    RUN(0, "data tables -o numbers --count 1 --regression 1 --rows 80");
    SAYS(err_text, "80 rows");
    SAYS(err_text, "a number");
    T_OK(goss_table_open(tiny_path("numbers/table-00001.csv"), NULL, &table, &err));
    T_EQ(goss_table_rows(table), 80);
    T_EQ(goss_table_type(table, goss_table_columns(table) - 1), GOSS_COLUMN_NUMBER);
    goss_table_close(table);
}

TEST(mistakes) {
    static const struct {
        const char *line;
        int status;
        const char *says;
    } cases[] = {{"data tables", 2, "-o is missing"},
                 {"data tables -o new --rows 60..40", 2, "60..40"},
                 {"data tables -o new --columns 0", 2, "\"0\" is no number from 1 to 1000"},
                 {"data tables -o new --families oak", 1, "there is no \"oak\"; there are mlp, causal"},
                 {"data tables -o new --rows 5", 1, "rows: 5 is not from 10"},
                 {"data tables -o nofolder/new", 1, "nofolder/new"},
                 {"data tables -o full", 1, "name another folder"},
                 {"data trees -o new", 2, "glyphs|machines|tables|vectors"}};
    RUN(0, "data tables -o full --count 1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RUN(cases[i].status, cases[i].line);
        SAYS(err_text, cases[i].says);
        T_CHECK(access(tiny_path("new"), F_OK) != 0);
    }
}

TEST_MAIN()
