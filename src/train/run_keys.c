/* SPDX-License-Identifier: Apache-2.0 */
/* run_keys.c: the keys of a training run's configuration, and the struct that they are bound to. */
#include <pthread.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "io/key_row.h"
#include "train/regularizers.h"
#include "train/run_settings.h"

#define GOSS__SETTINGS goss__run_settings

/* ---- texts with a form of their own ---- */

/* "5" or "3..10". */
static goss_status read_support(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    int least, most = 0;
    char end;
    int n = sscanf(text, "%d..%d%c", &least, &most, &end);
    if (n == 1 && sscanf(text, "%d%c", &least, &end) == 1) most = least, n = 2;
    if (n != 2 || least < 0 || most < least || most > 1000000)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "\"%.40s\" is no number of rows, as 5, and no range of them, as 3..10", text);
    if (s) s->table.support = least, s->table.most_support = most;
    return GOSS_OK;
}

/* "24..128", as goss_prior_source_options. */
static goss_status read_prior_support(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    int least, most;
    char end;
    if (sscanf(text, "%d..%d%c", &least, &most, &end) != 2 || least < 10 || most < least || most > 10000)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no range of rows from 10 to 10000, as 24..128", text);
    if (s) s->prior.least_support = least, s->prior.support = most;
    return GOSS_OK;
}

/* ".5,.2,.3"; empty: all 0. */
static goss_status read_split(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    double split[3] = {0};
    if (*text && goss__numbers_parse(text, split, 3) != 3)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "\"%.40s\" is no list of three shares, as .5,.2,.3 (training, validation, test)", text);
    if (s) memcpy(s->table.split, split, sizeof split);
    return GOSS_OK;
}

/* "2/5"; empty: none. */
static goss_status read_fold(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    int fold = 0, folds = 0;
    char end;
    if (*text && (sscanf(text, "%d/%d%c", &fold, &folds, &end) != 2 || folds < 2 || fold < 1 || fold > folds))
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no part of the tasks, as 1/5", text);
    if (s) s->table.fold = fold, s->table.folds = folds;
    return GOSS_OK;
}

/* "1", "1..12" or "1 3 6". */
static goss_status read_horizons(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    return goss_series_set_horizons(text, s ? &s->table.series : NULL, err);
}

/* A number; empty: NaN. */
static goss_status read_click(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    double click = NAN;
    if (*text && !goss__number_parse(text, &click))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "\"%.40s\" is no number: the least rating that counts as a click, as 4", text);
    if (s) s->ratings.click = click;
    return GOSS_OK;
}

static goss_status read_objective(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    const goss_objective *o = NULL;
    if (strcmp(text, "auto") != 0) GOSS_TRY(goss_objective_find(text, &o, err));
    if (s) s->table.objective = o;
    return GOSS_OK;
}

/* "0.1, 0.5, 0.9": the objective "quantile" of these levels. */
static goss_status read_quantiles(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    double level[GOSS_LEVELS_MOST];
    const goss_objective *o;
    const int n = goss__numbers_parse(text, level, GOSS_LEVELS_MOST);
    if (n < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\" is no list of up to %d levels, as in 0.1, 0.5, 0.9",
                              text, GOSS_LEVELS_MOST);
    GOSS_TRY(goss_objective_quantile(level, n, &o, err));
    if (s) s->quantile = o;
    return GOSS_OK;
}

/* "0.5 0.75": shares of the training; empty: none. */
static goss_status read_at(const char *text, void *settings, goss_error *err) {
    goss__run_settings *s = settings;
    double at[8];
    const int n = goss__numbers_parse(text, at, 8);
    if (n < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is no list of up to 8 numbers, as in 0.5, 0.75", text);
    for (int i = 0; i < n; i++)
        if (!(at[i] > (i ? at[i - 1] : 0) && at[i] < 1))
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "%g in \"%s\": these are shares of the training, between 0 and 1 and ascending, as in "
                "0.5, 0.75",
                at[i], text);
    if (s) memcpy(s->rate.at, at, (size_t)n * sizeof *at), s->rate.n_at = n;
    return GOSS_OK;
}

/* ---- the table ---- */

