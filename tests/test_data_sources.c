/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder or a .zip holds besides sound images of one level: it is told, or it is an error; nothing disappears.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_world.h"

#if GOSS_HAVE_ZLIB
#include <zlib.h>
#endif

/* Stands in front of libc's: after so many names the listing breaks off. 0: never. */
static int listing_breaks;

struct dirent *readdir(DIR *d) {
    static struct dirent *(*real)(DIR *);
    static int listed;
    if (listing_breaks && ++listed >= listing_breaks) {
        listed = 0, errno = EIO;
        return NULL;
    }
    if (!real) real = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
    return real(d);
}

static goss_images *open_set(const char *path, bool skip_bad, goss_split split) {
    goss_images *s = NULL;
    goss_images_options o = options(1, 8, 8);
    o.skip_bad = skip_bad, o.split = split;
    listen();
    T_OK(goss_images_open(path, &o, &s, &err));
    return s;
}

/* A picture that no other number gives. */
static void picture(const char *name, int number) { write_png(in_top(name), 8, 8, -1 - number); }

static const char *world(const char *name) {
    char path[300];
    static const char *const files[] = {"a/1.png", "a/2.png", "b/1.png", "b/2.png"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        picture(path, i);
    }
    return in_top(name);
}

TEST(a_listing_that_breaks_off_is_an_error) {
    const char *root = world("breaks");
    goss_images *s;
    listing_breaks = 2;
    goss_status status = goss_images_open(root, NULL, &s, &err);
    listing_breaks = 0;
    T_EQ(status, GOSS_E_IO);
    T_CHECK(strstr(err.text, "breaks") && strstr(err.text, "failed"));
    T_OK(goss_images_open(root, NULL, &s, &err));
    goss_images_close(s);
}

TEST(what_is_left_out_is_told) {
    const char *root = world("left");
    T_EQ(symlink("/nonexistent/x.png", in_top("left/a/3.png")), 0);
    write_bytes(in_top("left/b/3.heic"),
                "\0\0\0\x18"
                "ftypheic\0\0\0\0mif1heic",
                24);
    write_bytes(in_top("left/b/4.gif"), "GIF89a......................", 24);
    write_bytes(in_top("left/b/notes.txt"), "no image, not told", 18);
    T_EQ(mkfifo(in_top("left/b/pipe.png"), 0600), 0);
    picture("left/stray.png", 9);
    goss_images *s = open_set(root, false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_classes(s), 2);
    T_EQ(goss_images_count(s), 4);
    T_EQ(goss_images_report_of(s).left_out, 5);
    T_SAID("1 link that leads nowhere (a/3.png)");
    T_SAID("3 images of kinds that are not read (b/3.heic, b/4.gif, b/pipe.png): HEIC, which is not read: save it as");
    T_SAID("1 image beside the class folders (stray.png)");
    T_CHECK(!strstr(said, "notes.txt"));
    goss_images_close(s);
}

static void check_lost(const char *root, const char *class) {
    goss_images *s;
    T_ERR(goss_images_open(root, NULL, &s, &err), GOSS_E_FORMAT, "class folder has no image that is read in it");
    T_CHECK(strstr(err.text, class) && strstr(err.text, "skip_bad"));
    s = open_set(root, true, GOSS_SPLIT_ALL);
    T_EQ(goss_images_classes(s), 2);
    T_EQ(goss_images_report_of(s).lost_classes, 1);
    T_SAID("1 class folder without an image that is read left out: ");
    T_SAID(class);
    goss_images_close(s);
}

TEST(a_lost_class_is_an_error) {
    const char *root = world("lost1");
    T_OK(goss__mkdirs(in_top("lost1/empty/"), &err));
    check_lost(root, "empty");
    root = world("lost2");
    write_bytes(in_top("lost2/arrays/1.npy"), "\x93NUMPY", 6);
    check_lost(root, "arrays");
    root = world("lost3");
    write_bytes(in_top("lost3/x/y/1.avif"),
                "\0\0\0\x18"
                "ftypavif\0\0\0\0mif1avif",
                24);
    check_lost(root, "x/y");
    root = world("lost4");
    T_OK(goss__mkdirs(in_top("lost4/links"), &err));
    T_EQ(symlink("nowhere", in_top("lost4/links/1.png")), 0);
    check_lost(root, "links");
    root = world("lost5"); /* a neighbour that sorts between a folder and what is below it */
    picture("lost5/c/d/1.png", 20);
    picture("lost5/c-x/1.png", 21);
    write_bytes(in_top("lost5/c/README"), "text", 4);
    goss_images *s = open_set(root, false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_classes(s), 4);
    goss_images_close(s);
}

