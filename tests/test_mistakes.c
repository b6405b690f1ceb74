/* SPDX-License-Identifier: Apache-2.0 */
/* What a newcomer is likely to get wrong with every verb: each mistake has its status, and a text that says what to do.
 */
#include "base/os.h"
#include "cli_run.h"
#include "data/picture.h"
#include "goss_config.h"

static goss_error err;

/* CLASSES folders of drawings. */
static bool folders(const char *top, int classes, int drawings) {
    uint32_t random = (uint32_t)classes;
    for (int c = 0; c < classes; c++) {
        char name[100], path[400], file[420];
        snprintf(name, sizeof name, "%s/c%02d", top, c);
        snprintf(path, sizeof path, "%s", tiny_path(name));
        if (goss__mkdirs(path, &err) != GOSS_OK) return false;
        for (int d = 0; d < drawings; d++) {
            uint8_t pixels[64];
            for (int i = 0; i < 64; i++) pixels[i] = tiny_random(&random) % 251 > 125 ? 220 : 30;
            snprintf(file, sizeof file, "%s/%d.png", path, d);
            if (goss__png_write_grey(file, pixels, 8, 8, &err) != GOSS_OK) return false;
        }
    }
    return true;
}

/* Files of formats that are not read, alone and in folders. */
static bool other_formats(void) {
    static const char gz[] = "\x1f\x8b\x08\0\0\0\0\0\0\3\1\x0e\0\xf1\xff"
                             "day,y\n1,2\n3,4\n\xd1\x4b\x0b\x9b\x0e\0\0\0";
    static const char *const in[] = {"papers", "packed", "hollow"};
    for (int i = 0; i < 3; i++)
        if (goss__mkdirs(tiny_path(in[i]), &err) != GOSS_OK) return false;
#define WRITE(name, text) write_file(name, text, sizeof text - 1)
    WRITE("visits.csv.gz", gz), WRITE("packed/visits.csv.gz", gz), WRITE("papers/visits.csv.gz", gz);
    WRITE("visits.csv.xz", "\xfd"
                           "7zXZ\0 and more");
    WRITE("visits.csv.bz2", "BZh91AY&SY\xde\xad\xbe\xef\0\1\2");
    WRITE("visits.csv.zst", "\x28\xb5\x2f\xfd and more");
    WRITE("visits.parquet", "PAR1\x15\4\x15\0PAR1");
    WRITE("papers/a.pdf", "%PDF-1.4"), WRITE("papers/b.pdf", "%PDF-1.4");
    /* a .zip that begins with [Content_Types].xml, a stored empty entry */
    WRITE("visits.xlsx", "PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml");
#undef WRITE
    return true;
}

static const char quick[] = "data.path=mine 'model.backbone=mlp 16' train.steps=3 train.ways=5 validate.ways=3 "
                            "validate.every=3 validate.episodes=4 train.queries=2 validate.queries=2";

/* A run, its model and a network. */
static bool prepare(void) {
    static int done;
    char line[1000];
    if (done) return done > 0;
    done = -1;
    tiny_set();
    if (!folders("mine", 30, 10) || !folders("one", 1, 10) || !folders("two", 2, 10) || !folders("three", 3, 10) ||
        !folders("support", 3, 2))
        return false;
    write_file("notes.txt", "hello\n", 6);
    write_file("ask.zip", "PK\3\4 and more", 13);
    write_file("run.ini", "[train]\nsteps = 3\n", 18);
    write_file("mine.ini", "[data]\npath = mine\nlables = x\n", 30);
    write_file("lost-idx", "", 0);
    if (!other_formats()) return false;
    snprintf(line, sizeof line, "train run.dir=base %s", quick);
    if (run(line) != 0) return false;
    if (run("adapt base/model.safetensors --support support -o net.safetensors") != 0) return false;
    snprintf(line, sizeof line, "cp %s/tiny-images-idx3-ubyte %s/digits", tiny_dir, tiny_dir);
    if (system(line) != 0) return false;
    snprintf(line, sizeof line, "cp %s/tiny-labels-idx1-ubyte %s/answers", tiny_dir, tiny_dir);
    if (system(line) != 0) return false;
    snprintf(line, sizeof line, "cd %s && mkdir idx && cp digits idx/toy-images-idx3-ubyte && cp answers idx",
             tiny_dir);
    if (system(line) != 0) return false;
    done = 1;
    return true;
}