static const goss_key own[] = {
    GOSS__KEY_TEXT(
        "data.path", data.path, "",
        "Folder, .zip or idx file of images in classes (folders train, val and test above them are the "
        "split, if no key "
        "is), or a table: csv, ARFF, NumPy, or a folder or .zip of such; or a folder of sound files, or a csv "
        "file of file, class, ...; or a folder with ratings.csv"),
    GOSS__KEY_WORD(
        "data.kind", data.kind, "auto", "auto|images|idx|table|arrays|prior|sound|ratings|series|tables",
        "What data.path holds; auto: by its content; prior: nothing, tables are drawn as [prior] says; series: a "
        "table whose rows are steps in time; tables: files that are tables each, for the method tables"),
    GOSS__KEY_TEXT(
        "data.task", table.task, "",
        "table: the column whose values are tasks; file: each file is one; all: all rows are one; empty: guessed. "
        "images: "
        "folder: each folder above the classes is a task, and all are trained together; all: all classes are one task"),
    GOSS__KEY_TEXT(
        "data.tasks", image_tasks.file, "",
        "images: table of task,class or task,class,label: what is trained together; classes of one label are one"),
    GOSS__KEY_TEXT("data.items", ratings.items, "",
                   "ratings: csv file with a row an item, whose other columns are its features; empty: movies.csv or "
                   "items.csv beside the ratings"),
    GOSS__KEY_TEXT("data.user", ratings.column[GOSS_RATINGS_USER], "",
                   "ratings: the column of users; empty: userId and the like"),
    GOSS__KEY_TEXT("data.item", ratings.column[GOSS_RATINGS_ITEM], "",
                   "ratings: the column of items; empty: movieId, itemId and the like"),
    GOSS__KEY_TEXT("data.rating", ratings.column[GOSS_RATINGS_RATING], "",
                   "ratings: the column of ratings; empty: rating, score or stars"),
    GOSS__KEY_TEXT(
        "data.time", ratings.column[GOSS_RATINGS_TIME], "",
        "series: the column of times that orders rows. ratings: the same, by which task.order = first orders; "
        "empty: timestamp or time"),
    GOSS__KEY_TEXT("data.series", table.series.series, "",
                   "series: the column that says which series of a task a row belongs to; empty: each task is one"),
    GOSS__KEY_INT("data.window", window, "16", 1, 1048576, "steps",
                  "series: rows that a network sees of the past, at most"),
    GOSS__KEY_FORM(
        "data.horizon", read_horizons, "1", NULL,
        "series: how many steps ahead the target is predicted, which then is seen up to there, if it is a number; "
        "1..12 or 1 3 6: several horizons by one network; 0: from rows up to its own, without its past"),
    GOSS__KEY_INT("data.stride", table.series.stride, "1", 0, 1048576, "steps",
                  "series: every n-th row, counted from the last, is a sample; 0: a series is one, by its last "
                  "row"),
    GOSS__KEY_FORM(
        "data.click", read_click, "", NULL,
        "ratings: a rating of at least this is a click, lower ones are as if they were not there, and what a "
        "user has not clicked on is 0; empty: ratings are predicted; without a column of ratings every row "
        "is a click"),
    GOSS__KEY_INT("data.factors", factors, "8", 1, 64, "factors",
                  "ratings: factors of an item, at most: those that the ratings do not support vanish"),
    GOSS__KEY_INT("data.item_embedding", item_embedding, "0", 0, 4096, "numbers",
                  "ratings: numbers of an item that are learned along with the model, beside what its ratings and "
                  "features say before: a step updates the items of its users alone; 0: none"),
    GOSS__KEY_BOOL("data.neighbours", neighbours, "true",
                   "ratings: the model keeps the training users' ratings, without their names, for gossamer eval "
                   "--methods knn; not more than four million"),
    GOSS__KEY_TEXT("data.target", table.target, "", "table: the column that is predicted; empty: guessed"),
    GOSS__KEY_TEXT(
        "data.text", table.text, "",
        "table: the column of texts, which then is the only input; without data.task episodes are drawn from the "
        "classes of data.target"),
    GOSS__KEY_TEXT(
        "data.role", table.role, "",
        "table: the column that says which rows of a task are support and which are queries, in these words; "
        "empty: support is drawn"),
    GOSS__KEY_WORD("data.tokens", table.texts.tokens.kind, "word", "word|char|byte|bpe",
                   "texts: what they are divided into; bpe: pairs of bytes that were merged, by training texts"),
    GOSS__KEY_WORD("data.fold", table.texts.tokens.fold, "case", "case|nfkc|none",
                   "texts: normal form before that: without upper case (NFKC_Casefold), NFKC, or as they are"),
    GOSS__KEY_INT("data.vocabulary", table.texts.tokens.vocabulary, "10000", 3, 1e9, "tokens",
                  "texts: tokens that are known at most, with the two for padding and unknown ones"),
    GOSS__KEY_INT("data.least", table.texts.tokens.least, "2", 1, 1e9, "times",
                  "texts: how often a word, character or n-gram has to occur in training texts to be known"),
    GOSS__KEY_INT("data.ngrams", table.texts.tokens.ngrams, "1", 1, GOSS_NGRAMS_MOST, "tokens",
                  "texts as ids of words or characters: n-grams of up to so many of them have ids of their own, which "
                  "follow that of their last token; for networks that take means over ids (readout mean)"),
    GOSS__KEY_INT("data.length", table.texts.length, "64", 1, 1048576, "tokens",
                  "texts: tokens of a text at most, with ids of n-grams; further ones are cut off"),
    GOSS__KEY_WORD("data.text_as", table.texts.as, "auto", "auto|ids|vectors|mean|bag",
                   "texts: what a network sees: numbers of tokens, for an embedding layer; a word vector for each "
                   "word; their weighted mean; a bag of words and their n-grams, hashed, with that mean where "
                   "data.vectors is set; auto: vectors where data.vectors is set, else ids"),
    GOSS__KEY_INT("data.buckets", table.texts.buckets, "2048", 1, 1048576, "numbers", "texts as bag: of the bag"),
    GOSS__KEY_TEXT(
        "data.vectors", table.texts.vectors, "",
        "texts: file of word vectors, by gossamer data vectors or as text of word2vec, GloVe or fastText; with "
        "data.text_as = ids what an embedding begins with"),
    GOSS__KEY_TEXT("data.ignore", table.ignore, "", "table: columns that are no inputs, as A,B"),
    GOSS__KEY_TEXT("data.categorical", table.categorical, "", "table: columns of numbers that are names of categories"),
    GOSS__KEY_TEXT("data.missing", table.missing, "",
                   "table: what stands for a missing value; empty: NA, NaN, ?, no text"),
    GOSS__KEY_TEXT("data.descriptor", table.descriptor, "",
                   "table, ratings: a second table with a row per task or user, by a column of the same name, that "
                   "hyper.condition = descriptor sees"),
    GOSS__KEY_TEXT("data.train_tasks", table.train_tasks, "",
                   "File with the tasks to train on, one a line; empty: all others"),
    GOSS__KEY_TEXT("data.val_tasks", table.val_tasks, "",
                   "table: file with the tasks to validate on; empty: data.hold_out of the others"),
    GOSS__KEY_FORM(
        "data.split", read_split, "", NULL,
        "Shares of each task's rows, or of each class's images, for training, validation and test, as .5,.2,.3; empty: "
        "whole tasks of a table are held out, images are divided by folders train, val and test"),
    GOSS__KEY_INT(
        "data.per_class", image_tasks.per_class, "0", 0, 1e9, "images",
        "images in tasks: images of a class that are taken (drawn by run.seed), before they are divided; 0: all"),
    GOSS__KEY_TEXT("data.labels", images.labels, "",
                   "idx: the file of labels; empty: the one beside data.path with labels and idx1 in its name"),
    GOSS__KEY_TEXT("data.train_classes", data.train_classes, "",
                   "File with the classes to train on; empty: all others"),
    GOSS__KEY_TEXT("data.val_classes", data.val_classes, "",
                   "File with the classes to validate on; empty: some of the training classes are held out"),
    GOSS__KEY_TEXT("data.validate", data.validate, "",
                   "sounds, texts in classes: samples to validate on, by a field, as speaker=theo,lucas, or by "
                   "class=...; empty: data.val_classes"),
    GOSS__KEY_TEXT("data.leave_out", data.leave_out, "",
                   "sounds, texts in classes: samples that are neither trained nor validated on, in the same "
                   "way"),
    GOSS__KEY_INT("data.hold_out_alphabets", data.hold_out_alphabets, "0", 0, 100000, "alphabets",
                  "Without val_classes: whole alphabets held out for validation; 0: single classes"),
    GOSS__KEY_REAL(
        "data.hold_out", data.hold_out, "0.1", 0, 0.9, NULL,
        "The same with single classes: their share, at least enough for validate.ways; of a table, with tasks"),
    GOSS__KEY_INT("data.height", images.height, "28", 0, 4096, "pixels",
                  "Images are resized to this; 0: to the first image's height"),
    GOSS__KEY_INT("data.width", images.width, "28", 0, 4096, "pixels", "The same; 0: to the first image's width"),
    GOSS__KEY_INT("data.channels", images.channels, "1", 1, 3, NULL, "1 grey, 3 colour"),
    GOSS__KEY_WORD("data.invert", images.invert, "auto", "auto|yes|no",
                   "Dark ink on a bright ground becomes bright on dark"),
    GOSS__KEY_BOOL("data.skip_bad", images.skip_bad, "false",
                   "Images that cannot be read, and classes of which none can, are left out with a warning; false: "
                   "they are errors"),
    GOSS__KEY_TEXT(
        "data.cache", data.cache, "",
        "Folder for the decoded images, which are mapped from there; empty: run.dir; none: keep them in memory"),
    GOSS__KEY_TEXT(
        "prior.families", prior.prior.families, "",
        "Families of tables, NAME or NAME=WEIGHT, as mlp=2,tree; empty: all, as often as gossamer data tables "
        "--help says"),
    GOSS__KEY_INT("prior.columns", prior.prior.columns, "20", 1, 1000, "slots",
                  "Slots of a row: one for a number, one for each level of a category"),
    GOSS__KEY_INT("prior.least_columns", prior.prior.least_columns, "3", 1, 1000, "slots", "Least slots of a table"),
    GOSS__KEY_FORM("prior.support", read_prior_support, "24..128", NULL, "Support rows of a table, log-uniform"),
    GOSS__KEY_INT("prior.queries", prior.queries, "96", 1, 10000, "rows", "Rows of a table that are predicted"),
    GOSS__KEY_INT("prior.classes", prior.prior.classes, "10", 2, 10, "classes", "Most classes of a target"),
    GOSS__KEY_REAL("prior.missing", prior.prior.missing, "0.3", 0, 1, NULL, "Share of tables with missing values"),
    GOSS__KEY_REAL("prior.categorical", prior.prior.categorical, "0.3", 0, 1, NULL,
                   "Mean share of columns that are categories or levels"),
    GOSS__KEY_INT("prior.curriculum", prior.prior.curriculum, "0", 0, 9007199254740991.0, "tables",
                  "Tables over which sizes grow from the least to the most; 0: all sizes from the start"),
    GOSS__KEY_INT("prior.group", prior.prior.group, "8", 1, 100000, "tables",
                  "Successive tables of the same size, best those of a step (train.tasks): no padding"),
    GOSS__KEY_FORM(
        "task.objective", read_objective, "auto",
        "auto|classification|regression|huber|gaussian|student|quantile|bpr|softmax|logistic|labelling|language",
        "table: what the target wants; auto: by its values, classification or regression; huber minds "
        "outliers less; gaussian "
        "says how sure it is of each row, too (low, high), and so does student, with heavy tails; quantile says "
        "the quantiles of task.quantiles; bpr and softmax rank the rows of a task, by pairs or all at once, logistic "
        "by whether the target is above the mean; labelling "
        "(data.target: a label for each token, divided by blanks) and language (the next token) answer at each step of "
        "a text. ratings: regression, huber, gaussian, student, quantile, bpr, softmax or "
        "logistic"),
    GOSS__KEY_FORM("task.quantiles", read_quantiles, "0.1, 0.5, 0.9", NULL,
                   "quantile: levels between 0 and 1, ascending; the prediction is the quantile nearest to 0.5"),
    GOSS__KEY_TEXT(
        "task.metric", metric, "",
        "What is validated: accuracy, auc, log_loss, f1 or calibration_error; bits a token of labelling and language; "
        "rmse, mae or r2, with "
        "gaussian nll or coverage_error, too, with quantile pinball or coverage_error; of numbers "
        "also ndcg@K, recall@K, precision@K or hit@K, K being 1, 5, "
        "10 or 20; empty: the first that fits. ratings: a list, of which the first is validated"),
    GOSS__KEY_FORM("task.support", read_support, "5", NULL,
                   "table: labelled rows of a task, or N..M: drawn between them; 0: none. images in tasks: 0"),
    GOSS__KEY_TEXT("task.order", table.order, "random",
                   "table: which rows are the support: random, first (of the file) or a column (numbers, dates), "
                   "ascending; series: "
                   "random is data.time, unless data.stride = 0. ratings: last, too: the last one is predicted by "
                   "those before it"),
    GOSS__KEY_INT("task.negatives", negatives, "4", 0, 100, "items",
                  "clicks: items that the user has not clicked on, drawn as 0 for each click, of support and queries"),
    GOSS__KEY_INT("task.queries", table.queries, "64", 1, 1000000, "rows",
                  "Rows or images of a task that a step trains on (with support: that are predicted), at most"),
    GOSS__KEY_REAL("task.thin", table.thin, "0.5", 0, 1, NULL,
                   "table, rows in an order: share of the training draws in which some rows of the task are left out"),
    GOSS__KEY_REAL("task.any", table.any, "0", 0, 1, NULL,
                   "table, rows in an order: share of the training draws in which any rows are support, not the first"),
    GOSS__KEY_TEXT("run.dir", run.dir, "", "Folder of the run; created. One run a folder"),
    GOSS__KEY_INT("run.seed", run.seed, "1", 0, 9007199254740991.0, NULL, "Of weights, episodes and splits"),
    GOSS__KEY_INT("run.threads", run.threads, "0", 0, 1024, "threads",
                  "0: as many as the machine has. The result does not depend on it"),
    GOSS__KEY_WORD(
        "train.method", train.method, "hypernet",
        "hypernet|protonet|ridge|maml|fomaml|anil|reptile|learned|finetune|scratch|joint|multitask|tables|pixels",
        "What is trained"),
    GOSS__KEY_TEXT(
        "train.start", train.start, "",
        "Model file to start from: its network whole (target, running), and hyper and head where their tensors are the "
        "same"),
    GOSS__KEY_INT("train.steps", train.steps, "3000", 0, 1e12, "steps", "Steps to do; 0: minutes alone bind"),
    GOSS__KEY_REAL("train.minutes", train.minutes, "0", 0, 1e6, "minutes",
                   "Minutes to train, whichever ends first; 0: steps alone bind"),
    GOSS__KEY_INT("train.tasks", train.tasks, "1", 0, 100000, "tasks",
                  "Tasks a step; 0: every training task once, in the order of their numbers (tables)"),
    GOSS__KEY_INT(
        "train.micro_batch", train.micro_batch, "0", 0, 100000, "tasks",
        "Tasks of a step that are in memory at a time, a divisor of train.tasks: all give the same result; batch norms "
        "then see one task in training, not all of a step. 0: the whole step at once"),
    GOSS__KEY_INT("train.ways", train_episodes.ways, "20", 2, 100000, "classes", "Classes an episode"),
    GOSS__KEY_INT("train.shots", train_episodes.shots, "1", 1, 10000, "samples", "Support samples a class"),
    GOSS__KEY_INT("train.min_shots", train.min_shots, "0", 0, 10000, "samples",
                  "Each step draws its shots from min_shots to shots; 0: always shots"),
    GOSS__KEY_INT("train.queries", train_episodes.queries, "5", 1, 10000, "samples", "Query samples a class"),
    GOSS__KEY_BOOL("train.rotations", train_episodes.rotations, "false",
                   "Copies turned by 90, 180, 270 degrees are classes of their own"),
    GOSS__KEY_BOOL("train.one_alphabet", train_episodes.one_alphabet, "false",
                   "All classes of an episode are of one alphabet"),
    GOSS__KEY_TEXT("train.group", train.group, "",
                   "sounds, texts in classes: a field, as speaker: each episode, of validation too, is drawn within "
                   "one value of it"),
    GOSS__KEY_BOOL("train.distinct_faces", train_episodes.distinct_faces, "false",
                   "Support and query of a class show different faces"),
    GOSS__KEY_REAL("train.augment", train_episodes.augment, "0", 0, 10, NULL,
                   "Strength of random turns, scales, slants and shifts of each image"),
    GOSS__KEY_REAL("train.elastic", train_episodes.elastic, "0", 0, 28, "pixels",
                   "Size of random smooth displacements, in pixels of 28"),
    GOSS__KEY_BOOL("train.mirror", train_episodes.mirror, "false",
                   "Every other image, at random, is mirrored left to right: of photographs, not of characters"),
    GOSS__KEY_REAL(
        "train.mixup", train.mixup, "0", 0, 100, NULL,
        "Queries of a task are mixed in pairs, with their targets, in shares drawn from Beta(a, a) for this a; "
        "0: they stay"),
    GOSS__KEY_FORM("train.fold", read_fold, "", NULL,
                   "table: I/N keeps the I-th of N parts of the tasks apart, as test; with data.split, of the rows of "
                   "every task"),
    GOSS__KEY_REAL("train.checkpoint_minutes", train.checkpoint_minutes, "2", 0, 1e6, "minutes",
                   "Minutes between checkpoints"),
    GOSS__KEY_INT("train.log_every", train.log_every, "10", 1, 1e9, "steps",
                  "Steps between lines of metrics.jsonl; with train.minutes there are lines between them, too"),
    GOSS__KEY_WORD("optimizer.kind", optimizer.kind, "adamw", "sgd|adam|adamw", "sgd has momentum"),
    GOSS__KEY_REAL("optimizer.rate", rate.base, "0.001", 0, 1e6, NULL, "Learning rate after the warm-up"),
    GOSS__KEY_TEXT("optimizer.rates", rates, "",
                   "Own rates: PATTERN=FACTOR; ... over tensors (\"target.conv*.w=0.5; hyper.*=2\"); the last that "
                   "matches counts"),
    GOSS__KEY_REAL("optimizer.momentum", optimizer.momentum, "0.9", 0, 0.9999, NULL, "sgd"),
    GOSS__KEY_REAL("optimizer.beta1", optimizer.beta1, "0.9", 0, 0.9999, NULL, "adam, adamw"),
    GOSS__KEY_REAL("optimizer.beta2", optimizer.beta2, "0.999", 0, 0.999999, NULL, "The same"),
    GOSS__KEY_REAL("optimizer.weight_decay", optimizer.weight_decay, "0", 0, 100, NULL,
                   "Of the weights of products; gains and biases have none"),
    GOSS__KEY_REAL("optimizer.clip_norm", optimizer.clip_norm, "10", 0, 1e9, NULL,
                   "Largest global norm of the gradients; 0: any"),
    GOSS__KEY_REAL("optimizer.ema", optimizer.ema_decay, "0", 0, 0.99999, NULL,
                   "Decay of the moving average of the weights that is validated and kept; 0: none"),
    GOSS__KEY_WORD("optimizer.schedule", rate.kind, "cosine", "constant|cosine|step|plateau", "How the rate falls"),
    GOSS__KEY_REAL("optimizer.warmup", rate.warmup, "0.02", 0, 0.9, NULL,
                   "Share of the training in which the rate rises from 0"),
    GOSS__KEY_REAL("optimizer.floor", rate.floor, "0", 0, 1, NULL, "cosine, plateau: least share of the rate"),
    GOSS__KEY_REAL("optimizer.factor", rate.factor, "0.1", 1e-6, 1, NULL,
                   "step, plateau: what the rate is multiplied by"),
    GOSS__KEY_FORM("optimizer.at", read_at, "0.5 0.75", NULL, "step: where, in shares of the training"),
    GOSS__KEY_INT("optimizer.plateau", rate.patience, "5", 1, 1e6, "validations",
                  "plateau: validations without a better one"),
    GOSS__KEY_INT("validate.every", validate.every, "250", 0, 1e12, "steps",
                  "Steps between validations; 0: none, the last weights are kept"),
    GOSS__KEY_INT("validate.episodes", validate.episodes, "100", 1, 1e6, "tasks",
                  "Tasks that are validated on, the same ones each time; of a table, each task equally often"),
    GOSS__KEY_INT("validate.ways", validate_episodes.ways, "20", 2, 100000, "classes", "Classes an episode"),
    GOSS__KEY_INT("validate.shots", validate_episodes.shots, "1", 1, 10000, "samples", "Support samples a class"),
    GOSS__KEY_INT("validate.candidates", candidates, "100", 0, 1e6, "items",
                  "clicks: items that the user has not clicked on, among which clicks are ranked; 0: all"),
    GOSS__KEY_INT("validate.queries", validate_episodes.queries, "5", 1, 10000, "samples", "Query samples a class"),
    GOSS__KEY_BOOL("validate.rotations", validate_episodes.rotations, "false", "As in [train]"),
    GOSS__KEY_BOOL("validate.distinct_faces", validate_episodes.distinct_faces, "false", "As in [train]"),
    GOSS__KEY_INT("validate.patience", validate.patience, "0", 0, 1e6, "validations",
                  "Stop after so many validations without a better one; 0: never"),
};
enum { OWN = sizeof own / sizeof *own, MOST = 400 };

