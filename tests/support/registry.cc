/* SPDX-License-Identifier: Apache-2.0 */
/* The C++ side of the shim: C tests become GoogleTest tests; main. */
#if !__has_include(<gtest/gtest.h>)
#error "gtest/gtest.h: not found, wanted by make check; install the Debian package libgtest-dev"
#endif
#include <gtest/gtest.h>

#include "tests/support/sftest.h"

namespace
{

class CTest : public testing::Test
{
public:
  CTest (SfTestFunc func, const void *data) : func_ (func), data_ (data)
  {
  }
  void
  TestBody () override
  {
    func_ (data_);
  }

private:
  SfTestFunc func_;
  const void *data_;
};

} // namespace

void
sf_test_register (const char *suite, const char *name, SfTestFunc func, const void *data,
                  const char *file, int line)
{
  testing::RegisterTest (suite, name, nullptr, nullptr, file, line,
                         [=] () -> testing::Test * { return new CTest (func, data); });
}

void
sf_test_fail_text (const char *file, int line, const char *text)
{
  ADD_FAILURE_AT (file, line) << text;
}

void
sf_test_skip (const char *, int, const char *reason)
{
  GTEST_SKIP () << reason;
}

int
main (int argc, char **argv)
{
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}
