/* SPDX-License-Identifier: Apache-2.0 */
/* Ratings as tasks: what a catalogue finds in ratings whose truth is known, what a new user is shown, sources, text and
 * back, items by name, a person's file, baselines; and what is refused. */
#include <sys/stat.h>

#include "base/alloc.h"
#include "gossamer/recommend.h"
#include "gossamer/text.h"
#include "rating_world.h"
#include "recommend/recommend.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static const world usual = {.users = 60, .items = 50, .ratings = 25, .seed = 3, .unlisted = 4};

typedef struct opened {
    goss_ratings *ratings;
    goss_catalogue *catalogue;
    float *inputs;
    int32_t users[60]; /* the first 50 are trained on */
} opened;

static const char *folder(const world *w, const char *name) {
    const char *path = scratch(name);
    mkdir(path, 0700);
    world_write(w, path);
    return path;
}

static opened open_world(const world *w, const char *name, const char *order) {
    opened o = {0};
    goss_ratings_options r = goss_ratings_defaults();
    goss_catalogue_options c = goss_catalogue_defaults();
    r.path = folder(w, name), r.order = order, c.factors = 4;
    T_OK(goss_ratings_open(&r, &o.ratings, &err));
    for (int i = 0; i < 60; i++) o.users[i] = i;
    T_OK(goss_catalogue_fit(o.ratings, o.users, 50, &c, &o.catalogue, &o.inputs, &err));
    return o;
}

static void close_world(opened *o) {
    goss_catalogue_inputs_free(o->inputs);
    goss_catalogue_free(o->catalogue);
    goss_ratings_close(o->ratings);
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    if (!f || fputs(text, f) < 0) exit(99);
    fclose(f);
}

/* ---- ratings ---- */

TEST(columns_are_found_by_name_and_repeated_ratings_count_once) {
    goss_ratings *r;
    goss_ratings_options o = goss_ratings_defaults();
    write_text("own.csv", "reader,isbn,stars,date\na,x,4,2020\na,y,3,2021\nb,x,1,2020\nb,z,2,2020\na,x,5,2022\n");
    o.path = scratch("own.csv"), o.column[GOSS_RATINGS_USER] = "reader";
    T_OK(goss_ratings_open(&o, &r, &err));
    T_EQ(goss_table_tasks_count(goss_ratings_users(r)), 2);
    T_EQ(goss_ratings_items(r), 3);
    T_EQ(goss_ratings_repeated(r), 1);
    T_EQ(goss_ratings_of(r, 0), 2);
    T_NEAR(goss_table_number(r->table, r->rating, r->row[r->first[0] + 1]), 5, 0); /* the last of the two */
    T_STR(goss_ratings_column_name(r, GOSS_RATINGS_ITEM), "isbn");
    goss_ratings_close(r);
}

/* As numbers in double precision these are one user and one item. */
TEST(identifiers_of_many_digits_stay_apart) {
    goss_ratings *r;
    goss_ratings_options o = goss_ratings_defaults();
    write_text("digits.csv", "userId,movieId,rating\n12345678901234567891,9007199254740993,4\n"
                             "12345678901234567892,9007199254740992,3\n12345678901234567892,9007199254740993,2\n");
    write_text("films.csv", "movieId,title\n9007199254740993,Alien\n9007199254740992,Aliens\n");
    o.path = scratch("digits.csv"), o.items = scratch("films.csv");
    T_OK(goss_ratings_open(&o, &r, &err));
    T_EQ(goss_table_tasks_count(goss_ratings_users(r)), 2);
    T_STR(goss_table_tasks_name(goss_ratings_users(r), 0), "12345678901234567891");
    T_EQ(goss_ratings_items(r), 2);
    T_EQ(goss_ratings_repeated(r), 0);
    goss_ratings_close(r);
    o.items = NULL;
    write_text("digits.csv", "who,movieId,rating\n12345678901234567891,1,4\n12345678901234567892,2,3\n");
    o.column[GOSS_RATINGS_USER] = "who";
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_FORMAT, "column who holds integers of more digits than numbers have");
    write_text("digits.csv", "userId,what,rating\n1,12345678901234567891,4\n2,12345678901234567892,3\n");
    o.column[GOSS_RATINGS_USER] = NULL, o.column[GOSS_RATINGS_ITEM] = "what";
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_FORMAT,
          "column what holds integers of more digits than numbers have");
}