static goss_key all[MOST];
static int n_all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The keys of a kind of data, which its own struct is bound to. */
static void add_keys(const goss_key *(*keys)(int *n)) {
    int n;
    const goss_key *own_keys = keys(&n);
    memcpy(all + n_all, own_keys, (size_t)n * sizeof *all);
    n_all += n;
}

static bool same_section(const char *a, const char *b) {
    const size_t n = strcspn(a, ".") + 1;
    return strncmp(a, b, n) == 0;
}

/* Several tables have keys of one section: these stand together, where its first one is. */
static void join_sections(void) {
    for (int i = 0; i < n_all; i++) {
        int end = i;
        while (end + 1 < n_all && same_section(all[i].name, all[end + 1].name)) end++;
        for (int k = end + 1; k < n_all; k++) {
            if (!same_section(all[i].name, all[k].name)) continue;
            const goss_key key = all[k];
            memmove(all + end + 2, all + end + 1, (size_t)(k - end - 1) * sizeof *all);
            all[++end] = key;
        }
        i = end;
    }
}

static void join(void) {
    int n;
    const goss_key *model = goss_model_keys(&n);
    memcpy(all, own, sizeof own);
    memcpy(all + OWN, model, (size_t)n * sizeof *model);
    n_all = OWN + n;
    memcpy(all + n_all, goss__regularizer_keys, (size_t)goss__regularizer_key_count * sizeof *all);
    n_all += goss__regularizer_key_count;
    add_keys(goss_sound_keys), add_keys(goss_sound_augment_keys);
    join_sections();
}