TEST(bad_images_are_errors_or_skipped) {
    const char *root = world("bad");
    write_bytes(in_top("bad/a/0.png"), "\x89PNG\r\n\x1a\n cut", 12);
    write_bytes(in_top("bad/b/9.png"), "", 0);
    write_bytes(in_top("bad/c/1.png"), "\x89PNG\r\n\x1a\n", 8);
    goss_images *s;
    T_ERR(goss_images_open(root, NULL, &s, &err), GOSS_E_FORMAT, "bad/a/0.png");
    T_ERR(goss_images_open(root, NULL, &s, &err), GOSS_E_FORMAT,
          "; 3 of 7 images cannot be read (a/0.png, b/9.png, c/1.png). Skip bad files");
    for (int cached = 0; cached < 3; cached++) {
        goss_images_options o = options(1, 0, 0);
        o.skip_bad = true, o.cache_dir = cached ? in_top("bad-cache") : NULL;
        listen();
        T_OK(goss_images_open(root, &o, &s, &err));
        T_EQ(goss_images_count(s), 4);
        T_EQ(goss_images_classes(s), 2);
        T_STR(goss_images_name(s, 0), "a/1.png");
        T_EQ(goss_images_format(s).width, 8);
        T_EQ(goss_images_report_of(s).damaged, 3);
        T_EQ(goss_images_report_of(s).left_out, 3);
        if (cached < 2) T_SAID("3 of 7 images that cannot be read; the first:");
        if (cached < 2) T_SAID("1 of 3 classes have no image left: c");
        T_EQ(strstr(said, "3 images that could not be read were left out") != NULL, cached == 2); /* told once */
        goss_images_close(s);
    }
    /* What was decoded without bad images is nothing for whoever does not skip them. */
    goss_images_options strict = options(1, 0, 0);
    strict.cache_dir = in_top("bad-cache");
    T_ERR(goss_images_open(root, &strict, &s, &err), GOSS_E_FORMAT, "3 of 7 images cannot be read");
    write_bytes(in_top("worse/c/1.png"), "\x89PNG\r\n\x1a\n", 8);
    goss_images_options o = options(1, 8, 8);
    o.skip_bad = true;
    T_ERR(goss_images_open(in_top("worse"), &o, &s, &err), GOSS_E_FORMAT, "none of 1 images can be read");
}

TEST(a_file_that_may_not_be_read) {
    if (geteuid() == 0) T_SKIP("root may read everything");
    const char *root = world("shut");
    world("shut-folder");
    T_EQ(chmod(in_top("shut-folder/a"), 0), 0);
    goss_images *other;
    T_ERR(goss_images_open(in_top("shut-folder"), NULL, &other, &err), GOSS_E_IO, "a: a folder that may not be read");
    T_EQ(chmod(in_top("shut-folder/a"), 0700), 0);
    T_EQ(chmod(in_top("shut/a/1.png"), 0), 0);
    goss_images *s;
    T_ERR(goss_images_open(root, NULL, &s, &err), GOSS_E_IO, "a/1.png");
    goss_images_close(open_set(root, true, GOSS_SPLIT_ALL));
}

TEST(images_beside_class_folders_have_no_class) {
    const char *root = world("tops/only");
    picture("tops/only/x.png", 9);
    goss_images *s = open_set(in_top("tops"), false, GOSS_SPLIT_ALL); /* below a top folder, too */
    T_EQ(goss_images_classes(s), 2);
    T_STR(goss_images_class_name(s, 0), "a");
    goss_images_close(s);
    picture("tops/only/a/b/1.png", 10); /* deeper: a class of its own, and told */
    s = open_set(root, false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_classes(s), 3);
    T_SAID("1 folder holds both images and folders of images; the images are a class of their own: a");
    goss_images_close(s);
}

TEST(one_folder_is_one_class_and_that_is_told) {
    picture("flat1/1.png", 1), picture("flat1/2.png", 2);
    goss_images *s = open_set(in_top("flat1"), false, GOSS_SPLIT_ALL);
    T_ERR(goss_images_need_classes(s, "flat1", 2, &err), GOSS_E_FORMAT, "all 2 images lie in one folder");
    T_CHECK(strstr(err.text, "flat1/cat/1.png"));
    T_OK(goss_images_need_classes(s, "flat1", 1, &err));
    goss_images_close(s);
}