TEST(first_ratings_are_the_earliest) {
    opened o = open_world(&usual, "ordered", "first");
    for (int u = 0; u < 60; u++)
        for (int i = o.ratings->first[u] + 1; i < o.ratings->first[u + 1]; i++)
            T_CHECK(goss_table_number(o.ratings->table, o.ratings->time, o.ratings->row[i - 1]) <=
                    goss_table_number(o.ratings->table, o.ratings->time, o.ratings->row[i]));
    T_STR(goss_catalogue_order(o.catalogue), "timestamp");
    close_world(&o);
}

TEST(first_ratings_are_the_earliest_by_dates_too) {
    goss_ratings *r;
    goss_ratings_options o = goss_ratings_defaults();
    write_text("days.csv",
               "userId,movieId,rating,timestamp\n1,1,3,2020-05-01\n1,2,4,2019-12-31 23:00\n1,3,5,2020-01-01\n");
    o.path = scratch("days.csv"), o.order = "first";
    T_OK(goss_ratings_open(&o, &r, &err));
    T_EQ(goss_ratings_of(r, 0), 3);
    T_CHECK(memcmp(r->row, (const int32_t[]){1, 2, 0}, 3 * sizeof *r->row) == 0);
    goss_ratings_close(r);
}

TEST(rows_that_say_too_little_are_counted_and_so_are_ratings_of_another_scale) {
    opened o = open_world(&usual, "scales", "random");
    goss_ratings *r;
    goss_ratings_options more = goss_ratings_defaults();
    double lowest, highest;
    T_EQ(goss_ratings_incomplete(o.ratings), 0);
    T_EQ(goss_ratings_outside(o.ratings, o.catalogue), 0);
    T_CHECK(goss_catalogue_range(o.catalogue, &lowest, &highest));
    T_NEAR(lowest, 0.5, 0);
    T_NEAR(highest, 5, 0);
    write_text("gaps.csv", "userId,movieId,rating\n1,101,3\n1,102,\n,103,2\n2,101,10\n2,102,NA\n2,103,0\n2,101,9\n");
    more.path = scratch("gaps.csv");
    T_OK(goss_ratings_open(&more, &r, &err));
    T_EQ(goss_ratings_incomplete(r), 3);
    T_EQ(goss_ratings_repeated(r), 1);
    T_EQ(goss_ratings_outside(r, o.catalogue), 2); /* 9 and 0: 10 is repeated */
    goss_ratings_close(r);
    close_world(&o);
}

TEST(bad_files_are_refused_with_their_place) {
    goss_ratings *r;
    goss_ratings_options o = goss_ratings_defaults();
    o.path = scratch("bad.csv");
    write_text("bad.csv", "userId,film,rating\n1,2,3\n2,2,4\n");
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_ARGUMENT, "data.item=COLUMN");
    write_text("bad.csv", "userId,itemId,rating\n1,2,good\n2,2,bad\n");
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_ARGUMENT, "column rating holds no numbers");
    write_text("bad.csv", "userId,itemId,rating\n1,2,3\n2,,4\n");
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_FORMAT, "bad.csv:3: the item of this rating is missing");
    write_text("bad.csv", "userId,itemId,rating\n1,2,3\n2,2,4\n");
    write_text("items.csv", "itemId,kind\n2,a\n3,b\n2,c\n");
    o.items = scratch("items.csv");
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_FORMAT, "items.csv:4: a second row of item 2");
    write_text("items.csv", "id,kind\n2,a\n");
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_ARGUMENT, "no column itemId");
    o.items = NULL, o.path = scratch_folder;
    T_ERR(goss_ratings_open(&o, &r, &err), GOSS_E_IO, "no ratings.csv");
    /* ratings that are all the same teach nothing */
    goss_catalogue *c;
    const goss_catalogue_options fit = goss_catalogue_defaults();
    write_text("bad.csv", "userId,itemId,rating\n1,2,3\n1,4,3\n2,2,3\n");
    o.path = scratch("bad.csv");
    T_OK(goss_ratings_open(&o, &r, &err));
    T_ERR(goss_catalogue_fit(r, NULL, 0, &fit, &c, NULL, &err), GOSS_E_ARGUMENT, "are the same");
    goss_ratings_close(r);
}