const goss_key *goss_train_keys(int *n) {
    pthread_once(&once, join);
    *n = n_all;
    return all;
}

/* ---- binding ---- */

/* Members that follow from several keys or from none. */
static void derive(goss__run_settings *s) {
    if (s->data.kind == GOSS__DATA_SERIES) {
        s->table.series.window = s->window, s->table.series.time = s->ratings.column[GOSS_RATINGS_TIME];
        if (strcmp(s->table.order, "random") == 0 && s->table.series.stride > 0 && *s->table.series.time)
            s->table.order = s->table.series.time;
    }
    s->table.path = s->data.path, s->table.metric = s->metric;
    s->table.in_turns = s->train.tasks == 0;
    s->table.hold_out = s->validate.every > 0 ? s->data.hold_out : 0;
    s->table.seed = s->image_tasks.seed = s->train_episodes.seed = s->run.seed;
    s->validate_episodes.seed = s->run.seed + 1;
    s->image_tasks.tasks = s->table.train_tasks;
    s->image_tasks.whole = strcmp(s->table.task, "all") == 0;
    memcpy(s->image_tasks.split, s->table.split, sizeof s->table.split);
    s->images.threads = s->table.threads = s->run.threads;
    if (!*s->images.labels) s->images.labels = NULL;
    if (!*s->prior.prior.families) s->prior.prior.families = NULL;
}

