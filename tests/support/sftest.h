/* SPDX-License-Identifier: Apache-2.0 */
/* GoogleTest for C: a test registers itself by constructor and reports through checks.
 *
 *   SF_TEST (Config, RefusesOverflow)
 *   {
 *     g_autoptr (GError) error = NULL;
 *     SF_CHECK (!sf_config_read ("x.cfg", &error));
 *     SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "x.cfg:1: ");
 *   }
 *
 * A table of cases shows as one gtest name per row:
 *
 *   static const Case cases[] = { { "zero", 0 }, { "one", 1 } };
 *   SF_TEST_CASES (Math, Square, cases, G_N_ELEMENTS (cases), case_name) { const Case *c = data;
 * ... }
 *
 * with `static const char *case_name (const void *row)`; every row of an array whose elements begin
 * with their name (a const char *) may use sf_test_row_name. */
#ifndef SF_TEST_H
#define SF_TEST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sf/export.h>
#include <sf/error.h>

SF_BEGIN_DECLS

typedef void (*SfTestFunc) (const void *data);
typedef const char *(*SfTestNameFunc) (const void *row);

/* Registers Suite.name, running func (data). Strings are copied; `data` must outlive the run. Call
 * from a constructor. */
void sf_test_register (const char *suite, const char *name, SfTestFunc func, const void *data,
                       const char *file, int line);
/* One test "name/row" for each of `n` rows of `row_bytes`; characters that gtest names cannot hold
 * become '_'. */
void sf_test_register_rows (const char *suite, const char *name, SfTestFunc func, const void *rows,
                            size_t n, size_t row_bytes, SfTestNameFunc row_name, const char *file,
                            int line);
const char *sf_test_row_name (const void *row);

void sf_test_fail (const char *file, int line, const char *format, ...) G_GNUC_PRINTF (3, 4);
void sf_test_fail_text (const char *file, int line, const char *text);
void sf_test_skip (const char *file, int line, const char *reason);

bool sf_test_check_int (const char *file, int line, const char *expr, int64_t found,
                        int64_t wanted);
bool sf_test_check_str (const char *file, int line, const char *expr, const char *found,
                        const char *wanted);
bool sf_test_check_near (const char *file, int line, const char *expr, double found, double wanted,
                         double tolerance);
bool sf_test_check_error (const char *file, int line, GError **error, int code, const char *text);

/* A new empty folder, removed with all it holds when the running process ends. Owned: g_free. */
char *sf_test_tmpdir (void);
/* Writes `n_bytes` (-1: as string) to folder/name and returns the path. Owned: g_free. */
char *sf_test_write_file (const char *folder, const char *name, const void *bytes, gssize n_bytes);
/* Path in the source tree ("etc/arch/tiny.cfg"). Owned: g_free. */
char *sf_test_source_path (const char *relative);

#define SF_TEST(Suite, Name)                                                              \
  static void sf_test_##Suite##_##Name (const void *data);                                \
  __attribute__ ((constructor)) static void sf_test_init_##Suite##_##Name (void)          \
  {                                                                                       \
    sf_test_register (#Suite, #Name, sf_test_##Suite##_##Name, NULL, __FILE__, __LINE__); \
  }                                                                                       \
  static void sf_test_##Suite##_##Name (G_GNUC_UNUSED const void *data)

#define SF_TEST_CASES(Suite, Name, rows, n, row_name)                                        \
  static void sf_test_##Suite##_##Name (const void *data);                                   \
  __attribute__ ((constructor)) static void sf_test_init_##Suite##_##Name (void)             \
  {                                                                                          \
    sf_test_register_rows (#Suite, #Name, sf_test_##Suite##_##Name, rows, n, sizeof *(rows), \
                           row_name, __FILE__, __LINE__);                                    \
  }                                                                                          \
  static void sf_test_##Suite##_##Name (const void *data)

/* CHECK goes on after a failure, REQUIRE returns from the test function. */
#define SF_CHECK(expr)          ((expr) ? (void) 0 : sf_test_fail_text (__FILE__, __LINE__, "false: " #expr))
#define SF_CHECK_MSG(expr, ...) ((expr) ? (void) 0 : sf_test_fail (__FILE__, __LINE__, __VA_ARGS__))
#define SF_REQUIRE(expr)                                           \
  do                                                               \
    {                                                              \
      if (!(expr))                                                 \
        {                                                          \
          sf_test_fail_text (__FILE__, __LINE__, "false: " #expr); \
          return;                                                  \
        }                                                          \
    }                                                              \
  while (0)
#define SF_REQUIRE_MSG(expr, ...)                         \
  do                                                      \
    {                                                     \
      if (!(expr))                                        \
        {                                                 \
          sf_test_fail (__FILE__, __LINE__, __VA_ARGS__); \
          return;                                         \
        }                                                 \
    }                                                     \
  while (0)
/* found, wanted */
#define SF_CHECK_INT(found, wanted) \
  sf_test_check_int (__FILE__, __LINE__, #found, (found), (wanted))
#define SF_CHECK_STR(found, wanted) \
  sf_test_check_str (__FILE__, __LINE__, #found, (found), (wanted))
#define SF_CHECK_NEAR(found, wanted, tolerance) \
  sf_test_check_near (__FILE__, __LINE__, #found, (found), (wanted), (tolerance))
/* No error, or its message is the failure. */
#define SF_CHECK_NO_ERROR(error) \
  ((error) == NULL ? (void) 0 : sf_test_fail (__FILE__, __LINE__, "%s", (error)->message))
#define SF_REQUIRE_NO_ERROR(error) \
  SF_REQUIRE_MSG ((error) == NULL, "%s", (error) != NULL ? (error)->message : "")
/* An error of SF_ERROR with `code` whose message holds `text`. Clears `error`, a GError * variable.
 */
#define SF_CHECK_ERROR(error, code, text) \
  sf_test_check_error (__FILE__, __LINE__, &(error), (code), (text))
#define SF_SKIP(reason)                            \
  do                                               \
    {                                              \
      sf_test_skip (__FILE__, __LINE__, (reason)); \
      return;                                      \
    }                                              \
  while (0)

SF_END_DECLS
#endif