/* ---- catalogues ---- */

TEST(a_catalogue_finds_what_the_ratings_were_made_of) {
    opened o = open_world(&usual, "truth", "random");
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < usual.items; i++) {
        char id[20];
        snprintf(id, sizeof id, "%d", 100 + i);
        const int item = goss_catalogue_find(o.catalogue, id);
        T_CHECK(item >= 0);
        const double found = o.catalogue->v[item * 5], truth = 0.4 * world_number(&usual, 2, i, 0);
        ab += found * truth, aa += found * found, bb += truth * truth;
    }
    T_CHECK(ab / sqrt(aa * bb) > 0.8);
    T_NEAR(o.catalogue->noise < 0.6, 1, 0); /* what is left over, of ratings with a variance above 1 */
    T_CHECK(o.catalogue->deviation > 0.9);
    close_world(&o);
}

/* A rating of its own must not be in what a training user is shown of an item; else the item would tell it. */
TEST(what_is_shown_of_a_rated_item_does_not_tell_the_rating) {
    opened o = open_world(&usual, "shown", "random");
    double leak = 0, shown = 0, square = 0;
    const int width = goss_catalogue_width(o.catalogue);
    int n = 0;
    for (int u = 0; u < 50; u++)
        for (int i = o.ratings->first[u]; i < o.ratings->first[u + 1]; i++, n++) {
            const int row = o.ratings->row[i], item = o.ratings->of[row];
            float x[32];
            goss_catalogue_input(o.catalogue, goss_catalogue_find(o.catalogue, o.ratings->ids.text[item]), x);
            const double with = (double)x[0], without = (double)o.inputs[row * width];
            const double rating = goss_table_number(o.ratings->table, o.ratings->rating, row) - 3;
            leak += (with - without) * rating, shown += (with - without) * (with - without), square += rating * rating;
        }
    T_NOTE("%g", leak / sqrt(shown * square));
    T_CHECK(leak / sqrt(shown * square) > 0.2); /* what the rating itself had added */
    close_world(&o);
    /* an item that one user alone has rated: its bias is that of an item without ratings, whatever was given */
    goss_ratings *r;
    goss_ratings_options from = goss_ratings_defaults();
    goss_catalogue_options fit = goss_catalogue_defaults();
    from.path = scratch("one.csv");
    float seen[2];
    for (int k = 0; k < 2; k++) {
        goss_catalogue *c;
        float *inputs;
        char text[1000] = "userId,itemId,rating\n";
        for (int u = 0; u < 6; u++)
            for (int i = 0; i < 4; i++)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%d,%d,%d\n", u, i, 1 + (u * 7 + i * 3) % 5);
        snprintf(text + strlen(text), sizeof text - strlen(text), "5,9,%d\n", k ? 5 : 1);
        write_text("one.csv", text);
        T_OK(goss_ratings_open(&from, &r, &err));
        fit.factors = 1;
        T_OK(goss_catalogue_fit(r, NULL, 0, &fit, &c, &inputs, &err));
        const double bias = (double)inputs[24 * goss_catalogue_width(c)] * (double)c->scale[0] + (double)c->centre[0];
        seen[k] = (float)bias;
        T_NEAR(bias, c->from_features[0], 0.02);
        goss_catalogue_inputs_free(inputs), goss_catalogue_free(c), goss_ratings_close(r);
    }
    T_NEAR((double)seen[0], (double)seen[1], 0.3); /* the mean over items moves a little */
}