static const char *split_world(const char *name, const char *const *parts, int n) {
    for (int p = 0; p < n; p++)
        for (int i = 0; i < 6; i++) {
            char path[300];
            snprintf(path, sizeof path, "%s/%s/class%d/%d.png", name, parts[p], i / 2, i % 2);
            picture(path, 10 * p + i);
        }
    return in_top(name);
}

TEST(train_val_test_above_the_classes) {
    const char *root = split_world("parts", (const char *const[]){"Train", "val", "test"}, 3);
    goss_images *s = open_set(root, false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_classes(s), 3); /* not nine */
    T_EQ(goss_images_count(s), 18);
    T_STR(goss_images_class_name(s, 2), "class2");
    int first, count;
    goss_images_class_range(s, 1, &first, &count);
    T_EQ(count, 6);
    T_STR(goss_images_name(s, first), "Train/class1/0.png");
    T_SAID("stand above its classes: each class has the images of all of them");
    goss_images_close(s);
    s = open_set(root, false, GOSS_SPLIT_EACH);
    T_EQ(goss_images_classes(s), 9);
    T_STR(goss_images_class_name(s, 0), "Train/class0");
    goss_class_list val;
    T_OK(goss_class_list_part(s, GOSS_SPLIT_VAL, &val, &err));
    T_EQ(val.count, 3);
    for (int i = 0; i < 3; i++) T_EQ(strncmp(goss_images_class_name(s, val.ids[i]), "val/", 4), 0);
    goss_class_list_free(&val);
    T_EQ(goss_images_class_split(s, 0), GOSS_SPLIT_TRAIN);
    goss_images_close(s);
    s = open_set(root, false, GOSS_SPLIT_TEST);
    T_EQ(goss_images_classes(s), 3);
    T_EQ(goss_images_count(s), 6);
    T_STR(goss_images_class_name(s, 0), "class0");
    T_STR(goss_images_name(s, 5), "test/class2/1.png");
    T_EQ(goss_images_class_split(s, 0), GOSS_SPLIT_ALL);
    goss_images_close(s);
}

TEST(other_trees_are_no_split) {
    /* No test/: what is asked for instead is val/. */
    goss_images *s =
        open_set(split_world("two", (const char *const[]){"training", "valid"}, 2), false, GOSS_SPLIT_TEST);
    T_STR(goss_images_name(s, 0), "valid/class0/0.png");
    goss_images_close(s);
    /* A folder beside them, only train/, or no classes below: names as ever. */
    s = open_set(split_world("three", (const char *const[]){"train", "test", "other"}, 3), false, GOSS_SPLIT_TEST);
    T_EQ(goss_images_classes(s), 9);
    T_SAID("other folders with images stand beside them (other/class2)");
    goss_images_close(s);
    s = open_set(split_world("alone", (const char *const[]){"train"}, 1), false, GOSS_SPLIT_TEST);
    T_EQ(goss_images_count(s), 6);
    goss_images_close(s);
    picture("vehicles/train/1.png", 1), picture("vehicles/test/1.png", 2);
    s = open_set(in_top("vehicles"), false, GOSS_SPLIT_TRAIN);
    T_EQ(goss_images_classes(s), 2);
    T_SAID("hold images and no folders of classes");
    goss_images_close(s);
    /* The other way round: each class has its own. */
    for (int i = 0; i < 6; i++) {
        char path[60];
        snprintf(path, sizeof path, "inner/class%d/%s/1.png", i / 2, i % 2 ? "train" : "test");
        picture(path, i);
    }
    s = open_set(in_top("inner"), false, GOSS_SPLIT_TRAIN);
    T_EQ(goss_images_classes(s), 6);
    T_SAID("stand below the classes, so that each is a class of its own (class0/test)");
    goss_images_close(s);
}

/* ---- blank and twice ---- */

