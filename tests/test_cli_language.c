/* SPDX-License-Identifier: Apache-2.0 */
/* Answers at each step of a text through the command: language models of speakers, and labels of tokens. */
#include <math.h>
#include <unistd.h>

#include "cli_run.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

/* Speakers of three letters: half of them go a, b, c, a ..., the others c, b, a, c ..., with slips; 4 to 12 letters. */
static void speakers(const char *name, int first, int count) {
    static char text[1 << 16];
    uint32_t random = 5u + (uint32_t)first;
    int n = snprintf(text, sizeof text, "who,says\n");
    for (int s = first; s < first + count; s++)
        for (int r = 0; r < 12; r++) {
            int at = (int)(tiny_random(&random) % 3);
            n += snprintf(text + n, sizeof text - (size_t)n, "s%d,", s);
            for (int k = 4 + (int)(tiny_random(&random) % 9); k > 0; k--) {
                text[n++] = "abc"[at];
                at = tiny_random(&random) % 20 == 0 ? at : (at + (s % 2 ? 1 : 2)) % 3;
            }
            text[n++] = '\n';
        }
    write_file(name, text, (size_t)n);
}

#define TEXTS "data.task=who data.text=says data.tokens=char data.fold=none data.least=1 data.length=12 "
#define TRAIN                                                                                                          \
    "train data.path=said.csv " TEXTS "task.objective=language task.support=0..4 task.order=first "                    \
    "'model.backbone=embedding 8 6; gru 8' data.hold_out=.2 train.tasks=4 validate.every=30 optimizer.rate=.02 "

static void train_speakers(void) {
    static bool there;
    if (there) return;
    speakers("said.csv", 0, 16), speakers("others.csv", 20, 6);
    RUN(0, TRAIN "train.steps=150 'hyper.rules=head.*=full; *=shared' run.dir=roles");
    SAYS(err_text, "texts of up to 12 tokens, embedding 5, target says (language)");
    SAYS(err_text, "val bits ");
    RUN(0, TRAIN "train.steps=60 train.method=joint run.dir=joint");
    there = true;
}

TEST(a_speaker_is_learned_from_what_it_said) {
    train_speakers();
    double bits[2];
    for (int i = 0; i < 2; i++) {
        RUN(0, i ? "eval roles/model.safetensors --data others.csv --support 4 --json"
                 : "eval roles/model.safetensors --data others.csv --support 0 --json");
        SAYS(out_text, "\"metric\": \"bits\"");
        bits[i] = value_of("hypernet");
    }
    /* Without support each letter may be followed by two; with it by one: about .3 bits for slips, 1.6 for the first
     * letter of some 8. */
    if (!(bits[0] > .9 && bits[0] < 2.2)) T_FAIL("%.3f bits without support", bits[0]);
    if (!(bits[1] < .8 * bits[0])) T_FAIL("%.3f bits with support, %.3f without", bits[1], bits[0]);
}

/* Mean bits of the rows of a speaker from the first-th on, each token counting once, as predict tells them. */
static double bits_of_rows(const char *name, int first) {
    double sum = 0;
    int tokens = 0, row = 0;
    for (const char *at = out_text; (at = strstr(at, "\"tokens\": ")); row++) {
        const int n = atoi(at + 10);
        const char *b = strstr(at, "\"bits\": ");
        if (!b) T_FAIL("%s: no bits", name);
        if (row >= first) sum += n * strtod(b + 8, NULL), tokens += n;
        at = b;
    }
    T_CHECK(tokens > 0);
    return sum / tokens;
}

