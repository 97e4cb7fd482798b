// SPDX-License-Identifier: Apache-2.0
// The good pass in C++17: the headers of the plugin interface hold in both languages.
#include <sf/plugin/pass.h>

#include <string>

namespace
{

bool
run (SfPassContext *, const SfOptionValues *, GError **)
{
  const std::string text = "good: in C++";
  return !text.empty ();
}

const SfPassOps pass_ops = { sizeof (SfPassOps), run };

} // namespace

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "goodcxx", "1.0", "does nothing, correctly, in C++"),
  .options = nullptr,
  .ops = { .pass = &pass_ops },
};