goss_status goss__run_settings_read(const goss_config *c, goss__run_settings *out, goss_error *err) {
    *out = (goss__run_settings){.config = c,
                                .images = goss_images_options_defaults(),
                                .image_tasks = goss_image_tasks_defaults(),
                                .table = goss_table_data_defaults(),
                                .prior = goss_prior_source_defaults(),
                                .ratings = goss_ratings_defaults(),
                                .train_episodes = goss_episode_spec_defaults(),
                                .validate_episodes = goss_episode_spec_defaults(),
                                .optimizer = goss_optimizer_defaults(),
                                .rate = goss_rate_defaults()};
    GOSS_TRY(goss_config_bind(c, own, OWN, out, err));
    int n;
    const goss_key *keys = goss_sound_keys(&n);
    GOSS_TRY(goss_config_bind(c, keys, n, &out->sound, err));
    keys = goss_sound_augment_keys(&n);
    GOSS_TRY(goss_config_bind(c, keys, n, &out->augment, err));
    derive(out);
    if (out->table.objective && out->table.objective->levels) out->table.objective = out->quantile;
    if (out->rate.kind == GOSS_RATE_STEP && out->rate.n_at == 0)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "optimizer.at is empty, and optimizer.schedule = step falls where it says, as in 0.5, 0.75");
    return goss_error_prefix(err, goss_rate_check(&out->rate, err), "[optimizer]");
}