TEST(bits_are_those_of_the_probabilities_that_predict_gives) {
    train_speakers();
    speakers("one.csv", 31, 1);
    RUN(0, "eval joint/model.safetensors --data one.csv --support 3 --allow-seen --json");
    const double judged = value_of("joint");
    RUN(0, "adapt joint/model.safetensors --support one.csv -o one.safetensors");
    RUN(0, "predict one.safetensors one.csv --json");
    T_NEAR(judged, bits_of_rows("one.csv", 3), 1e-4);
    RUN(0, "predict one.safetensors one.csv -o bits.csv");
    char *csv = tiny_read(tiny_path("bits.csv"), &(size_t){0});
    SAYS(csv, "who,says,bits\n");
    free(csv);
    /* What stands behind a text has no part in it: a longer neighbour pads it. */
    put("short.csv", "who,says\nx,abca\n"), put("long.csv", "who,says\nx,abca\nx,abcabcabcabc\n");
    RUN(0, "predict one.safetensors short.csv --json");
    char own[400];
    snprintf(own, sizeof own, "%s", strstr(out_text, "\"tokens\""));
    RUN(0, "predict one.safetensors long.csv --json");
    own[strcspn(own, "}")] = 0;
    SAYS(out_text, own);
}

TEST(texts_are_continued) {
    train_speakers();
    put("up.csv", "says\nabcabcabcabc\nbcabcabcabca\ncabcabcabcab\nabcabcabcabc\n");
    RUN(0, "adapt roles/model.safetensors --support up.csv -o up.safetensors");
    RUN(0, "predict up.safetensors --continue 9 --temperature 0 abc");
    T_STR(out_text, "abcabcabcabc\n");
    char first[200];
    RUN(0, "predict up.safetensors --continue 60 --seed 3");
    snprintf(first, sizeof first, "%s", out_text);
    T_CHECK(strlen(first) == 61 && strspn(first, "abc") == 60);
    RUN(0, "predict up.safetensors --continue 60 --seed 3");
    T_STR(out_text, first);
    RUN(0, "predict up.safetensors --continue 60 --seed 4 --temperature 3");
    T_CHECK(strcmp(out_text, first) != 0);
    RUN(2, "predict up.safetensors up.csv --temperature .5");
    SAYS(err_text, "--continue N, which is missing");
    RUN(2, "predict up.safetensors 'My lord, '");
    SAYS(err_text, "\"My lord, \" is no file with texts; for a text that the model continues: --continue N TEXT");
    RUN(2, "predict up.safetensors -");
    SAYS(err_text, "-: a table is read from a file, not from standard input");
    RUN(2, "predict up.safetensors --continue 3 --json abc");
    SAYS(err_text, "--json: --continue writes the text to standard output");
    RUN(2, "predict up.safetensors --continue 3 -o on.txt abc");
    SAYS(err_text, "-o: --continue writes the text to standard output");
    T_CHECK(access("on.txt", F_OK) != 0);
    RUN(0, "predict up.safetensors --continue 3 --temperature 0 xyabc");
    SAYS(err_text, "2 of the text's 5 tokens are unknown to the network");
}

/* Vowels and consonants, a label for each letter. */
TEST(tokens_are_labelled) {
    static char text[1 << 15];
    uint32_t random = 3;
    int n = snprintf(text, sizeof text, "who,word,kind\n");
    for (int r = 0; r < 120; r++) {
        char word[12], kind[24];
        const int size = 2 + (int)(tiny_random(&random) % 6);
        for (int k = 0; k < size; k++) {
            word[k] = "aeioubcdfg"[tiny_random(&random) % 10];
            kind[2 * k] = strchr("aeiou", word[k]) ? 'V' : 'C', kind[2 * k + 1] = ' ';
        }
        n += snprintf(text + n, sizeof text - (size_t)n, "w%d,%.*s,%.*s\n", r % 10, size, word, 2 * size - 1, kind);
    }
    put("words.csv", text);
    RUN(0, "train data.path=words.csv data.task=who data.text=word data.tokens=char data.least=1 data.length=8 "
           "data.target=kind task.objective=labelling task.support=2 train.method=joint train.steps=120 train.tasks=4 "
           "'model.backbone=embedding 16 8; gru 8' validate.every=60 optimizer.rate=.03 data.hold_out=.2 "
           "run.dir=kinds");
    SAYS(err_text, "target kind (labelling)");
    put("word.csv", "word\nbad\ngoofa\n");
    put("some.csv", "word,kind\nab,V C\nca,C V\n");
    RUN(0, "adapt kinds/model.safetensors --support some.csv -o kinds.net");
    RUN(0, "predict kinds.net word.csv");
    SAYS(out_text, "bad,C V C\ngoofa,C V V C V\n");
    put("less.csv", "word,kind\nab,V C\ncab,C V\n");
    RUN(1, "adapt kinds/model.safetensors --support less.csv -o none.net");
    SAYS(err_text, "less.csv:3:kind: 2 labels for a text of 3 tokens: one for each is needed");
    put("other.csv", "word,kind\nab,V X\n");
    RUN(1, "adapt kinds/model.safetensors --support other.csv -o none.net");
    SAYS(err_text, "label \"X\" is none of the 2 that were trained on");
    RUN(2, "predict kinds.net --continue 3");
    SAYS(err_text, "labels texts, and does not continue them");
}

