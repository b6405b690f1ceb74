/* SPDX-License-Identifier: Apache-2.0 */
/* Rendered glyphs: the same for a seed, never written over something else, split by script, and hard for pixels. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "gossamer/episode.h"
#include "test.h"

#define NOTO "/usr/share/fonts/truetype/noto"

static goss_error err;
static char top[] = P_tmpdir "/gossamer-test-XXXXXX";

static char *in_top(const char *name) {
    static char path[16][300]; /* as many results live at a time */
    static int turn;
    char *p = path[turn++ % 16];
    snprintf(p, sizeof path[0], "%s/%s", top, name);
    return p;
}

/* A folder with a few fonts: three scripts of several faces, three of one. */
static bool few_fonts(void) {
    static const char *const names[] = {"NotoSans-Regular.ttf",       "NotoSerif-Regular.ttf",
                                        "NotoSansHebrew-Regular.ttf", "NotoSerifHebrew-Bold.ttf",
                                        "NotoSansOgham-Regular.ttf",  "NotoSansRunic-Regular.ttf",
                                        "NotoSansSymbols-Regular.ttf"};
    T_OK(goss__mkdirs(in_top("fonts"), &err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char from[200], to[300];
        snprintf(from, sizeof from, NOTO "/%s", names[i]);
        snprintf(to, sizeof to, "%s/fonts/%s", top, names[i]);
        if (!goss__path_exists(from)) return false;
        T_CHECK(goss__path_exists(to) || symlink(from, to) == 0);
    }
    return true;
}

static goss_glyphs_options few(const char *out) {
    goss_glyphs_options o = goss_glyphs_options_defaults();
    o.out = out, o.fonts = in_top("fonts"), o.max_characters = 12, o.drawings = 7, o.test_scripts = 2, o.seed = 3;
    return o;
}

TEST(same_seed_same_files_on_any_threads) {
    if (!few_fonts()) T_SKIP("no Noto fonts");
    uint64_t hash[3];
    for (int k = 0; k < 3; k++) {
        goss_glyphs_options o = few(in_top(k == 0 ? "a" : k == 1 ? "b" : "c"));
        o.threads = k == 1 ? 3 : 1, o.seed = k == 2 ? 4 : 3;
        goss_glyphs_report r;
        T_OK(goss_glyphs_render(&o, &r, &err));
        T_EQ(r.scripts, 6);
        T_EQ(r.images, r.characters * 7);
        T_EQ(r.test_scripts, 2);
        T_CHECK(r.characters > 50 && r.characters <= 72 && r.duplicates > 0 && r.marks > 0);
        goss_images *s;
        T_OK(goss_images_open(o.out, NULL, &s, &err));
        T_EQ(goss_images_classes(s), r.characters);
        T_EQ(goss_images_alphabets(s), 6);
        hash[k] = goss_images_hash(s);
        goss_images_close(s);
    }
    T_CHECK(hash[0] == hash[1]);
    T_CHECK(hash[0] != hash[2]);
}

TEST(classes_are_split_by_script_and_no_two_look_alike) {
    if (!few_fonts()) T_SKIP("no Noto fonts");
    goss_glyphs_options o = few(in_top("split"));
    o.max_characters = 200;
    T_OK(goss_glyphs_render(&o, NULL, &err));
    goss_images *s;
    goss_class_list train, test;
    T_OK(goss_images_open(o.out, NULL, &s, &err));
    T_OK(goss_class_list_read(s, in_top("split/train-classes.txt"), &train, &err));
    T_OK(goss_class_list_read(s, in_top("split/test-classes.txt"), &test, &err));
    T_EQ(train.count + test.count, goss_images_classes(s));
    for (int i = 0; i < test.count; i++) {
        const char *script = goss_images_alphabet_name(s, goss_images_class_alphabet(s, test.ids[i]));
        T_CHECK(strcmp(script, "Ogham") != 0 && strcmp(script, "Runic") != 0); /* scripts of several faces go first */
        for (int k = 0; k < train.count; k++)
            T_CHECK(goss_images_class_alphabet(s, test.ids[i]) != goss_images_class_alphabet(s, train.ids[k]));
    }
    T_CHECK(goss_images_class_find(s, "Latin/u0041") >= 0);
    T_EQ(goss_images_class_find(s, "Greek/u0391"), -1);    /* Alpha is A */
    T_EQ(goss_images_class_find(s, "Cyrillic/u0410"), -1); /* and so is the Cyrillic one */
    T_EQ(goss_images_class_find(s, "Latin/u006F"), -1);    /* o is O */
    T_CHECK(goss_images_class_find(s, "Greek/u03A9") >= 0);
    T_EQ(goss_images_class_find(s, "Ogham/u1680"), -1);  /* a space */
    T_EQ(goss_images_class_find(s, "Hebrew/u05B4"), -1); /* a vowel point */
    T_CHECK(goss_images_class_find(s, "Hebrew/u05D0") >= 0);
    int first, count, faces = 0;
    goss_images_class_range(s, goss_images_class_find(s, "Latin/u0041"), &first, &count);
    T_EQ(count, 7);
    for (int i = 0; i < count; i++) faces |= strstr(goss_images_name(s, first + i), "_serif.png") ? 2 : 1;
    T_EQ(faces, 3);
    T_CHECK(goss_images_face(s, first) != goss_images_face(s, first + 1));
    T_EQ(goss_images_face(s, first), goss_images_face(s, first + 2));
    goss_class_list_free(&train), goss_class_list_free(&test), goss_images_close(s);
}

TEST(a_result_is_kept_a_cut_off_one_taken_up_and_nothing_else_touched) {
    if (!few_fonts()) T_SKIP("no Noto fonts");
    goss_glyphs_options o = few(in_top("again"));
    goss_glyphs_report r, again;
    T_OK(goss_glyphs_render(&o, &r, &err));
    T_OK(goss__write_file(in_top("again/Ogham/mine.txt"), "x", 1, &err));
    T_EQ(unlink(in_top("again/train-classes.txt")), 0);
    T_OK(goss_glyphs_render(&o, &again, &err));
    T_EQ(memcmp(&r, &again, sizeof r), 0);
    T_CHECK(!goss__path_exists(in_top("again/train-classes.txt"))); /* nothing was done */
    /* A stamp that says "unfinished" makes it draw again. */
    char *stamp;
    size_t size;
    T_OK(goss__read_file(in_top("again/glyphs.txt"), 1000, &stamp, &size, &err));
    char cut[60];
    snprintf(cut, sizeof cut, "%.20s unfinished\n0 0 0 0 0 0 0 0\n", stamp);
    goss__free(stamp);
    T_OK(goss__write_file(in_top("again/glyphs.txt"), cut, strlen(cut), &err));
    T_OK(goss_glyphs_render(&o, &again, &err));
    T_CHECK(goss__path_exists(in_top("again/train-classes.txt")));
    T_EQ(memcmp(&r, &again, sizeof r), 0);
    o.seed++;
    T_ERR(goss_glyphs_render(&o, &again, &err), GOSS_E_ARGUMENT, "holds something else");
    T_CHECK(goss__path_exists(in_top("again/Ogham/mine.txt")));
    o.out = in_top("fonts");
    T_ERR(goss_glyphs_render(&o, &again, &err), GOSS_E_ARGUMENT, "is not empty");
}

/* A limit on the size of files stands for a full disk: drawings fit, lists of classes do not. */
static goss_status render_within(rlim_t room, const goss_glyphs_options *o) {
    struct rlimit old, small;
    T_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old, small.rlim_cur = room;
    signal(SIGXFSZ, SIG_IGN);
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const goss_status s = goss_glyphs_render(o, NULL, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    return s;
}

TEST(a_full_disk_leaves_nothing_half_written) {
    if (!few_fonts()) T_SKIP("no Noto fonts");
    goss_glyphs_options o = few(in_top("full/below"));
    o.size = 16; /* drawings of some hundred bytes */
    T_ERR(render_within(100, &o), GOSS_E_IO, "File too large");
    T_CHECK(!goss__path_exists(o.out));
    T_ERR(render_within(600, &o), GOSS_E_IO, "train-classes.txt: cannot write: File too large");
    T_CHECK(!goss__path_exists(o.out));
    /* A folder that was there stays, and so do files of others in it, whatever their names. */
    T_OK(goss__mkdirs(in_top("full/below"), &err));
    T_ERR(render_within(600, &o), GOSS_E_IO, "File too large");
    T_EQ(rmdir(o.out), 0);
    T_OK(goss_glyphs_render(&o, NULL, &err));
}

TEST(bad_options_and_fonts_are_refused) {
    if (!few_fonts()) T_SKIP("no Noto fonts");
    goss_glyphs_options o = few(in_top("bad"));
    o.fonts = in_top("nowhere");
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_IO, "fonts-noto-core");
    o = few(in_top("bad"));
    o.test_scripts = 6;
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_ARGUMENT, "6 test scripts of 6");
    T_CHECK(!goss__path_exists(o.out));       /* a refused call leaves nothing behind */
    o.test_scripts = 2, o.max_characters = 3; /* every script would be left out */
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_ARGUMENT, "fewer than 5 is left out");
    o.max_characters = o.min_characters = 5000;
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_ARGUMENT, "has 5000 characters that can be drawn");
    o.max_characters = 12, o.min_characters = 5;
    o.size = 4;
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_ARGUMENT, "size 4");
    o.size = 64, o.jitter = NAN;
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_ARGUMENT, "jitter");
    T_OK(goss__mkdirs(in_top("broken"), &err));
    T_OK(goss__write_file(in_top("broken/NotoSansThai-Regular.ttf"), "no font", 7, &err));
    o = few(in_top("bad3"));
    o.fonts = in_top("broken");
    T_ERR(goss_glyphs_render(&o, NULL, &err), GOSS_E_FORMAT, "NotoSansThai-Regular.ttf");
}