TEST(a_catalogue_is_the_same_from_its_text) {
    opened o = open_world(&usual, "text", "random");
    char *text, *again;
    goss_catalogue *c;
    float a[32], b[32];
    T_OK(goss_catalogue_text(o.catalogue, &text, &err));
    T_OK(goss_catalogue_parse(text, &c, &err));
    T_EQ(goss_catalogue_items(c), goss_catalogue_items(o.catalogue));
    T_EQ(goss_catalogue_width(c), goss_catalogue_width(o.catalogue));
    for (int i = 0; i < goss_catalogue_items(c); i++) {
        T_STR(goss_catalogue_id(c, i), goss_catalogue_id(o.catalogue, i));
        T_STR(goss_catalogue_name(c, i), goss_catalogue_name(o.catalogue, i));
        T_EQ(goss_catalogue_count(c, i), goss_catalogue_count(o.catalogue, i));
        goss_catalogue_input(c, i, a), goss_catalogue_input(o.catalogue, i, b);
        for (int j = 0; j < goss_catalogue_width(c); j++) T_NEAR((double)a[j], (double)b[j], 1e-5);
    }
    T_OK(goss_catalogue_text(c, &again, &err));
    T_STR(again, text); /* from then on bit by bit */
    goss_text_free(again);
    goss_catalogue_free(c);
    /* cut anywhere it is damaged, not shorter */
    const size_t n = strlen(text);
    for (size_t cut = 0; cut + 1 < n; cut += 1 + n / 150) {
        const char kept = text[cut];
        text[cut] = 0;
        T_CHECK(goss_catalogue_parse(text, &c, &err) == GOSS_E_FORMAT && !c);
        text[cut] = kept;
    }
    for (size_t at = 20; at < n; at += 1 + n / 300) { /* other bytes: refused, or read as what they say */
        const char kept = text[at];
        text[at] = kept == '\t' ? '5' : '\t';
        const goss_status s = goss_catalogue_parse(text, &c, &err);
        T_CHECK(s == GOSS_OK || s == GOSS_E_FORMAT || s == GOSS_E_ARGUMENT);
        goss_catalogue_free(c);
        text[at] = kept;
    }
    goss_text_free(text);
    close_world(&o);
}

TEST(items_are_found_as_people_write_them) {
    goss_ratings *r;
    goss_catalogue *c;
    goss_ratings_options o = goss_ratings_defaults();
    goss_catalogue_options fit = goss_catalogue_defaults();
    write_text("few.csv", "userId,movieId,rating\n1,7,3\n1,8,4\n2,7,5\n2,9,1\n2,10,2\n");
    write_text("films.csv", "movieId,title\n7,\"Matrix, The (1999)\"\n8,Solaris (1972)\n9,Solaris (2002)\n10,1984\n");
    o.path = scratch("few.csv"), o.items = scratch("films.csv");
    T_OK(goss_ratings_open(&o, &r, &err));
    T_OK(goss_catalogue_fit(r, NULL, 0, &fit, &c, NULL, &err));
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "the matrix")), "7");
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "The Matrix (1999)")), "7");
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "MATRIX, THE (1999)")), "7");
    T_EQ(goss_catalogue_find(c, "The Matrix (2000)"), GOSS_CATALOGUE_NONE);
    T_EQ(goss_catalogue_find(c, "solaris"), GOSS_CATALOGUE_SEVERAL);
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "Solaris (2002)")), "9");
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "1984")), "10");
    T_EQ(goss_catalogue_find(c, ""), GOSS_CATALOGUE_NONE);
    T_STR(goss_catalogue_id(c, goss_catalogue_find(c, "7")), "7");
    T_EQ(goss_catalogue_named(c, "7"), GOSS_CATALOGUE_NONE);
    goss_catalogue_free(c), goss_ratings_close(r);
}

