/* SPDX-License-Identifier: Apache-2.0 */
/* Images in tasks: which classes belong to which, how they are divided, what is drawn, and what is refused. */
#include "base/alloc.h"
#include "task/task_pack.h"
#include "task_images.h"
#include "test.h"

static goss_images *set;
static goss_image_tasks *tasks;

static void open_tasks(const char *path, const goss_image_tasks_options *o) {
    set = open_images(path);
    T_OK(goss_image_tasks_open(set, o, &tasks, &err));
}

static void close_tasks(void) {
    goss_image_tasks_free(tasks);
    goss_images_close(set);
    tasks = NULL, set = NULL;
}

static goss_image_tasks_options half(void) {
    goss_image_tasks_options o = goss_image_tasks_defaults();
    o.split[0] = .5, o.split[1] = .2, o.split[2] = .3;
    return o;
}

static int count(int task, goss_row_part part) {
    int n;
    goss_image_tasks_images(tasks, task, part, NULL, &n);
    return n;
}

/* part[image of the set]: 1 + its part in some task, 0: in none. Errors where tasks disagree. */
static void map_parts(uint8_t *part) {
    memset(part, 0, (size_t)goss_images_count(set));
    for (int t = 0; t < goss_image_tasks_count(tasks); t++)
        for (int p = 0; p < 3; p++) {
            int n;
            const int32_t *image = goss_image_tasks_images(tasks, t, (goss_row_part)p, NULL, &n);
            for (int i = 0; i < n; i++) {
                if (part[image[i]] && part[image[i]] != p + 1) T_FAIL("image %d is on two sides", (int)image[i]);
                part[image[i]] = (uint8_t)(p + 1);
            }
        }
}

/* ---- folders ---- */

TEST(folders_are_tasks_and_classes_are_divided) {
    const goss_image_tasks_options o = half();
    open_tasks(three_tasks(), &o);
    T_EQ(goss_image_tasks_count(tasks), 3);
    T_STR(goss_image_tasks_name(tasks, 1), "mid");
    T_EQ(goss_image_tasks_outputs(tasks, 0), 4);
    T_EQ(goss_image_tasks_outputs(tasks, 2), 2);
    T_STR(goss_image_tasks_output_name(tasks, 1, 2), "c");
    T_STR(goss_image_tasks_output_name(tasks, 2, 0), "x");
    for (int p = 0; p < 3; p++) T_EQ(count(0, (goss_row_part)p), 4 * (p == 0 ? 10 : p == 1 ? 4 : 6));
    for (int t = 0; t < 3; t++) {
        const int32_t *output;
        int n, of[4] = {0};
        const int32_t *image = goss_image_tasks_images(tasks, t, GOSS_PART_TEST, &output, &n);
        for (int i = 0; i < n; i++) {
            const char *name = goss_images_class_name(set, goss_images_class_of(set, image[i]));
            T_STR(strchr(name, '/') + 1, goss_image_tasks_output_name(tasks, t, output[i]));
            of[output[i]]++;
        }
        for (int w = 0; w < goss_image_tasks_outputs(tasks, t); w++) T_EQ(of[w], 6);
    }
    close_tasks();
}

TEST(test_images_are_the_same_whatever_is_validated_on) {
    goss_image_tasks_options o = half();
    uint8_t part[2][200], seeded[200];
    o.split[0] = .6, o.split[1] = .15, o.split[2] = .25;
    open_tasks(three_tasks(), &o);
    map_parts(part[0]);
    const int images = goss_images_count(set);
    close_tasks();
    o.split[0] = .75, o.split[1] = 0;
    open_tasks(three_tasks(), &o);
    map_parts(part[1]);
    close_tasks();
    o.seed = 2;
    open_tasks(three_tasks(), &o);
    map_parts(seeded);
    close_tasks();
    int moved = 0;
    for (int i = 0; i < images; i++) {
        T_CHECK(part[0][i] && (part[0][i] == 3) == (part[1][i] == 3));
        moved += part[1][i] != seeded[i];
    }
    T_CHECK(moved > 20);
}