TEST(blank_images_are_told_and_a_blank_set_refused) {
    const char *root = world("blank");
    for (int i = 0; i < 3; i++) {
        char name[60];
        snprintf(name, sizeof name, "blank/a/blank%d.png", i);
        write_png(in_top(name), 8, 8, 250);
        snprintf(name, sizeof name, "allblank/%c/1.png", 'a' + i);
        write_png(in_top(name), 8, 8, 253 + i);
        snprintf(name, sizeof name, "colours/%c/1.png", 'a' + i);
        write_png(in_top(name), 8, 8, 100 * i);
    }
    goss_images *s = open_set(root, false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_report_of(s).flat, 3);
    T_SAID("3 of 7 images are one flat colour (the first: a/blank0.png)");
    goss_images_close(s);
    T_ERR(goss_images_open(in_top("allblank"), NULL, &s, &err), GOSS_E_FORMAT,
          "all 3 images are one and the same flat");
    s = open_set(in_top("colours"), false, GOSS_SPLIT_ALL); /* these can be told apart */
    T_SAID("3 of 3 images are one flat colour");
    goss_images_close(s);
}

TEST(drawings_that_are_there_twice_are_counted) {
    const char *root = world("twice");
    picture("twice/b/copy.png", 0);  /* of a/1: another class */
    picture("twice/a/copy.png", 0);  /* of a/1 */
    picture("twice/a/copy2.png", 0); /* once more */
    for (int cached = 0; cached < 3; cached++) {
        goss_images *s;
        goss_images_options o = options(1, 8, 8);
        o.cache_dir = cached ? in_top("twice-cache") : NULL;
        listen();
        T_OK(goss_images_open(root, &o, &s, &err));
        T_EQ(goss_images_report_of(s).duplicates, 2);
        T_SAID("2 of 7 images are the same as an earlier one of their class (the first: a/copy.png)");
        goss_images_close(s);
    }
}

/* ---- .zip ---- */

#if GOSS_HAVE_ZIP
static zip_t *zip_begin(const char *path) {
    int code;
    unlink(path);
    zip_t *z = zip_open(path, ZIP_CREATE, &code);
    T_CHECK(z != NULL);
    return z;
}

static zip_int64_t zip_put(zip_t *z, const char *name, const char *file) {
    zip_int64_t i = zip_file_add(z, name, zip_source_file(z, in_top(file), 0, -1), ZIP_FL_ENC_GUESS);
    T_CHECK(i >= 0);
    return i;
}

static void zip_end(zip_t *z) { T_EQ(zip_close(z), 0); }

/* Writes over every occurrence of some bytes: archives that libzip would not write. */
static void patch(const char *path, const char *from, const void *to, size_t n, int at_least) {
    char *bytes;
    size_t size;
    int found = 0;
    T_OK(goss__read_file(path, 1 << 20, &bytes, &size, &err));
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(bytes + i, from, n) == 0) memcpy(bytes + i, to, n), found++;
    T_CHECK(found >= at_least);
    T_OK(goss__write_file(path, bytes, size, &err));
    goss__free(bytes);
}

TEST(backslashes_separate_where_the_archive_says_so) {
    world("slash");
    for (int dos = 0; dos < 2; dos++) {
        const char *path = in_top("slash.zip");
        zip_t *z = zip_begin(path);
        static const char *const names[] = {"top\\a\\1.png", "top\\a\\2.png", "top\\b\\1.png"};
        static const char *const files[] = {"slash/a/1.png", "slash/a/2.png", "slash/b/1.png"};
        for (int i = 0; i < 3; i++)
            T_EQ(zip_file_set_external_attributes(z, (zip_uint64_t)zip_put(z, names[i], files[i]), 0,
                                                  dos ? ZIP_OPSYS_DOS : ZIP_OPSYS_UNIX, 0),
                 0);
        zip_end(z);
        goss_images *s = open_set(path, false, GOSS_SPLIT_ALL);
        T_EQ(goss_images_classes(s), dos ? 2 : 1);
        T_STR(goss_images_class_name(s, 0), dos ? "a" : ".");
        if (!dos) T_ERR(goss_images_need_classes(s, path, 2, &err), GOSS_E_FORMAT, "backslashes");
        goss_images_close(s);
    }
}

TEST(names_in_a_zip_do_no_harm) {
    world("odd");
    zip_t *z = zip_begin(in_top("odd.zip"));
    zip_put(z, "/abs/a/1.png", "odd/a/1.png");
    zip_put(z, "../../abs/a/2.png", "odd/a/2.png");
    zip_put(z, "./abs//x/../b/1.png", "odd/b/1.png");
    T_CHECK(zip_dir_add(z, "abs/a", 0) >= 0);
    zip_put(z, "__MACOSX/abs/a/._1.png", "odd/b/2.png");
    zip_end(z);
    goss_images *s = open_set(in_top("odd.zip"), false, GOSS_SPLIT_ALL);
    T_EQ(goss_images_count(s), 3);
    T_EQ(goss_images_classes(s), 2);
    T_STR(goss_images_name(s, 1), "a/2.png");
    T_STR(goss_images_class_name(s, 1), "b");
    goss_images_close(s);
}

