/* SPDX-License-Identifier: Apache-2.0 */
/* series.h: rows of a table as steps of series in time, and the windows that a network reads of them.
 *
 * The sample of a row i is a window: the last `window` rows of its series up to `horizon` steps before it, oldest
 * first, as a sequence [window, channels] with a length. Channels of a step j:
 *     the columns that are inputs, encoded as in any table (table.h)
 *     (y_j - mean) / deviation        the target, where its past is seen; 0 where it is missing
 *     (y_j - o_i) / change            the same, counted from the origin
 *     (t_i - t_j) / (step * (window + horizon))    how long before the row: irregular sampling is seen
 *     1, or -1 where y_j is missing
 * with mean and deviation of the target, step, the mean difference of times, and change, the root mean square of
 * y_i - o_i, over the fitted rows. The origin o_i is the latest known target in the window: what is forecast is the
 * difference from it, so that a network that says 0 says "as it was last".
 *
 * Several horizons: a sample's target has a component for the row itself, `horizon` steps ahead of its window, and one
 * for each row that is `later` steps ahead of the same window, all counted from the same origin. Components whose row
 * is not there, or has no target, are missing (goss_task_spec.partial).
 *
 * A row without a known target (or, where the target's past is not seen, without any row) in its window has no history:
 * nothing is forecast for it.
 *
 * Threads: as in table.h. */
#ifndef GOSSAMER_SERIES_H
#define GOSSAMER_SERIES_H

#include "gossamer/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most horizons of a sample. */
#define GOSS_HORIZONS_MOST 256

/* How rows are steps of series; texts are borrowed. */
typedef struct goss_series_options {
    const char *task;   /* the column of tasks: a series does not go beyond one. Another table may lack it, and is one
                           task then */
    const char *series; /* the column that says which series of its task a row belongs to; NULL or "": one each */
    const char *time;   /* the column of numbers, or of dates (goss_table_order_key), that orders a series */
    const char *target; /* a column of numbers whose past is seen; NULL or "": none is */
    int window;         /* rows of a window at most, from 1 */
    int horizon;        /* steps from the window's last row to the row itself; 0: the window ends with it */
    int stride;         /* every stride-th row of a series, counted from its last, is a sample; 0: the last alone */
    int n_later;        /* further horizons, of a target whose past is seen */
    int later[GOSS_HORIZONS_MOST - 1]; /* [n_later] ascending, above `horizon` */
} goss_series_options;
/* The number of horizons: 1 + n_later. */
GOSS_API int goss_series_horizons(const goss_series_options *options);
/* Horizon k in [0, horizons), ascending. */
GOSS_API int goss_series_horizon(const goss_series_options *options, int k);
/* Sets the horizons that a text lists: "1", "1 3 6", "1..12", "1..6, 12". Ranges are whole. options: NULL: it is only
 * checked. Errors: GOSS_E_ARGUMENT: no whole numbers from 0 to 2^20, not ascending, 0 among others, too many. */
GOSS_API GOSS_MUST_USE goss_status goss_series_set_horizons(const char *text, goss_series_options *options,
                                                            goss_error *err);
/* Writes the horizons in that form, cut off where it does not fit; returns out. */
GOSS_API char *goss_series_horizons_text(const goss_series_options *options, char *out, size_t size);

/* Checks that each row has a time and a series, and warns in the log of rows of the same time in a series, which are in
 * the order of the file. Errors: GOSS_E_ARGUMENT: columns that do not exist or do not hold numbers (of times: or
 * dates), a missing time or one that is no date, a missing series (with file and line). */
GOSS_API GOSS_MUST_USE goss_status goss_series_check(const goss_table *table, const goss_series_options *options,
                                                     goss_error *err);
/* What a row is. */
enum {
    GOSS_SERIES_HISTORY = 1, /* something can be said of it */
    GOSS_SERIES_SAMPLE = 2   /* the stride meets it */
};
/* The sums of these for all rows. Shapes: use [rows]. Errors: as goss_series_check. */
GOSS_API GOSS_MUST_USE goss_status goss_series_rows(const goss_table *table, const goss_series_options *options,
                                                    uint8_t *use, goss_error *err);

/* The row that each horizon of a sample forecasts, by the sample's row: rows [n_rows] (NULL: all); -1: there is none.
 * Of the first horizon it is the row itself. Shapes: out [n_rows, horizons]. Errors: as goss_series_check. */
GOSS_API GOSS_MUST_USE goss_status goss_series_ahead(const goss_table *table, const goss_series_options *options,
                                                     const int32_t *rows, int n_rows, int32_t *out, goss_error *err);

/* Sets seen[row] of the rows that are in a window of rows [n], and leaves the others: what an encoding is fitted to
 * where few rows are samples, since it is these that networks see. Shapes: seen [rows of the table]. Errors: as
 * goss_series_check. */
GOSS_API GOSS_MUST_USE goss_status goss_series_seen(const goss_table *table, const goss_series_options *options,
                                                    const int32_t *rows, int n, bool *seen, goss_error *err);

/* How many rows are forecast by windows that end behind the last known target of their series, in steps that were not
 * measured: beyond what a network was trained for. With one horizon they are farther ahead of that target than it.
 * *first: such a row, the first of the file; -1: none. 0 where no past of the target is seen. Errors: as
 * goss_series_check. */
GOSS_API GOSS_MUST_USE goss_status goss_series_beyond(const goss_table *table, const goss_series_options *options,
                                                      int *count, int *first, goss_error *err);

/* An encoding of windows, fitted to rows [n_rows]: the columns [n_columns], of which there may be none if the target's
 * past is seen. All else is as with goss_encoding_fit. Errors: those of goss_encoding_fit and goss_series_check; a
 * window below 1, a negative horizon or stride, horizons that are not ascending, the past of a target without a
 * horizon, several horizons without it, rows without any history.
 * Owns: goss_encoding_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_fit_series(const goss_table *table, const int *columns, int n_columns,
                                                            const goss_series_options *options, const int32_t *rows,
                                                            int n_rows, goss_encoding **out, goss_error *err);
/* The options of an encoding of windows; NULL: it is of something else. Borrowed. */
GOSS_API const goss_series_options *goss_encoding_series(const goss_encoding *encoding);
/* The origins of rows [n_rows] (NULL: all): what is forecast is counted from them. 0 where the encoding sees no
 * target's past, NaN for a row without history. Shapes: out [n_rows]. Errors: as goss_series_check. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_origins(const goss_encoding *encoding, const goss_table *table,
                                                         const int32_t *rows, int n_rows, double *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