static goss_catalogue *films_of(const char *items) {
    goss_ratings *r;
    goss_catalogue *c;
    goss_ratings_options o = goss_ratings_defaults();
    const goss_catalogue_options fit = goss_catalogue_defaults();
    write_text("few.csv", "userId,movieId,rating\n1,1,3\n1,2,4\n2,3,5\n2,4,1\n2,5,2\n3,5,3\n");
    write_text("films.csv", items);
    o.path = scratch("few.csv"), o.items = scratch("films.csv");
    T_OK(goss_ratings_open(&o, &r, &err));
    T_OK(goss_catalogue_fit(r, NULL, 0, &fit, &c, NULL, &err));
    goss_ratings_close(r);
    return c;
}

TEST(items_are_found_by_one_of_their_names_without_accents_and_signs) {
    goss_catalogue *c = films_of("movieId,title\n"
                                 "1,Seven (a.k.a. Se7en) (1995)\n"
                                 "2,\"Boot, Das (Boat, The) (1981)\"\n"
                                 "3,\"Am\xc3\xa9lie (Fabuleux destin d'Am\xc3\xa9lie Poulain, Le) (2001)\"\n"
                                 "4,Dr. Strangelove or: How I Learned to Stop Worrying (1964)\n"
                                 "5,\"Avventura, L' (Adventure, The) (1960)\"\n"
                                 "6,Boat (2019)\n7,1984 (1984)\n8,Emma (1996)\n9,Emma (2020)\n10,Emma (2009)\n"
                                 "11,Emma (1932)\n");
    static const struct {
        const char *typed, *id;
    } found[] = {{"seven", "1"},
                 {"Se7en", "1"},
                 {"Das Boot", "2"},
                 {"the boat", "2"},
                 {"Boat", "6"}, /* the whole name, before one of several */
                 {"Amelie", "3"},
                 {"AME\xcc\x81LIE", "3"}, /* e and an accent of its own */
                 {"Le fabuleux destin d\xe2\x80\x99"
                  "Amelie Poulain",
                  "3"},
                 {"dr strangelove, or how i learned to stop worrying", "4"},
                 {"l'avventura", "5"},
                 {"The Adventure (1960)", "5"},
                 {"1984", "7"}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        const int item = goss_catalogue_named(c, found[i].typed);
        if (item < 0 || strcmp(goss_catalogue_id(c, item), found[i].id) != 0)
            T_FAIL("\"%s\" is item %d", found[i].typed, item);
    }
    T_EQ(goss_catalogue_named(c, "The Adventure (1961)"), GOSS_CATALOGUE_NONE);
    T_EQ(goss_catalogue_named(c, "1964"), GOSS_CATALOGUE_NONE); /* a year is no name */
    T_EQ(goss_catalogue_named(c, "..."), GOSS_CATALOGUE_NONE);
    static const struct {
        const char *typed, *said;
    } told[] = {{"emma", "several items are called \"emma\": Emma (1996), Emma (2020), Emma (2009) and 1 more"},
                {"Strangelove", "there is no item \"Strangelove\"; is it \"Dr. Strangelove or: How I Learned to Stop "
                                "Worrying (1964)\"?"},
                {"Sevem", "there is no item \"Sevem\"; is it \"Seven (a.k.a. Se7en) (1995)\"?"},
                {"Dr Strangelove", "there is no item \"Dr Strangelove\"; is it \"Dr. Strangelove or: How I Learned to "
                                   "Stop Worrying (1964)\"?"},
                {"love", "there is no item \"love\""}, /* a part of a word says nothing */
                {"Casablanca", "there is no item \"Casablanca\""}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        goss__str s = {0};
        goss__catalogue_explain(c, told[i].typed, &s);
        T_STR(s.data, told[i].said);
        goss__str_free(&s);
    }
    goss_catalogue_free(c);
}