TEST(fewer_images_of_a_class_are_a_draw_of_them) {
    goss_image_tasks_options o = half();
    o.per_class = 10;
    open_tasks(three_tasks(), &o);
    uint8_t part[200];
    map_parts(part);
    int of[4] = {0}, first = 0;
    for (int i = 0; i < goss_images_count(set); i++) of[part[i]]++;
    for (int i = 0; i < 10; i++) first += part[i] != 0;
    T_EQ(of[0], 90);
    T_EQ(of[1], 45);
    T_EQ(of[2], 18);
    T_EQ(of[3], 27);
    T_CHECK(first < 10); /* not simply the first ones */
    close_tasks();
}

TEST(a_list_chooses_tasks_that_stay_as_they_were) {
    goss_image_tasks_options o = half();
    uint8_t part[200], alone[200];
    open_tasks(three_tasks(), &o);
    map_parts(part);
    close_tasks();
    o.tasks = write_text("list", "# one\n two \n");
    open_tasks(three_tasks(), &o);
    map_parts(alone);
    T_EQ(goss_image_tasks_count(tasks), 1);
    T_STR(goss_image_tasks_name(tasks, 0), "two");
    for (int i = 0; i < goss_images_count(set); i++) T_CHECK(alone[i] == 0 || alone[i] == part[i]);
    T_EQ(count(0, GOSS_PART_TRAIN), 20);
    close_tasks();
}

TEST(folders_of_parts_divide_the_images) {
    write_class("parts", "train/t/a", 12), write_class("parts", "train/t/b", 12);
    write_class("parts", "test/t/a", 5), write_class("parts", "test/t/b", 7);
    goss_image_tasks_options o = goss_image_tasks_defaults();
    open_tasks(tiny_path("parts"), &o);
    T_EQ(count(0, GOSS_PART_TRAIN), 24);
    T_EQ(count(0, GOSS_PART_VALIDATE), 0);
    T_EQ(count(0, GOSS_PART_TEST), 12);
    T_STR(goss_image_tasks_name(tasks, 0), "t");
    close_tasks();
    o.split[0] = .75, o.split[1] = .25, o.per_class = 8;
    open_tasks(tiny_path("parts"), &o);
    T_EQ(count(0, GOSS_PART_TRAIN), 12);
    T_EQ(count(0, GOSS_PART_VALIDATE), 4);
    T_EQ(count(0, GOSS_PART_TEST), 12);
    close_tasks();
    o.split[1] = .15, o.split[2] = .1;
    set = open_images(tiny_path("parts"));
    T_ERR(goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT, "data.path has a folder of such: give it 0");
    goss_images_close(set);
}

/* ---- tables ---- */

TEST(a_table_says_what_tasks_are) {
    goss_image_tasks_options o = half();
    o.file = write_text("tasks.csv", "task,class,label\npair,two/y,\npair,big/a,\nrest,big/a,old\nrest,mid/a,new\n"
                                     "rest,mid/b,old\n");
    open_tasks(three_tasks(), &o);
    T_EQ(goss_image_tasks_count(tasks), 2);
    T_STR(goss_image_tasks_name(tasks, 0), "pair");
    T_STR(goss_image_tasks_output_name(tasks, 0, 0), "two/y"); /* in the order of the file */
    T_STR(goss_image_tasks_output_name(tasks, 0, 1), "big/a");
    T_EQ(goss_image_tasks_outputs(tasks, 1), 2);
    T_STR(goss_image_tasks_output_name(tasks, 1, 0), "old");
    T_STR(goss_image_tasks_output_name(tasks, 1, 1), "new");
    const int32_t *output;
    int n, old = 0;
    goss_image_tasks_images(tasks, 1, GOSS_PART_TRAIN, &output, &n);
    for (int i = 0; i < n; i++) old += output[i] == 0;
    T_EQ(n, 30);
    T_EQ(old, 20);
    uint8_t part[200];
    map_parts(part); /* big/a is in both tasks, on the same sides */
    close_tasks();
}