static const struct {
    const char *line;
    int status;
    const char *says, *too; /* both */
} mistakes[] = {
    /* ---- train ---- */
    {"train", 2, "no configuration", "usage"},
    {"train nofile.ini", 1, "nofile.ini", "No such file"},
    {"train mine", 1, "mine is a folder", "data.path=mine"},
    {"train data.path mine", 1, "data.path=mine", "no blanks"},
    {"train run.ini train.steps = 5", 1, "train.steps=VALUE", "no blanks"},
    {"train run.ini train.steps =5", 1, "train.steps=5,", "no blanks"},
    {"train a=b.ini run.dir=x", 1, "there is no file a=b.ini", "there is no key a"},
    {"train run.ini run.ini", 1, "one configuration file only", "section.key=value"},
    {"train base/model.safetensors", 1, "train.start=base/model.safetensors", ""},
    {"train base/checkpoint.safetensors run.dir=x", 1, "is not a configuration", ""},
    {"train notes.txt", 1, "notes.txt:1", "key = value"},
    {"train mine.ini run.dir=x", 1, "mine.ini:3", "did you mean data.labels?"},
    {"train --data mine", 2, "--data", "section.key=value"},
    {"train steps=5", 1, "there is no key steps", "did you mean train.steps?"},
    {"train train.step=5", 1, "did you mean train.steps?", ""},
    {"train train.steps=-5", 1, "train.steps: -5 is not", "from 0"},
    {"train train.steps=many", 1, "\"many\" is not a number", ""},
    {"train optimizer.rate=0,001", 1, "not a number", "after a point"},
    {"train train.rotations=maybe", 1, "true or false", ""},
    {"train train.method=proto", 1, "protonet", "maml"},
    {"train run.dir=x", 1, "data.path is not set", "data.path="},
    {"train data.path=mine", 1, "run.dir is not set", "run.dir="},
    {"train data.path=nowhere run.dir=x", 1, "data.path: nowhere", "no such file"},
    {"train data.path=notes.txt run.dir=x", 1, "data.path: notes.txt", "folder"},
    {"train data.path=base/model.safetensors run.dir=x", 1, "neither a folder nor", ""},
    {"train data.path=mine data.kind=idx run.dir=x", 1, "data.kind = idx", "images or auto"},
    {"train data.path=mine run.dir=mine", 1, "run.dir = mine is the folder of the images", "run.dir=runs/first"},
    {"train data.path=mine run.dir=notes.txt", 1, "run.dir: notes.txt", ""},
    {"train data.path=one run.dir=x1", 1, "one folder", "folder of its own"},
    {"train data.path=two run.dir=x2 train.ways=2 validate.ways=2", 1, "has 2 classes", "validate.every=0"},
    {"train data.path=mine run.dir=x3", 1, "there are 30 classes", "train.ways=15 validate.ways=15"},
    {"train data.path=mine run.dir=x4 train.ways=50 validate.every=0", 1, "[train] ways = 50", "only 30 classes"},
    {"train data.path=mine run.dir=x5 train.ways=5 validate.ways=5 train.shots=20", 1, "20 shots",
     "set fewer, or add images"},
    {"train data.path=mine run.dir=x6 'model.backbone=conv5 64'", 1, "conv5", "conv4"},
    {"train data.path=mine run.dir=x7 model.backbone=conv4", 1, "conv4 C", "model.backbone: "},
    {"train data.path=mine run.dir=x17 data.height=4 model.backbone='conv4 8'", 1, "does not fit", "model.backbone: "},
    {"train data.path=mine run.dir=x18 'hyper.rules=*=shared'", 1, "[hyper]", "head=class"},
    {"train data.path=mine run.dir=x19 optimizer.schedule=step optimizer.at=", 1, "optimizer.at is empty", "0.5, 0.75"},
    {"train data.path=mine run.dir=x20 'optimizer.at=0.75, 0.5'", 1, "optimizer.at: 0.5", "ascending"},
    {"train data.path=mine run.dir=x21 optimizer.at=50", 1, "optimizer.at: 50", "between 0 and 1"},
    {"train data.path=mine run.dir=x22 'optimizer.rates=target.*=-1'", 1, "not from 0 to", "target.*"},
    {"train data.path=mine run.dir=x23 train.ways=5 validate.ways=5 'optimizer.rates=target.conv1.w=2; target.*=0.5'",
     1, "\"target.conv1.w\" has no effect", "general ones first"},
    {"train data.path=mine run.dir=x8 'hyper.rules=*=magic'", 1, "the generator is not known", "lowrank R"},
    {"train data.path=mine run.dir=x9 'optimizer.rates=conv9.*=2' train.ways=5 validate.ways=5", 1, "conv9.*",
     "there are"},
    {"train data.path=mine run.dir=x10 data.train_classes=mine", 1, "data.train_classes: mine", "folder"},
    {"train data.path=mine run.dir=x11 data.val_classes=nofile.txt", 1, "data.val_classes: nofile.txt", "no such file"},
    {"train data.path=mine run.dir=x12 train.start=net.safetensors train.ways=5 validate.ways=5", 1,
     "train.start: net.safetensors", "holds a network, not a model"},
    {"train data.path=mine run.dir=x13 train.start=base", 1, "train.start: base", "folder"},
    {"train data.path=mine data.invert=no run.dir=x24 train.ways=5 validate.ways=5 train.queries=2 validate.queries=2 "
     "train.start=base/model.safetensors",
     1, "it has model.backbone = flatten;dense 16;relu;, and this run ", "train.start: base/model.safetensors"},
    {"train data.path=digits run.dir=x14", 1, "data.labels=FILE", ""},
    {"train data.path=mine data.labels=answers run.dir=x17 train.ways=5", 1, "mine: is no idx file", "folder"},
    {"train data.path=idx run.dir=x18", 1, "idx/toy-images-idx3-ubyte: name that file", ""},
    {"train data.path=answers run.dir=x19", 1, "an idx file of labels", "name the one of images"},
    {"train data.path=three run.dir=x20 train.ways=2 validate.ways=2", 1, "validate.every=0 train.ways=2",
     "or add classes"},
    {"train data.path=mine run.dir=x25 regularizer.tie.knd=l2", 1, "there is no key regularizer.tie.knd",
     "did you mean regularizer.tie.kind?"},
    {"train data.path=mine run.dir=x26 regularizer.kind=l2", 1, "did you mean regularizer.NAME.kind?", ""},
    {"train data.path=mine run.dir=x26 regularizer..kind=l2", 1, "did you mean regularizer.NAME.kind?", ""},
    {"train data.path=mine run.dir=x27 regularizer.tie.kind=l3", 1, "regularizer.tie.kind: there is no regularizer",
     "did you mean l1 or l2"},
    {"train data.path=mine run.dir=x28 regularizer.tie.strength=-1", 1, "regularizer.tie.strength: -1 is not",
     "from 0"},
    {"train data.path=mine run.dir=x29 train.ways=5 validate.ways=5 regularizer.tie.on=features/blok1", 1,
     "[regularizer.tie]: on: no value is published as features/blok1", "did you mean features/block1"},
    {"train data.path=mine run.dir=base train.ways=5 validate.ways=5", 1, "other settings", "another run.dir"},
    {"train data.path=mine run.dir=x15 train.steps=0", 1, "both 0", ""},
    {"train data.path=mine run.dir=x16 optimizer.schedule=plateau validate.every=0", 1, "validate.every = 0", ""},
    /* ---- eval ---- */
    {"eval", 2, "MODEL is missing", "usage"},
    {"eval '' --data mine", 1, "the name of a file is empty", ""},
    {"eval base/model.safetensors --data mine --classes ''", 1, "the name of a file is empty", ""},
    {"eval base/model.safetensors", 2, "--data is missing", "usage"},
    {"eval base/model.safetensors --data nowhere", 1, "nowhere", "No such file"},
    {"eval mine --data base/model.safetensors", 1, "mine: is a folder", "model.safetensors"},
    {"eval base --data mine", 1, "base/model.safetensors", ""},
    {"eval net.safetensors --data mine", 1, "holds a network, not a model", "gossamer adapt"},
    {"eval base/checkpoint.safetensors --data mine", 1, "holds a checkpoint, not a model", "model.safetensors"},
    {"eval base/model.safetensors --data mine --episodes 4", 1, "was trained on", "--unseen"},
    {"eval base/model.safetensors --data one --ways 2 --allow-seen", 1, "one folder", "folder of its own"},
    {"eval base/model.safetensors --data mine --ways -1", 2, "--ways: -1 is not from 2", "usage"},
    {"eval base/model.safetensors --data mine --shots 0", 2, "--shots: 0 is not from 1", "usage"},
    {"eval base/model.safetensors --data mine --methods maml", 1, "maml=FILE", ""},
    {"eval base/model.safetensors --data mine --classes nofile", 1, "nofile", "No such file"},
    {"eval base/model.safetensors --data digits", 1, "--labels FILE", ""},
    {"eval base/model.safetensors --data mine --allow-seen", 1, "--queries 15: class \"", "has 10 drawings"},
    {"eval base/model.safetensors --data three --allow-seen", 1, "--ways 5 --shots 1", "only 3 classes"},
    /* ---- adapt ---- */
    {"adapt base/model.safetensors", 2, "--support is missing", "usage"},
    {"adapt base/model.safetensors --support support", 2, "-o is missing", "usage"},
    {"adapt base/model.safetensors support -o n", 2, "extra argument, and --support DATA is missing", "usage"},
    {"eval base/model.safetensors mine", 2, "extra argument, and --data DATA is missing", "usage"},
    {"adapt support --support base/model.safetensors -o n", 1, "support: is a folder", "model.safetensors"},
    {"adapt base/model.safetensors --support one -o n", 1, "one folder", "folder of its own"},
    {"adapt base/model.safetensors --support support/c00 -o n", 1, "one folder", "folder of its own"},
    {"adapt base/model.safetensors --support notes.txt -o n", 1, "notes.txt", "folder"},
    {"adapt base/model.safetensors --support support --labels answers -o n", 1, "support: is no idx file", "folder"},
    {"adapt base/model.safetensors --support digits --labels digits -o n", 1, "images, not of labels", ""},
    {"adapt net.safetensors --support support -o n", 1, "holds a network, not a model", "gossamer adapt"},
    {"adapt base/model.safetensors --support support -o nodir/n", 1, "nodir/n", "there is no folder"},
    /* ---- predict, inspect, convert ---- */
    {"predict net.safetensors", 2, "IMAGE|SOUND|FOLDER|ZIP|TABLE|-... is missing", "usage"},
    {"predict base/model.safetensors support/c00/0.png", 1, "holds a model, not a network", "gossamer adapt MODEL"},
    {"predict net.safetensors nofile.png", 1, "nofile.png", "No such file"},
    {"predict net.safetensors notes.txt", 1, "notes.txt: is a text, not an image, nor a folder", ".zip"},
    {"predict net.safetensors idx", 1, "idx/toy-images-idx3-ubyte: name that file", ""},
    {"predict net.safetensors - <ask.zip", 1, "standard input: a .zip archive, not an image", "unpack"},
    {"inspect", 2, "missing", "usage"},
    {"inspect mine", 1, "mine: is a folder without tables", "mine/model.safetensors"},
    {"inspect notes.txt", 1, "not a safetensors file", "Nor is it a table: csv"},
    {"inspect visits.csv.gz", 1, "visits.csv.gz: is gzip-compressed, not a safetensors file; unpack it first",
     "Nor is it a table"},
    {"inspect visits.parquet", 1, "visits.parquet: is a Parquet file, not a table", "write the table as csv"},
    /* ---- data of no known kind ---- */
    {"init visits.csv.gz", 1, "visits.csv.gz: ", "unpack it first: gunzip"},
    {"init visits.csv.xz", 1, "visits.csv.xz: is xz-compressed, not images, tables", "unpack it first: unxz"},
    {"init visits.csv.bz2", 1, "visits.csv.bz2: is bzip2-compressed, not images, tables", "bunzip2"},
    {"init visits.csv.zst", 1, "visits.csv.zst: is zstd-compressed, not images, tables", "unzstd"},
    {"init visits.parquet", 1, "visits.parquet: is a Parquet file, not images, tables", "write the table as csv"},
    {"init visits.xlsx", 1, "visits.xlsx: is an office document", "save its sheet as csv"},
    {"train data.path=visits.csv.gz run.dir=x", 1, "data.path: visits.csv.gz: ", "unpack it first: gunzip"},
    {"train data.path=visits.xlsx run.dir=x", 1, "data.path: visits.xlsx: is an office document", "as csv"},
    {"train data.path=visits.xlsx data.task=who data.target=y task.support=0 run.dir=x", 1,
     "data.path: visits.xlsx: is an office document", "as csv"},
    {"init notes.txt", 1, "notes.txt: is a text, not images, tables", "is called .csv"},
    {"init papers", 1, "papers: holds nothing that is read: 3 files (2 .pdf, 1 .gz), as a.pdf: PDF",
     "What is read: images (PNG"},
    {"init papers", 1, "tables (.csv, .tsv, .tab, .arff, .npy, .npz), ratings (ratings.csv) or sounds (.wav", ""},
    {"train data.path=papers run.dir=x", 1, "data.path: papers: holds nothing that is read", "tables (.csv"},
    {"init packed", 1, "packed: holds nothing that is read: 1 file (1 .gz), visits.csv.gz: gzip-compressed", "gunzip"},
    {"init hollow", 1, "hollow: holds nothing that is read; it is empty", "tables (.csv"},
    {"init papers data.kind=images", 1, "papers: no image in it", "PDF"},
    {"convert base/model.safetensors --weights bf16", 2, "-o is missing", "usage"},
    {"convert net.safetensors -o half --weights bf16", 1, "holds a network, not a model", ""},
    {"convert base/model.safetensors -o half --weights int8", 2, "int8", "bf16"},
    /* ---- data, and no verb ---- */
    {"data mine -o x", 2, "glyphs", "usage"},
    {"data glyphs", 2, "-o is missing", "usage"},
    {"data glyphs -o mine", 1, "mine", "name another folder"},
    {"trian run.ini", 2, "\"trian\"; did you mean train?", "usage"},
    {"pred net.safetensors", 2, "did you mean predict?", ""},
    {"harmonise", 2, "there is no verb \"harmonise\"\n", "usage"},
    {"--data mine", 2, "--data", ""},
};

