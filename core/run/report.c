/* SPDX-License-Identifier: Apache-2.0 */
/* The page that an inference is judged by: accuracy, confusion matrix, and the images with their
 * labels, wrong ones first. */
#include <math.h>
#include <png.h>
#include <sf/file.h>
#include <sf/run.h>
#include <stdlib.h>

#include "core/run/feed.h"

#define MAX_PICTURES 2000 /* of each kind, right and wrong */

typedef struct
{
  const SfInference *inference;
  SfDataFeed *feed;
  char **classes;
  guint n_classes;
  GString *html;
} Report;

static const char *const style
    = "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#1b1f24;background:#fff}"
      "h1{font-size:1.5em;margin:0}h2{font-size:1.15em;margin:1.6em 0 .6em}.sub{color:#57606a;margin:.2em 0 1.2em}"
      ".big{font-size:2.4em;font-weight:600}.facts{display:flex;gap:3em;flex-wrap:wrap}.facts div span{display:block;color:#57606a}"
      "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.25em .6em;text-align:right;border:1px solid #d8dee4}"
      "th{background:#f6f8fa;font-weight:600}td.hit{background:#dafbe1}td.miss{background:#ffebe9}td.none{color:#c5ccd3}"
      ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(8em,1fr));gap:.7em}"
      "figure{margin:0;border:1px solid #d8dee4;border-radius:6px;padding:.5em;text-align:center}figure.wrong{border-color:#cf222e;background:#fff8f7}"
      "img{width:5.5em;height:5.5em;object-fit:contain;image-rendering:pixelated;background:#000}"
      "figcaption{font-size:.85em;margin-top:.3em}.p{font-weight:600}.row{color:#8c959f}";

static void
append_text (GString *html, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  g_string_append (html, escaped);
}

static void
append_class (const Report *report, int64_t index)
{
  if (index >= 0 && index < (int64_t) report->n_classes)
    append_text (report->html, report->classes[index]);
  else
    g_string_append_printf (report->html, "%" G_GINT64_FORMAT, index);
}

/* Height, width and channels of a row that is a picture: [h,w], [1,h,w], [3,h,w]. */
static bool
picture_size (const SfShape *shape, int64_t *height, int64_t *width, int64_t *channels)
{
  int rank = shape->rank;
  *channels = rank == 3 ? shape->dim[0] : 1;
  if (rank < 2 || rank > 3 || (*channels != 1 && *channels != 3))
    return false;
  *height = shape->dim[rank - 2];
  *width = shape->dim[rank - 1];
  return *height > 0 && *width > 0 && *height <= 1024 && *width <= 1024;
}

/* Stretches the row's own range to 0..255; pixels interleaved. */
static uint8_t *
to_pixels (const void *data, SfDtype dtype, int64_t n_pixels, int64_t channels)
{
  int64_t n = n_pixels * channels;
  g_autofree double *values = g_new (double, n);
  uint8_t *pixels = g_malloc ((size_t) n);
  sf_dtype_convert (dtype, data, SF_F64, values, (size_t) n);
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < n; i++)
    {
      if (!isfinite (values[i]))
        values[i] = 0;
      low = MIN (low, values[i]);
      high = MAX (high, values[i]);
    }
  double scale = high > low ? 255 / (high - low) : 0;
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < n_pixels; i++)
      pixels[i * channels + c] = (uint8_t) ((values[c * n_pixels + i] - low) * scale + 0.5);
  return pixels;
}

/* The picture of a row as an <img>; nothing when its field is no picture. */
static bool
append_picture (const Report *report, int64_t row, GError **error)
{
  SfDtype dtype;
  SfShape shape;
  int64_t height, width, channels;
  g_autofree void *data = sf_data_feed_raw (report->feed, row, &dtype, &shape, error);
  if (data == NULL)
    return false;
  if (!picture_size (&shape, &height, &width, &channels))
    return true;
  g_autofree uint8_t *pixels = to_pixels (data, dtype, height * width, channels);
  png_image image = { .version = PNG_IMAGE_VERSION,
                      .width = (png_uint_32) width,
                      .height = (png_uint_32) height };
  image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t n_bytes = PNG_IMAGE_PNG_SIZE_MAX (image);
  g_autofree uint8_t *png = g_malloc (n_bytes);
  if (!png_image_write_to_memory (&image, png, &n_bytes, 0, pixels, 0, NULL))
    return sf_fail (error, SF_ERROR_INTERNAL, "picture of row %" G_GINT64_FORMAT ": %s", row,
                    image.message);
  g_autofree char *base64 = g_base64_encode (png, n_bytes);
  g_string_append_printf (report->html,
                          "<img alt=\"row %" G_GINT64_FORMAT "\" src=\"data:image/png;base64,%s\">",
                          row, base64);
  return true;
}

static bool
append_figure (const Report *report, const SfPrediction *prediction, GError **error)
{
  bool wrong = prediction->label >= 0 && prediction->label != prediction->predicted;
  g_string_append_printf (report->html, "<figure class=\"%s\">", wrong ? "wrong" : "right");
  if (!append_picture (report, prediction->row, error))
    return false;
  g_string_append (report->html, "<figcaption><span class=p>");
  append_class (report, prediction->predicted);
  g_string_append_printf (report->html, "</span> %.1f&#8239;%%<br>", prediction->confidence * 100);
  if (prediction->label >= 0)
    {
      g_string_append (report->html, "true ");
      append_class (report, prediction->label);
    }
  g_string_append_printf (report->html,
                          " <span class=row>#%" G_GINT64_FORMAT "</span></figcaption></figure>\n",
                          prediction->row);
  return true;
}