TEST(classes_of_an_idx_file_and_names_that_look_like_numbers) {
    goss_image_tasks_options o = half();
    o.file = write_text("digits.csv", "class;task\n3;odd\n7;odd\n0;even\n10;even\n");
    open_tasks(tiny_set(), &o); /* classes 0 .. 23 */
    T_EQ(goss_image_tasks_count(tasks), 2);
    T_STR(goss_image_tasks_output_name(tasks, 0, 1), "7");
    T_STR(goss_image_tasks_output_name(tasks, 1, 1), "10");
    T_EQ(count(1, GOSS_PART_TRAIN), 12);
    close_tasks();
    write_class("zeros", "01", 4);
    write_class("zeros", "1", 4);
    write_class("zeros", "NA", 4);
    o.file = write_text("zeros.csv", "task,class\n1,01\n1,1\n01,NA\n01,01\n");
    open_tasks(tiny_path("zeros"), &o);
    T_STR(goss_image_tasks_name(tasks, 0), "1");
    T_STR(goss_image_tasks_name(tasks, 1), "01");
    T_STR(goss_image_tasks_output_name(tasks, 1, 0), "NA");
    close_tasks();
}

/* ---- what is refused ---- */

static const struct {
    const char *what, *text, *says;
} wrong[] = {
    {"unknown class", "task,class\np,two/x\np,two/yy\n",
     "wrong.csv:3: the data has no class \"two/yy\"; did you mean two/x or two/y?"},
    {"class twice", "task,class\np,two/x\np,two/y\np,two/x\n",
     "wrong.csv:4: class \"two/x\" is in task \"p\" already, in line 2"},
    {"one class", "task,class\np,two/x\nq,two/x\nq,two/y\n", "task \"p\" has one class (\"two/x\")"},
    {"one label", "task,class,label\np,two/x,a\np,two/y,a\n", "task \"p\" has one class (\"a\")"},
    {"no header", "p,two/x\np,two/y\n", "there is no column \"task\": its first line is task,class"},
    {"no class column", "task,name\np,two/x\n", "there is no column \"class\""},
    {"another column", "task,class,weight\np,two/x,1\np,two/y,1\n", "\"weight\" is none of task, class and label"},
    {"empty class", "task,class\np,two/x\np,\n", "wrong.csv:3: the class is empty"},
    {"no rows", "task,class\n", "wrong.csv"},
};

TEST(what_is_wrong_with_a_table_of_tasks_is_told_by_line) {
    goss_image_tasks_options o = half();
    set = open_images(three_tasks());
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        T_NOTE("%s", wrong[i].what);
        o.file = write_text("wrong.csv", wrong[i].text);
        err.text[0] = 0;
        T_CHECK(goss_image_tasks_open(set, &o, &tasks, &err) != GOSS_OK);
        T_CHECK(!tasks);
        t_lacks(err.text);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, wrong[i].says);
    }
    goss_images_close(set);
}

TEST(what_is_wrong_with_folders_and_shares_is_told) {
    goss_image_tasks_options o = half();
    set = open_images(three_tasks());
    o.tasks = write_text("list", "mid\ntow\n");
    T_ERR(goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT,
          "list:2: there is no task \"tow\"; did you mean two");
    o.tasks = NULL, o.per_class = 3;
    T_ERR(
        goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT,
        "task \"big\": class \"big/a\" has 3 images (data.per_class), of which data.split = 0.5,0.2,0.3 leaves none to "
        "validate on");
    o.per_class = 0, o.split[0] = o.split[1] = o.split[2] = 0;
    T_ERR(goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT, "data.split is not set");
    o.split[0] = .5, o.split[1] = .7;
    T_ERR(goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT,
          "data.split: shares 0.5, 0.7, 0 of the images");
    goss_images_close(set);
    write_class("flat", "a", 4), write_class("flat", "b", 4);
    o = half();
    set = open_images(tiny_path("flat"));
    T_ERR(goss_image_tasks_open(set, &o, &tasks, &err), GOSS_E_ARGUMENT, "class \"a\" has no folder above it");
    goss_images_close(set);
}