/* Lists of genres as people and shops write them have the same tags; names with a comma are none. */
TEST(lists_of_tags_are_divided_by_the_sign_that_a_file_uses) {
    static const char *const signs[] = {"|", "| ", " | ", ";", ", ", " / "};
    static const char long_tag[] = "A genre with a name of more than thirty letters";
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
        char text[4000] = "movieId,title,genres,director\n";
        for (int i = 1; i <= 24; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "%d,Film %d,\"%s%s%s%s%s\",\"Surname%d, Name%d\"\n", i, i, i % 2 ? "Drama" : "Comedy", signs[k],
                     i % 3 ? "War" : "Sci-Fi", signs[k], i % 5 ? "Short" : long_tag, i % 8, i % 8);
        goss_catalogue *c = films_of(text);
        int genres = 0, names = 0, longest = 0;
        for (int i = 0; i < c->features; i++) {
            genres += strcmp(c->seen[i].column, "genres") == 0, names += strcmp(c->seen[i].column, "director") == 0;
            longest += strcmp(c->seen[i].tag, long_tag) == 0;
        }
        T_EQ(genres, 6);
        T_EQ(longest, 1);
        T_EQ(names, 8);
        goss_catalogue_free(c);
    }
}

/* Nobody has rated it; its genres say what it is like. */
TEST(an_item_without_ratings_is_known_by_its_features) {
    const world few = {.users = 60, .items = 120, .ratings = 30, .seed = 5};
    opened o = open_world(&few, "cold", "random");
    double with = 0, without = 0;
    int n = 0;
    for (int i = 0; i < few.items; i++) { /* as if it were not rated: by features alone */
        double v[5];
        goss__catalogue_guess(o.catalogue, o.catalogue->feature + i * o.catalogue->features, v);
        for (int j = 1; j < 5; j++) {
            const double truth = o.catalogue->v[i * 5 + j];
            with += (truth - v[j]) * (truth - v[j]), without += truth * truth, n++;
        }
    }
    T_CHECK(n > 0 && with < 0.7 * without);
    close_world(&o);
}

/* ---- sources ---- */

static goss_task reserve(const goss_task_spec *s, float *memory, int32_t *rows) {
    const size_t w = (size_t)s->input[0];
    goss_task t = {.support = memory, .query = memory + (size_t)s->supports * w};
    t.support_target = t.query + (size_t)s->queries * w, t.query_target = t.support_target + s->supports;
    t.support_rows = rows, t.query_rows = rows + s->supports, t.outputs = 1;
    return t;
}