TEST(a_name_that_comes_twice_in_a_zip) {
    world("again");
    const char *path = in_top("again.zip");
    zip_t *z = zip_begin(path);
    zip_put(z, "a/1.png", "again/a/1.png");
    zip_put(z, "a/2.png", "again/a/2.png");
    zip_put(z, "b/1.png", "again/b/1.png");
    zip_put(z, "b/2.png", "again/b/2.png");
    zip_end(z);
    patch(path, "a/2.png", "a/1.png", 7, 2);
    goss_images *s;
    T_ERR(goss_images_open(path, NULL, &s, &err), GOSS_E_FORMAT, "a/1.png: a name that comes twice");
    s = open_set(path, true, GOSS_SPLIT_ALL);
    T_EQ(goss_images_count(s), 3);
    goss_images *folder = open_set(in_top("again"), false, GOSS_SPLIT_ALL);
    T_EQ(memcmp(goss_images_pixels(s, 0), goss_images_pixels(folder, 1), 64), 0); /* the last one counts */
    goss_images_close(s), goss_images_close(folder);
}

TEST(entries_that_cannot_be_unpacked_are_told) {
    world("locked");
    const char *path = in_top("locked.zip");
    goss_images *s;
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        zip_t *z = zip_begin(path);
        zip_int64_t i = zip_put(z, "a/1.png", "locked/a/1.png");
        zip_put(z, "b/1.png", "locked/b/1.png");
        if (encrypted && zip_file_set_encryption(z, (zip_uint64_t)i, ZIP_EM_AES_256, "secret") != 0) {
            zip_discard(z);
            T_SKIP("this libzip does not encrypt");
        }
        zip_end(z);
        /* Deflate64 is method 9: in the local head and in the directory's entry, after the flags. */
        if (!encrypted) {
            char *bytes;
            size_t size;
            T_OK(goss__read_file(path, 1 << 20, &bytes, &size, &err));
            bytes[8] = 9;
            for (size_t k = 0; k + 46 < size; k++)
                if (memcmp(bytes + k, "PK\1\2", 4) == 0 && memcmp(bytes + k + 46, "a/1.png", 7) == 0) bytes[k + 10] = 9;
            T_OK(goss__write_file(path, bytes, size, &err));
            goss__free(bytes);
        }
        T_ERR(goss_images_open(path, NULL, &s, &err), GOSS_E_UNSUPPORTED, "locked.zip: a/1.png: ");
        T_CHECK(strstr(err.text, encrypted ? "encrypted" : "Deflate64"));
        T_CHECK(!strstr(err.text, "damaged"));
    }
}

#endif

/* ---- idx ---- */

#if GOSS_HAVE_ZLIB
static void write_gzip(const char *path, const uint8_t *data, size_t n, size_t member, bool padded) {
    make_parents(path);
    unlink(path);
    for (size_t at = 0; at < n; at += member) {
        gzFile f = gzopen(path, "ab");
        T_CHECK(f != NULL);
        T_EQ(gzwrite(f, data + at, (unsigned)(n - at < member ? n - at : member)), n - at < member ? n - at : member);
        T_EQ(gzclose(f), Z_OK);
    }
    FILE *f = fopen(path, "ab");
    T_CHECK(f != NULL);
    for (int i = 0; padded && i < 100; i++) fputc(0, f);
    fclose(f);
}

TEST(a_gzip_of_several_members_is_read_in_full) {
    uint8_t images[16 + 40 * 64] = {0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 8, 0, 0, 0, 8},
                             labels[8 + 40] = {0, 0, 8, 1, 0, 0, 0, 40};
    for (int i = 0; i < 40 * 64; i++) images[16 + i] = (uint8_t)(i * i / 7);
    for (int i = 0; i < 40; i++) labels[8 + i] = (uint8_t)(i % 4);
    const char *path = in_top("gz/toy-images-idx3-ubyte.gz");
    write_gzip(in_top("gz/toy-labels-idx1-ubyte.gz"), labels, sizeof labels, 1000, false);
    static const size_t members[] = {4, 16, 100, 1000, 100000};
    for (int i = 0; i < 10; i++) {
        write_gzip(path, images, sizeof images, members[i / 2], i % 2);
        goss_images *s = open_set(path, false, GOSS_SPLIT_ALL);
        T_EQ(goss_images_count(s), 40);
        T_EQ(goss_images_pixels(s, 39)[63], images[sizeof images - 1]);
        goss_images_close(s);
    }
    goss_images *s;
    write_gzip(path, images, sizeof images - 64, 100, false);
    T_ERR(goss_images_open(path, NULL, &s, &err), GOSS_E_FORMAT, "gzip");
    uint8_t longer[sizeof images + 1] = {0};
    memcpy(longer, images, sizeof images);
    write_gzip(path, longer, sizeof longer, 100, false);
    T_ERR(goss_images_open(path, NULL, &s, &err), GOSS_E_FORMAT, "gzip");
}