/* Accuracy in percent of the nearest support image by L2 on pixels. */
static double nearest_neighbour(goss_sampler *s, int episodes) {
    goss_episode_limits m = goss_sampler_limits(s);
    goss_episode e = {.support_images = malloc((size_t)m.supports * m.image * sizeof(float)),
                      .query_images = malloc((size_t)m.queries * m.image * sizeof(float)),
                      .support_labels = malloc((size_t)m.supports * sizeof(int32_t)),
                      .query_labels = malloc((size_t)m.queries * sizeof(int32_t))};
    int right = 0, all = 0;
    for (uint64_t k = 0; k < (uint64_t)episodes; k++) {
        goss_sampler_draw(s, k, &e);
        for (int q = 0; q < e.queries; q++, all++) {
            int best = 0;
            float least = INFINITY;
            for (int i = 0; i < e.supports; i++) {
                float d = 0;
                const float *a = e.query_images + (size_t)q * m.image, *b = e.support_images + (size_t)i * m.image;
                for (size_t p = 0; p < m.image; p++) d += (a[p] - b[p]) * (a[p] - b[p]);
                if (d < least) least = d, best = i;
            }
            right += e.support_labels[best] == e.query_labels[q];
        }
    }
    free(e.support_images), free(e.query_images), free(e.support_labels), free(e.query_labels);
    return 100.0 * right / all;
}

