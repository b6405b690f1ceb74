/* SPDX-License-Identifier: Apache-2.0 */
/* run_keys.c: the keys of a training run's configuration. */
#include <pthread.h>
#include <string.h>

#include "gossamer/model.h"
#include "gossamer/train.h"

static const goss_key own[] = {
    {"data.path", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "Folder, .zip or idx file of images in classes (folders train, val and test above them are the split, if no key "
     "is), or a table: csv, ARFF, NumPy, or a folder or .zip of such"},
    {"data.kind", GOSS_KEY_TEXT, "auto", 0, 0, "auto|images|idx|table|arrays",
     "What data.path holds; auto: by its content"},
    {"data.task", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "table: the column whose values are tasks; file: each file is one; empty: guessed. images: folder: each folder "
     "above the classes is a task, and all are trained together"},
    {"data.tasks", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "images: table of task,class or task,class,label: what is trained together; classes of one label are one"},
    {"data.target", GOSS_KEY_TEXT, "", 0, 0, NULL, "table: the column that is predicted; empty: guessed"},
    {"data.ignore", GOSS_KEY_TEXT, "", 0, 0, NULL, "table: columns that are no inputs, as A,B"},
    {"data.categorical", GOSS_KEY_TEXT, "", 0, 0, NULL, "table: columns of numbers that are names of categories"},
    {"data.missing", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "table: what stands for a missing value; empty: NA, NaN, ?, no text"},
    {"data.descriptor", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "table: a second one with a row a task, in a column named as the task's, that hyper.condition = descriptor sees"},
    {"data.train_tasks", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "File with the tasks to train on, one a line; empty: all others"},
    {"data.val_tasks", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "table: file with the tasks to validate on; empty: data.hold_out of the others"},
    {"data.split", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "Shares of each task's rows, or of each class's images, for training, validation and test, as .5,.2,.3; empty: "
     "whole tasks of a table are held out, images are divided by folders train, val and test"},
    {"data.per_class", GOSS_KEY_INT, "0", 0, 1e9, NULL,
     "images in tasks: images of a class that are taken (drawn by run.seed), before they are divided; 0: all"},
    {"data.labels", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "idx: the file of labels; empty: the one beside data.path with labels and idx1 in its name"},
    {"data.train_classes", GOSS_KEY_TEXT, "", 0, 0, NULL, "File with the classes to train on; empty: all others"},
    {"data.val_classes", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "File with the classes to validate on; empty: some of the training classes are held out"},
    {"data.hold_out_alphabets", GOSS_KEY_INT, "0", 0, 100000, NULL,
     "Without val_classes: whole alphabets held out for validation; 0: single classes"},
    {"data.hold_out", GOSS_KEY_REAL, "0.1", 0, 0.9, NULL,
     "The same with single classes: their share, at least enough for validate.ways; of a table, with tasks"},
    {"data.height", GOSS_KEY_INT, "28", 0, 4096, NULL, "Images are resized to this; 0: to the first image's height"},
    {"data.width", GOSS_KEY_INT, "28", 0, 4096, NULL, "The same; 0: to the first image's width"},
    {"data.channels", GOSS_KEY_INT, "1", 1, 3, NULL, "1 grey, 3 colour"},
    {"data.invert", GOSS_KEY_TEXT, "auto", 0, 0, "auto|yes|no", "Dark ink on a bright ground becomes bright on dark"},
    {"data.skip_bad", GOSS_KEY_BOOL, "false", 0, 0, NULL,
     "Images that cannot be read, and classes of which none can, are left out with a warning; false: they are errors"},
    {"data.cache", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "Folder for the decoded images, which are mapped from there; empty: run.dir; none: keep them in memory"},
    {"task.objective", GOSS_KEY_TEXT, "auto", 0, 0, "auto|classification|regression|huber",
     "table: what the target wants; auto: by its values"},
    {"task.metric", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "What is validated: accuracy, auc, log_loss, f1 or calibration_error; rmse, mae or r2; empty: the first that "
     "fits"},
    {"task.support", GOSS_KEY_TEXT, "5", 0, 0, NULL,
     "table: labelled rows of a task, or N..M: drawn between them; 0: none. images in tasks: 0"},
    {"task.order", GOSS_KEY_TEXT, "random", 0, 0, NULL,
     "table: which rows are the support: random, first (of the file) or a column, ascending"},
    {"task.queries", GOSS_KEY_INT, "64", 1, 1000000, NULL,
     "Rows or images of a task that a step trains on (with support: that are predicted), at most"},
    {"task.thin", GOSS_KEY_REAL, "0.5", 0, 1, NULL,
     "table, rows in an order: share of the training draws in which some rows of the task are left out"},
    {"task.any", GOSS_KEY_REAL, "0", 0, 1, NULL,
     "table, rows in an order: share of the training draws in which any rows are support, not the first"},
    {"run.dir", GOSS_KEY_TEXT, "", 0, 0, NULL, "Folder of the run; created. One run a folder"},
    {"run.seed", GOSS_KEY_INT, "1", 0, 9007199254740991.0, NULL, "Of weights, episodes and splits"},
    {"run.threads", GOSS_KEY_INT, "0", 0, 1024, NULL,
     "0: as many as the machine has. The result does not depend on it"},
    {"train.method", GOSS_KEY_TEXT, "hypernet", 0, 0,
     "hypernet|protonet|ridge|maml|fomaml|anil|reptile|finetune|scratch|joint|pixels", "What is trained"},
    {"train.start", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "Model file to start from: its network whole (target, running), and hyper and head where their tensors are the "
     "same"},
    {"train.steps", GOSS_KEY_INT, "3000", 0, 1e12, NULL, "Steps to do; 0: minutes alone bind"},
    {"train.minutes", GOSS_KEY_REAL, "0", 0, 1e6, NULL, "Minutes to train, whichever ends first; 0: steps alone bind"},
    {"train.tasks", GOSS_KEY_INT, "1", 0, 100000, NULL,
     "Tasks a step; 0: every training task once, in the order of their numbers (tables)"},
    {"train.micro_batch", GOSS_KEY_INT, "0", 0, 100000, NULL,
     "Tasks of a step that are in memory at a time, a divisor of train.tasks: all give the same result; batch norms "
     "then see one task in training, not all of a step. 0: the whole step at once"},
    {"train.ways", GOSS_KEY_INT, "20", 2, 100000, NULL, "Classes an episode"},
    {"train.shots", GOSS_KEY_INT, "1", 1, 10000, NULL, "Support drawings a class"},
    {"train.min_shots", GOSS_KEY_INT, "0", 0, 10000, NULL,
     "Each step draws its shots from min_shots to shots; 0: always shots"},
    {"train.queries", GOSS_KEY_INT, "5", 1, 10000, NULL, "Query drawings a class"},
    {"train.rotations", GOSS_KEY_BOOL, "false", 0, 0, NULL,
     "Copies turned by 90, 180, 270 degrees are classes of their own"},
    {"train.one_alphabet", GOSS_KEY_BOOL, "false", 0, 0, NULL, "All classes of an episode are of one alphabet"},
    {"train.distinct_faces", GOSS_KEY_BOOL, "false", 0, 0, NULL, "Support and query of a class show different faces"},
    {"train.augment", GOSS_KEY_REAL, "0", 0, 10, NULL,
     "Strength of random turns, scales, slants and shifts of each image"},
    {"train.elastic", GOSS_KEY_REAL, "0", 0, 28, NULL, "Size of random smooth displacements, in pixels of 28"},
    {"train.fold", GOSS_KEY_TEXT, "", 0, 0, NULL, "table: I/N keeps the I-th of N parts of the tasks apart, as test"},
    {"train.checkpoint_minutes", GOSS_KEY_REAL, "2", 0, 1e6, NULL, "Minutes between checkpoints"},
    {"train.log_every", GOSS_KEY_INT, "10", 1, 1e9, NULL,
     "Steps between lines of metrics.jsonl; with train.minutes there are lines between them, too"},
    {"optimizer.kind", GOSS_KEY_TEXT, "adamw", 0, 0, "sgd|adam|adamw", "sgd has momentum"},
    {"optimizer.rate", GOSS_KEY_REAL, "0.001", 0, 1e6, NULL, "Learning rate after the warm-up"},
    {"optimizer.rates", GOSS_KEY_TEXT, "", 0, 0, NULL,
     "Own rates: PATTERN=FACTOR; ... over tensors (\"target.conv*.w=0.5; hyper.*=2\"); the last that matches counts"},
    {"optimizer.momentum", GOSS_KEY_REAL, "0.9", 0, 0.9999, NULL, "sgd"},
    {"optimizer.beta1", GOSS_KEY_REAL, "0.9", 0, 0.9999, NULL, "adam, adamw"},
    {"optimizer.beta2", GOSS_KEY_REAL, "0.999", 0, 0.999999, NULL, "The same"},
    {"optimizer.weight_decay", GOSS_KEY_REAL, "0", 0, 100, NULL,
     "Of the weights of products; gains and biases have none"},
    {"optimizer.clip_norm", GOSS_KEY_REAL, "10", 0, 1e9, NULL, "Largest global norm of the gradients; 0: any"},
    {"optimizer.ema", GOSS_KEY_REAL, "0", 0, 0.99999, NULL,
     "Decay of the moving average of the weights that is validated and kept; 0: none"},
    {"optimizer.schedule", GOSS_KEY_TEXT, "cosine", 0, 0, "constant|cosine|step|plateau", "How the rate falls"},
    {"optimizer.warmup", GOSS_KEY_REAL, "0.02", 0, 0.9, NULL, "Share of the training in which the rate rises from 0"},
    {"optimizer.floor", GOSS_KEY_REAL, "0", 0, 1, NULL, "cosine, plateau: least share of the rate"},
    {"optimizer.factor", GOSS_KEY_REAL, "0.1", 1e-6, 1, NULL, "step, plateau: what the rate is multiplied by"},
    {"optimizer.at", GOSS_KEY_TEXT, "0.5 0.75", 0, 0, NULL, "step: where, in shares of the training"},
    {"optimizer.plateau", GOSS_KEY_INT, "5", 1, 1e6, NULL, "plateau: validations without a better one"},
    {"validate.every", GOSS_KEY_INT, "250", 0, 1e12, NULL,
     "Steps between validations; 0: none, the last weights are kept"},
    {"validate.episodes", GOSS_KEY_INT, "100", 1, 1e6, NULL,
     "Tasks that are validated on, the same ones each time; of a table, each task equally often"},
    {"validate.ways", GOSS_KEY_INT, "20", 2, 100000, NULL, "Classes an episode"},
    {"validate.shots", GOSS_KEY_INT, "1", 1, 10000, NULL, "Support drawings a class"},
    {"validate.queries", GOSS_KEY_INT, "5", 1, 10000, NULL, "Query drawings a class"},
    {"validate.rotations", GOSS_KEY_BOOL, "false", 0, 0, NULL, "As in [train]"},
    {"validate.distinct_faces", GOSS_KEY_BOOL, "false", 0, 0, NULL, "As in [train]"},
    {"validate.patience", GOSS_KEY_INT, "0", 0, 1e6, NULL,
     "Stop after so many validations without a better one; 0: never"},
};
enum { OWN = sizeof own / sizeof *own, MOST = 160 };

static goss_key all[MOST];
static int n_all;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void join(void) {
    int n;
    const goss_key *model = goss_model_keys(&n);
    memcpy(all, own, sizeof own);
    memcpy(all + OWN, model, (size_t)n * sizeof *model);
    n_all = OWN + n;
}

const goss_key *goss_train_keys(int *n) {
    pthread_once(&once, join);
    *n = n_all;
    return all;
}