#endif

TEST(other_containers_are_known) {
    static const struct {
        const char *name, *bytes, *says;
        size_t n;
    } rows[] = {{"a.7z", "7z\xbc\xaf\x27\x1c....", "7z archive", 10},
                {"a.rar", "Rar!\x1a\x07\x01", "RAR archive", 7},
                {"a.npy", "\x93NUMPY\1", "NumPy array", 7},
                {"a.bmp2", "GIF89a....", "one image (GIF)", 10},
                {"a.ico", "\0\0\1\0\1\0....", "one image (ICO)", 10}, /* two zeros alone are no idx */
                {"a.tga", "\0\0\2\0\0\0\0\0\0\0", "TGA", 10},
                {"cut.zip", "PK\3\4......", GOSS_HAVE_ZIP ? "downloaded to its end" : "libzip", 10}};
    goss_images *s;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_bytes(in_top(rows[i].name), rows[i].bytes, rows[i].n);
        goss_status status = goss_images_open(in_top(rows[i].name), NULL, &s, &err);
        T_CHECK(status != GOSS_OK && strstr(err.text, rows[i].says));
    }
}

/* ---- one by one ---- */

TEST(images_one_by_one) {
    const char *root = world("each");
    write_bytes(in_top("each/b/0.png"), "no png", 6);
    write_bytes(in_top("each/b/1.heic"),
                "\0\0\0\x18"
                "ftypheic\0\0\0\0mif1heic",
                24);
    write_bytes(in_top("each/b/text.txt"), "text", 4);
    goss_image_files *f;
    goss_image_format format = {1, 8, 8, false};
    static float out[64];
    T_OK(goss_image_files_open(root, &f, &err));
    T_EQ(goss_image_files_count(f), 6);
    char name[400];
    snprintf(name, sizeof name, "%s/a/2.png", root);
    T_STR(goss_image_files_name(f, 1), name);
    int good = 0;
    for (int i = 0; i < 6; i++) {
        goss_status status = goss_image_files_decode(f, i, &format, out, &err);
        good += status == GOSS_OK;
        if (status != GOSS_OK) T_CHECK(strstr(err.text, goss_image_files_name(f, i)) != NULL);
        if (status == GOSS_E_UNSUPPORTED) T_CHECK(strstr(err.text, "HEIC") != NULL);
    }
    T_EQ(good, 4);
    goss_image_files_close(f);
    const char *single = in_top("each/a/1.png");
    T_OK(goss_image_files_open(single, &f, &err));
    T_EQ(goss_image_files_count(f), 1);
    T_STR(goss_image_files_name(f, 0), single);
    T_OK(goss_image_files_decode(f, 0, &format, out, &err));
    T_CHECK(!goss_image_is_flat(out, &format));
    goss_image_files_close(f);
    T_OK(goss__mkdirs(in_top("nothing"), &err));
    T_ERR(goss_image_files_open(in_top("nothing"), &f, &err), GOSS_E_FORMAT, "no image in it");
    T_ERR(goss_image_files_open(in_top("nowhere.png"), &f, &err), GOSS_E_IO, "nowhere.png");
    const char *const names[] = {"a/1.png", "b/2.png"};
    if (!GOSS_HAVE_ZIP) return;
    zip_of(in_top("each.zip"), "", names, root, 2);
    T_OK(goss_image_files_open(in_top("each.zip"), &f, &err));
    T_EQ(goss_image_files_count(f), 2);
    T_OK(goss_image_files_decode(f, 1, &format, out, &err));
    goss_image_files_close(f);
}

int main(int argc, char **argv) {
    in_top("");
    int failed = t_main(argc, argv);
    remove_top();
    return failed;
}