/* The surest mistakes first; among the right ones the least sure first. */
static int
compare_predictions (gconstpointer a, gconstpointer b)
{
  const SfPrediction *x = *(const SfPrediction *const *) a, *y = *(const SfPrediction *const *) b;
  bool wrong = x->label >= 0 && x->label != x->predicted;
  if (x->confidence != y->confidence)
    return (x->confidence > y->confidence) == wrong ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

static bool
append_pictures (const Report *report, bool wrong, const char *title, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  for (int64_t i = 0; i < report->inference->eval.n_rows; i++)
    {
      const SfPrediction *prediction = &report->inference->predictions[i];
      if ((prediction->label >= 0 && prediction->label != prediction->predicted) == wrong)
        g_ptr_array_add (chosen, (gpointer) prediction);
    }
  if (chosen->len == 0)
    return true;
  g_ptr_array_sort (chosen, compare_predictions);
  g_string_append_printf (report->html, "<h2>%s: %u</h2>\n", title, chosen->len);
  if (chosen->len > MAX_PICTURES)
    g_string_append_printf (report->html, "<p class=sub>The first %d are shown.</p>\n",
                            MAX_PICTURES);
  g_string_append (report->html, "<div class=grid>\n");
  for (guint i = 0; i < MIN (chosen->len, MAX_PICTURES); i++)
    if (!append_figure (report, chosen->pdata[i], error))
      return false;
  g_string_append (report->html, "</div>\n");
  return true;
}

static void
append_confusion (const Report *report)
{
  int64_t n = report->inference->row_elems;
  if (n < 2 || n > 40 || isnan (report->inference->eval.accuracy))
    return;
  g_autofree int64_t *count = g_new0 (int64_t, n * n);
  for (int64_t i = 0; i < report->inference->eval.n_rows; i++)
    {
      const SfPrediction *prediction = &report->inference->predictions[i];
      if (prediction->label >= 0 && prediction->label < n)
        count[prediction->label * n + prediction->predicted]++;
    }
  g_string_append (report->html,
                   "<h2>Confusion</h2>\n<table><tr><th>true &#8595; predicted &#8594;</th>");
  for (int64_t j = 0; j < n; j++)
    {
      g_string_append (report->html, "<th>");
      append_class (report, j);
      g_string_append (report->html, "</th>");
    }
  for (int64_t i = 0; i < n; i++)
    {
      g_string_append (report->html, "</tr>\n<tr><th>");
      append_class (report, i);
      g_string_append (report->html, "</th>");
      for (int64_t j = 0; j < n; j++)
        g_string_append_printf (report->html, "<td class=%s>%" G_GINT64_FORMAT "</td>",
                                count[i * n + j] == 0 ? "none"
                                : i == j              ? "hit"
                                                      : "miss",
                                count[i * n + j]);
    }
  g_string_append (report->html, "</tr></table>\n");
}

static void
append_head (const Report *report, const char *name, const char *split)
{
  const SfEvalResult *eval = &report->inference->eval;
  g_string_append (
      report->html,
      "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>");
  append_text (report->html, name);
  g_string_append_printf (report->html, "</title><style>%s</style></head><body>\n<h1>", style);
  append_text (report->html, name);
  g_string_append_printf (report->html, "</h1><p class=sub>%" G_GINT64_FORMAT " rows of split ",
                          eval->n_rows);
  append_text (report->html, split);
  g_string_append (
      report->html,
      "; each picture: <b>predicted class</b> with its confidence, true class, row number</p>\n<div class=facts>");
  if (!isnan (eval->accuracy))
    g_string_append_printf (report->html,
                            "<div><span>accuracy</span><b class=big>%.2f&#8239;%%</b></div>",
                            eval->accuracy * 100);
  if (!isnan (eval->loss))
    g_string_append_printf (report->html, "<div><span>loss</span><b class=big>%.4f</b></div>",
                            eval->loss);
  g_string_append (report->html, "</div>\n");
}

static bool
fill (Report *report, const char *name, const char *split, GError **error)
{
  bool labelled = !isnan (report->inference->eval.accuracy);
  append_head (report, name, split);
  append_confusion (report);
  if (!append_pictures (report, true, "Wrong, the surest first", error)
      || !append_pictures (
          report, false,
          labelled ? "Right, the least sure first" : "Predictions, the least sure first", error))
    return false;
  g_string_append (report->html, "</body></html>\n");
  return true;
}

bool
sf_inference_write_report (SfSession *session, const SfData *data, const char *split,
                           const SfInference *inference, const char *folder, char **page,
                           GError **error)
{
  const char *names = sf_pef_fact (sf_session_pef (session), "classes"),
             *model = sf_pef_fact (sf_session_pef (session), "model");
  g_auto (GStrv) classes = g_strsplit (names == NULL ? "" : names, "\n", -1);
  if (inference->eval.n_rows > 0 && inference->predictions[0].predicted < 0)
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "report: the model is no classifier, there is nothing to show beside pictures; use --output for its values");
  g_autoptr (SfDataFeed) feed = sf_data_feed_open (session, "eval", data->path, split,
                                                   data->dataset, data->options, true, error);
  if (feed == NULL || !sf_make_folder (folder, error))
    return false;
  Report report = { inference, feed, classes, g_strv_length (classes), g_string_new (NULL) };
  g_autofree char *path = g_build_filename (folder, "index.html", NULL);
  bool ok = fill (&report, model == NULL ? sf_pef_name (sf_session_pef (session)) : model, split,
                  error)
            && sf_file_replace (path, report.html->str, report.html->len, error);
  g_string_free (report.html, TRUE);
  if (ok && page != NULL)
    *page = g_steal_pointer (&path);
  return ok;
}