TEST(draws_are_pure_and_keep_support_and_queries_apart) {
    static float memory[2][40 * 40];
    static int32_t rows[2][100];
    static const char *const orders[] = {"random", "first"};
    for (int order = 0; order < 2; order++) {
        opened o = open_world(&usual, "drawn", orders[order]);
        goss_ratings_source_options d = goss_ratings_source_defaults();
        goss_task_source s, again;
        d.users = o.users, d.n_users = 50, d.support = 3, d.most_support = 9, d.shuffle = true, d.inputs = o.inputs;
        T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &d, &s, NULL, &err));
        T_OK(goss_ratings_source_open(o.ratings, o.catalogue, &d, &again, NULL, &err));
        T_EQ(s.spec.supports, 9);
        int sizes = 0;
        for (uint64_t k = 0; k < 200; k++) {
            goss_task a = reserve(&s.spec, memory[0], rows[0]), b = reserve(&s.spec, memory[1], rows[1]);
            s.draw(&s, k, &a);
            again.draw(&again, 199 - k, &b);
            again.draw(&again, k, &b);
            T_EQ(a.supports, b.supports);
            T_CHECK(a.supports >= 3 && a.supports <= 9 && a.supports + a.queries == usual.ratings);
            T_CHECK(memcmp(a.support_rows, b.support_rows, (size_t)a.supports * sizeof(int32_t)) == 0);
            T_CHECK(memcmp(a.query, b.query, (size_t)a.queries * (size_t)s.spec.input[0] * sizeof(float)) == 0);
            for (int i = 0; i < a.supports; i++)
                for (int q = 0; q < a.queries; q++) {
                    T_CHECK(a.support_rows[i] != a.query_rows[q]);
                    T_CHECK(order == 0 || goss_table_number(o.ratings->table, o.ratings->time, a.support_rows[i]) <=
                                              goss_table_number(o.ratings->table, o.ratings->time, a.query_rows[q]));
                }
            sizes |= 1 << a.supports;
        }
        T_EQ(sizes, 0x3f8); /* each size from 3 to 9 */
        goss_task_source_free(&s), goss_task_source_free(&again);
        close_world(&o);
    }
}

TEST(users_with_too_few_ratings_are_left_out_and_counted) {
    opened o = open_world(&usual, "small", "random");
    goss_ratings_source_options d = goss_ratings_source_defaults();
    goss_task_source s;
    int skipped;
    d.support = usual.ratings;
    T_ERR(goss_ratings_source_open(o.ratings, o.catalogue, &d, &s, &skipped, &err), GOSS_E_ARGUMENT,
          "none of the 60 users has more than 25 ratings");
    T_EQ(skipped, 60);
    close_world(&o);
}

/* ---- baselines ---- */

static double mean_of(const opened *o, const char *name, int support) {
    static double values[200];
    goss_ratings_source_options d = goss_ratings_source_defaults();
    goss_task_source s;
    const goss_metric *m;
    double sum = 0;
    d.users = o->users + 50, d.n_users = 10, d.support = support;
    T_OK(goss_metric_find(goss_catalogue_objective(o->catalogue), "rmse", &m, &err));
    T_OK(goss_ratings_source_open(o->ratings, o->catalogue, &d, &s, NULL, &err));
    T_OK(goss_recommender_race(goss_recommender_find(name), o->ratings, o->catalogue, &s, &m, 1, 200, values, NULL,
                               &err));
    for (int i = 0; i < 200; i++) sum += values[i] / 200;
    goss_task_source_free(&s);
    return sum;
}

TEST(baselines_find_what_there_is_to_find) {
    opened o = open_world(&usual, "race", "random");
    for (int support = 8; support <= 16; support += 8) {
        const double level = mean_of(&o, "item-mean", support);
        T_CHECK(mean_of(&o, "mf", support) < 0.85 * level);
        T_CHECK(mean_of(&o, "ridge", support) < 0.9 * level);
        T_CHECK(mean_of(&o, "knn", support) < 0.98 * level);
    }
    T_CHECK(mean_of(&o, "mf", 16) < mean_of(&o, "mf", 4)); /* more ratings, better predictions */
    for (int i = 0; goss_recommender_at(i); i++)
        T_CHECK(goss_recommender_find(goss_recommender_at(i)->name) == goss_recommender_at(i));
    close_world(&o);
}

/* ---- a person ---- */