TEST(a_mistake_is_told_with_what_to_do) {
    if (!prepare()) T_FAIL("%s", err_text ? err_text : err.text);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const int status = run(mistakes[i].line);
        if (status != mistakes[i].status)
            T_FAIL("%s: status %d, not %d: %.300s", mistakes[i].line, status, mistakes[i].status, err_text);
        for (int k = 0; k < 2; k++) {
            const char *part = k ? mistakes[i].too : mistakes[i].says;
            if (!strstr(err_text, part)) T_FAIL("%s: does not say \"%s\": %.400s", mistakes[i].line, part, err_text);
        }
        if (strstr(err_text, "Remove the folder")) T_FAIL("%s: %.300s", mistakes[i].line, err_text);
        if (*out_text) T_FAIL("%s: wrote to standard output: %.100s", mistakes[i].line, out_text);
    }
    T_CHECK(access(tiny_path("n"), F_OK) != 0);
}

/* What the tutorial says of one's own images: thirty classes, ten drawings each. */
TEST(the_tutorials_command_for_own_images_works) {
    if (!prepare()) T_FAIL("%s", err_text ? err_text : err.text);
    RUN(0, "train data.path=mine run.dir=run-mine train.ways=5 validate.ways=5 train.steps=2 'model.backbone=mlp 8'");
    SAYS(err_text, "25 classes to train on, 5 to validate on");
    RUN(0, "train data.path=digits data.labels=answers run.dir=run-digits train.ways=5 validate.ways=5 train.steps=2 "
           "'model.backbone=mlp 8' data.height=8 data.width=8");
    RUN(0, "eval run-digits/model.safetensors --data digits --labels answers --episodes 2 --ways 3 --queries 3 "
           "--allow-seen");
    RUN(0, "adapt run-digits/model.safetensors --support digits --labels answers -o digits-net");
}

TEST_MAIN()