/* ---- what is drawn ---- */

typedef struct drawn {
    float x[200 * 64], y[200], mask[4];
    int32_t rows[200];
    goss_task task;
} drawn;

static drawn *draw(const goss_task_source *s, uint64_t k) {
    drawn *d = calloc(1, sizeof *d);
    T_CHECK(d && s->spec.queries <= 200);
    d->task = (goss_task){.query = d->x, .query_target = d->y, .query_rows = d->rows, .class_mask = d->mask};
    s->draw(s, k, &d->task);
    return d;
}

TEST(every_round_has_each_image_of_a_task_once) {
    const goss_image_tasks_options o = half();
    goss_image_source_options so = goss_image_source_defaults();
    goss_task_source s;
    open_tasks(three_tasks(), &o);
    so.queries = 10;
    T_OK(goss_image_tasks_source(tasks, &so, &s, &err));
    T_OK(goss_task_spec_check(&s.spec, &err));
    T_EQ(s.tasks, 3);
    T_EQ(s.spec.outputs, 4);
    T_EQ(s.spec.queries, 10);
    T_EQ(s.spec.ids, 3);
    T_EQ(s.spec.supports, 0);
    T_CHECK(s.spec.task_classes);
    int first[40] = {0}, same = 0;
    for (int round = 0; round < 2; round++) {
        int seen[200] = {0}, images = 0;
        for (int r = 0; r < 4; r++) { /* task 0 has 40 images to train on */
            drawn *d = draw(&s, (uint64_t)(round * 4 + r) * 3);
            T_EQ(d->task.id, 0);
            T_EQ(d->task.queries, 10);
            for (int i = 0; i < 10; i++) {
                images += !seen[d->rows[i]]++;
                if (round == 0) first[r * 10 + i] = d->rows[i];
                same += round == 1 && first[r * 10 + i] == d->rows[i];
                float want[64];
                goss_images_get(set, d->rows[i], want);
                T_EQ(memcmp(want, d->x + (size_t)i * 64, sizeof want), 0);
            }
            free(d);
        }
        T_EQ(images, 40);
    }
    T_CHECK(same < 10); /* another order each time */
    drawn *two = draw(&s, 5), *again = draw(&s, 5);
    T_EQ(two->task.id, 2);
    T_STR(s.name(&s, 5), "two");
    T_EQ(memcmp(two->x, again->x, sizeof two->x), 0);
    T_EQ(two->task.outputs, 2);
    free(two), free(again);
    goss_task_source_free(&s);
    close_tasks();
}

TEST(outputs_beyond_a_tasks_classes_are_masked_in_a_batch) {
    const goss_image_tasks_options o = half();
    goss_image_source_options so = goss_image_source_defaults();
    goss_task_source s;
    goss__task_pack b;
    open_tasks(three_tasks(), &o);
    so.queries = 10;
    T_OK(goss_image_tasks_source(tasks, &so, &s, &err));
    T_OK(goss__task_pack_init(&b, 3, &s.spec, NULL, &err));
    goss__task_pack_draw(&b, &s, 0, 3);
    T_EQ(b.outputs, 4);
    for (int t = 0; t < 3; t++) {
        T_EQ(b.id[t], t);
        for (int w = 0; w < 4; w++) T_EQ(b.class_mask[t * 4 + w], w < goss_image_tasks_outputs(tasks, t));
    }
    goss__task_pack_free(&b);
    goss_task_source_free(&s);
    close_tasks();
}

