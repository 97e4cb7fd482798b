/* SPDX-License-Identifier: Apache-2.0 */
/* Conformance: models that come with inputs and the outputs they have to give, in the layout of the
 * ONNX backend tests.
 *
 *   FOLDER/TEST/model.onnx
 *   FOLDER/TEST/test_data_set_0/input_0.pb ... output_0.pb ...
 */
#ifndef SF_CONFORMANCE_H
#define SF_CONFORMANCE_H

#include <sf/session.h>

SF_BEGIN_DECLS

typedef enum
{
  SF_CONFORMANCE_PASSED,
  SF_CONFORMANCE_FAILED,
  SF_CONFORMANCE_UNSUPPORTED, /* refused as something that we do not do */
} SfConformanceVerdict;

/* "passed", "failed", "unsupported". Constant storage. */
SF_API const char *sf_conformance_verdict_name (SfConformanceVerdict verdict);

/* Everything borrowed; NULL and 0 are the defaults. */
typedef struct
{
  const char *frontend; /* plugin; NULL: "onnx" */
  const char *backend;  /* plugin; NULL: "rdu" */
  const char *level;    /* as in SfCompileOptions */
  const char *arch;     /* as in SfCompileOptions */
  int n_threads;        /* 0: sf_threads_available () */
  double rtol, atol;    /* of floats: |found - wanted| <= atol + rtol |wanted|; 0: 1e-3 and 1e-7 */
  double range_tolerance; /* of floats, instead: |found - wanted| <= this x range of the output */
} SfConformanceOptions;

typedef struct
{
  SfConformanceVerdict verdict;
  char *reason;            /* NULL when passed */
  int64_t n_host_launches; /* of a step; -1: it was not compiled */
  char *host_ops;          /* what they compute: names of ops, separated by spaces */
  int interface_bits;      /* of the widest elements among inputs and outputs; 0: not known */
  double compile_s, run_s; /* of the last data set */
  double worst_of_range; /* largest |found - wanted| of the floats as a part of its output's range;
                            NAN: none was compared */
} SfConformanceResult;

/* Names of the tests of a folder, sorted (char *, owned); a folder with a model.onnx of its own is
 * one test, ".". None: NOT_FOUND. */
SF_API GPtrArray *sf_conformance_list (const char *folder, GError **error);

/* Runs all data sets of one test: the inputs are known at import, the entry "eval" steps once,
 * dtypes and shapes of the outputs have to be equal, integers and booleans exact, floats within the
 * tolerance, NaN equal to NaN. Whatever goes wrong is the verdict. `out` is to be cleared. */
SF_API void sf_conformance_run (const char *test, const SfConformanceOptions *options,
                                SfConformanceResult *out);
SF_API void sf_conformance_result_clear (SfConformanceResult *result);

SF_END_DECLS
#endif