TEST(pixels_do_not_solve_it) {
    if (!goss__is_dir(NOTO)) T_SKIP("no " NOTO);
    goss_glyphs_options o = goss_glyphs_options_defaults();
    o.out = in_top("all"), o.max_characters = 10, o.drawings = 6;
    double began = goss__now();
    goss_glyphs_report r;
    T_OK(goss_glyphs_render(&o, &r, &err));
    printf("  %d scripts, %d images in %.1f s\n", r.scripts, r.images, goss__now() - began);
    T_CHECK(r.scripts > 100);
    goss_images *set;
    goss_images_options io = goss_images_options_defaults();
    io.invert = GOSS_INVERT_AUTO;
    T_OK(goss_images_open(o.out, &io, &set, &err));
    T_EQ(goss_images_format(set).invert, 1);
    goss_episode_spec spec = {.ways = 5, .shots = 1, .queries = 3};
    for (int faces = 0; faces < 2; faces++) {
        spec.distinct_faces = faces;
        goss_sampler *s;
        T_OK(goss_sampler_create(set, NULL, &spec, &s, &err));
        double one = nearest_neighbour(s, 600);
        printf("  nearest neighbour on pixels, 5-way 1-shot, faces %s: %.1f %%\n", faces ? "distinct" : "mixed", one);
        T_CHECK(one > 25 && one < 60);
        goss_sampler_destroy(s);
    }
    goss_images_close(set);
}

int main(int argc, char **argv) {
    if (!mkdtemp(top)) return 1;
    int failed = t_main(argc, argv);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command) != 0 || failed;
}