TEST(mistakes_are_told) {
    speakers("said.csv", 0, 16);
    RUN(1, TRAIN "data.target=who train.steps=2 run.dir=no");
    SAYS(err_text, "a language model predicts the text itself");
    RUN(1, TRAIN "train.steps=2 run.dir=no data.ngrams=2");
    SAYS(err_text, "data.ngrams = 2: with task.objective = language each id is a token in its place");
    RUN(1, TRAIN "train.steps=2 run.dir=no 'model.backbone=embedding 8 6; gru 8; readout last'");
    SAYS(err_text, "an answer at each of 12 steps, and this network ends in one answer for all");
    RUN(1, TRAIN "train.steps=2 run.dir=no 'model.backbone=embedding 8 6; conv1d 8 3 stride 2'");
    SAYS(err_text, "conv1d1 shows later steps to earlier ones: its windows");
    put("tags.csv", "who,says,tags\na,x y,p q\na,y,q\nb,x,p\nb,y x,q p\n");
    RUN(1, "train data.path=tags.csv data.text=says data.target=tags data.task=who task.objective=labelling "
           "task.support=1 data.least=1 data.length=4 train.steps=2 validate.every=0 run.dir=no "
           "'model.backbone=embedding 8 6; conv1d 8 3 stride 2'");
    SAYS(err_text, "ends in fewer steps");
    RUN(1, TRAIN "train.steps=2 run.dir=no 'model.backbone=embedding 8 6; gru 8 bidirectional'");
    SAYS(err_text, "objective language is to foresee the next token, and this network sees it: gru1 shows later steps");
    RUN(1, TRAIN "train.steps=2 run.dir=no train.method=joint 'model.backbone=embedding 8 6; transformer 8 2'");
    SAYS(err_text, "attention1 shows later steps to earlier ones: a step sees all others");
    RUN(0,
        TRAIN "train.steps=2 run.dir=causal 'model.backbone=embedding 8 8; positions learned; transformer 8 2 causal' "
              "'hyper.rules=head.w=full; *=shared'");
    RUN(1, "train data.path=said.csv data.task=who data.target=says task.objective=language train.steps=2 run.dir=no");
    SAYS(err_text, "a language model predicts the text itself");
    RUN(1, "train data.path=said.csv data.task=who task.objective=language train.steps=2 run.dir=no");
    SAYS(err_text, "data.text names the column");
    RUN(1, "init said.csv task.objective=language data.text=says -o no.ini");
    SAYS(err_text, "init does not write configurations for task.objective = language");
    RUN(1, "init said.csv task.objective=labelling data.text=says data.task=who -o no.ini");
    SAYS(err_text, "init does not write configurations for task.objective = labelling");
    T_CHECK(access("no.ini", F_OK) != 0);
}

TEST_MAIN()