TEST(the_other_parts_are_drawn_whole_and_unchanged) {
    const goss_image_tasks_options o = half();
    goss_image_source_options so = goss_image_source_defaults();
    goss_task_source s;
    open_tasks(three_tasks(), &o);
    so.part = GOSS_PART_TEST;
    T_OK(goss_image_tasks_source(tasks, &so, &s, &err));
    T_EQ(s.spec.queries, 24);
    drawn *d = draw(&s, 1);
    T_EQ(d->task.queries, 18);
    T_EQ(d->task.id, 1);
    int of[3] = {0};
    for (int i = 0; i < 18; i++) of[(int)d->y[i]]++;
    for (int w = 0; w < 3; w++) T_EQ(of[w], 6);
    free(d);
    goss_task_source_free(&s);
    close_tasks();
    goss_image_tasks_options no = half();
    no.split[0] = .8, no.split[1] = .2, no.split[2] = 0;
    open_tasks(three_tasks(), &no);
    T_ERR(goss_image_tasks_source(tasks, &so, &s, &err), GOSS_E_ARGUMENT, "no images are kept apart for testing");
    close_tasks();
}

TEST(training_draws_are_warped_and_tasks_shuffled) {
    const goss_image_tasks_options o = half();
    goss_image_source_options so = goss_image_source_defaults();
    goss_task_source s;
    open_tasks(three_tasks(), &o);
    so.queries = 10, so.augment = 1, so.shuffle = true;
    T_OK(goss_image_tasks_source(tasks, &so, &s, &err));
    T_EQ(s.tasks, 0);
    int orders = 0;
    for (uint64_t round = 0; round < 8; round++) {
        int seen[3] = {0};
        for (uint64_t i = 0; i < 3; i++) {
            drawn *d = draw(&s, round * 3 + i);
            seen[d->task.id]++, orders += d->task.id != (int64_t)i;
            float plain[64];
            goss_images_get(set, d->rows[0], plain);
            T_CHECK(memcmp(plain, d->x, sizeof plain) != 0);
            free(d);
        }
        for (int i = 0; i < 3; i++) T_EQ(seen[i], 1);
    }
    T_CHECK(orders > 0);
    goss_task_source_free(&s);
    close_tasks();
}

TEST(half_of_the_images_are_mirrored) {
    const goss_image_tasks_options o = half();
    goss_image_source_options so = goss_image_source_defaults();
    goss_task_source s;
    int plain = 0, mirrored = 0;
    open_tasks(three_tasks(), &o);
    so.mirror = true;
    T_OK(goss_image_tasks_source(tasks, &so, &s, &err));
    for (uint64_t k = 0; k < 9; k++) {
        drawn *d = draw(&s, k);
        for (int i = 0; i < d->task.queries; i++) {
            const float *x = d->x + (size_t)i * 64;
            float is[64], was[64];
            goss_images_get(set, d->rows[i], is);
            for (int p = 0; p < 64; p++) was[p] = is[p / 8 * 8 + 7 - p % 8];
            plain += memcmp(x, is, sizeof is) == 0, mirrored += memcmp(x, was, sizeof was) == 0;
        }
        free(d);
    }
    T_EQ(plain + mirrored, 270); /* three rounds of 90 images */
    T_CHECK(plain > 100 && mirrored > 100);
    goss_task_source_free(&s);
    close_tasks();
}

TEST(the_hash_is_that_of_tasks_and_their_division) {
    goss_image_tasks_options o = half();
    uint64_t hash[4];
    for (int i = 0; i < 4; i++) {
        if (i == 2) o.seed = 9;
        if (i == 3) o.seed = 1, o.tasks = write_text("list", "mid\ntwo\n");
        open_tasks(three_tasks(), &o);
        hash[i] = goss_image_tasks_hash(tasks);
        close_tasks();
    }
    T_CHECK(hash[0] == hash[1] && hash[0] != hash[2] && hash[0] != hash[3]);
}

TEST(memory_that_is_out_is_an_error) {
    const goss_image_tasks_options o = half();
    set = open_images(three_tasks());
    uint64_t n = 1;
    for (goss_status s = GOSS_E_NOMEM; s != GOSS_OK && n < 10000; n++) {
        goss__alloc_fail_at(n);
        s = goss_image_tasks_open(set, &o, &tasks, &err);
        goss__alloc_fail_at(0);
        if (s != GOSS_OK) T_CHECK(s == GOSS_E_NOMEM && !tasks);
    }
    T_CHECK(n > 20 && tasks);
    close_tasks();
}

TEST_MAIN()