TEST(a_persons_file_becomes_a_task) {
    opened o = open_world(&usual, "person", "random");
    goss_person p;
    goss_task_source s;
    write_text("mine.csv", "title,rating\nFilm 1,4.5\n\"Film 7, The (1957)\",2\nNo such film,5\nfilm 2 (1952),1\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_EQ(p.n, 3);
    T_EQ(p.unknown, 1);
    T_STR(p.lacking, "line 4: there is no item \"No such film\"");
    T_OK(goss_person_source(&p, o.catalogue, &s, &err));
    float support[3 * 32], x[32], target[3];
    goss_task t = {.support = support, .support_target = target};
    s.draw(&s, 0, &t);
    T_EQ(t.supports, 3);
    T_NEAR((double)target[0], 4.5, 0);
    goss_catalogue_input(o.catalogue, goss_catalogue_find(o.catalogue, "107"), x);
    T_CHECK(memcmp(support + goss_catalogue_width(o.catalogue), x,
                   (size_t)goss_catalogue_width(o.catalogue) * sizeof(float)) == 0);
    goss_task_source_free(&s);
    goss_person_free(&p);
    T_EQ(p.outside, 0);
    /* a number in a column of names is a name, in one of items an identifier; ratings of another scale are told */
    write_text("mine.csv", "title,rating\n101,4\nFilm 2,3\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_STR(p.lacking, "line 2: there is no item \"101\"");
    goss_person_free(&p);
    write_text("mine.csv", "item,rating\n101,10\n102,3\n103,0\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_EQ(p.n, 3);
    T_EQ(p.outside, 2);
    T_STR(p.far, "line 2: 10, and the model knows ratings from 0.5 to 5");
    goss_person_free(&p);
    write_text("mine.csv", "item,rating\n101,4\nfilm 2,3\n");
    T_OK(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err));
    T_EQ(p.n, 2);
    goss_person_free(&p);
    write_text("mine.csv", "movieId,rating\n101,4\n102,3\n101,2\n");
    T_ERR(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err), GOSS_E_FORMAT, "mine.csv:4: Film 1 (1951) is");
    write_text("mine.csv", "movieId,opinion\n101,4\n");
    T_ERR(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err), GOSS_E_ARGUMENT, "no column of ratings");
    write_text("mine.csv", "title,rating\nNothing,4\nNeither,3\n");
    T_ERR(goss_person_open(scratch("mine.csv"), o.catalogue, &p, &err), GOSS_E_ARGUMENT,
          "line 2: there is no item \"Nothing\"");
    close_world(&o);
}

/* ---- memory ---- */

static goss_status open_fit_and_read(const char *path) {
    goss_ratings *r = NULL;
    goss_catalogue *c = NULL, *again = NULL;
    char *text = NULL;
    goss_ratings_options o = goss_ratings_defaults();
    const goss_catalogue_options fit = goss_catalogue_defaults();
    o.path = path;
    goss_status s = goss_ratings_open(&o, &r, &err);
    if (s == GOSS_OK) s = goss_catalogue_fit(r, NULL, 0, &fit, &c, NULL, &err);
    if (s == GOSS_OK) s = goss_catalogue_text(c, &text, &err);
    if (s == GOSS_OK) s = goss_catalogue_parse(text, &again, &err);
    goss_text_free(text);
    goss_catalogue_free(c), goss_catalogue_free(again), goss_ratings_close(r);
    return s;
}

/* Reading tables copes with some: their buffers stay larger, or are asked for again. */
TEST(a_failing_allocation_is_an_error_of_memory) {
    const world tiny = {.users = 8, .items = 12, .ratings = 6, .seed = 1};
    const char *path = folder(&tiny, "alloc");
    const uint64_t before = goss__alloc_count();
    int failed = 0, coped = 0;
    T_OK(open_fit_and_read(path));
    const uint64_t all = goss__alloc_count() - before;
    for (uint64_t n = 1; n <= all; n += 1 + n / 40) {
        goss__alloc_fail_at(n);
        const goss_status s = open_fit_and_read(path);
        goss__alloc_fail_at(0);
        T_NOTE("allocation %d of %d: %s", (int)n, (int)all, s == GOSS_OK ? "" : err.text);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        failed += s != GOSS_OK, coped += s == GOSS_OK;
    }
    T_CHECK(failed > 5 * coped && failed > 20);
}

TEST_MAIN()
