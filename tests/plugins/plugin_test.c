/* SPDX-License-Identifier: Apache-2.0 */
/* The loader against good plugins, and against one of each sort that it refuses, with the exact
 * message. */
#include <sf/plugins.h>

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sftest.h"

/* Folder of the plugins that this folder's Makefile fragment builds. */
static char *
built_folder (void)
{
  return g_build_filename (g_getenv ("SF_BUILD_DIR"), "tests/plugins/.libs", NULL);
}

static void
search_only (const char *path)
{
  g_setenv ("SF_PLUGIN_PATH", "", TRUE);
  sf_plugins_set_path (path);
}

/* `text` with each '@' replaced by `path`. */
static char *
with_path (const char *text, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (text, "@", -1);
  return g_strjoinv (path, parts);
}

/* Loading folder/sf-pass-NAME.so must fail with `code` and exactly `message`, '@' being the file.
 */
static void
check_refused (const char *folder, const char *name, SfErrorCode code, const char *message)
{
  g_autoptr (GError) error = NULL;
  search_only (folder);
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, name, &error) == NULL);
  SF_REQUIRE (error != NULL);
  SF_CHECK (error->domain == SF_ERROR);
  SF_CHECK_INT (error->code, code);
  char *real = realpath (folder, NULL);
  g_autofree char *path = g_strdup_printf ("%s/sf-pass-%s.so", real, name);
  g_autofree char *wanted = with_path (message, path);
  free (real);
  SF_CHECK_STR (error->message, wanted);
}

#define REBUILD "rebuild it with the headers of Spatialflow " PACKAGE_VERSION

typedef struct
{
  const char *name;
  SfErrorCode code;
  const char *message;
} BadCase;

static const BadCase bad_cases[] = {
  { "magic", SF_ERROR_INVALID_DATA,
    "@: magic 0x12345678, wanted 0x31504653; define sf_plugin with SF_PLUGIN_HEAD" },
  { "minor", SF_ERROR_INCOMPATIBLE, "@: plugin ABI 0.2, wanted 0.1; " REBUILD },
  { "major", SF_ERROR_INCOMPATIBLE, "@: plugin ABI 7.1, wanted 0.1; " REBUILD },
  { "size", SF_ERROR_INCOMPATIBLE, "@: SfPlugin of 56 bytes, wanted 64; " REBUILD },
  { "kind", SF_ERROR_INVALID_DATA,
    "@: kind optimizer (3), wanted pass as in the file name; correct the kind in SF_PLUGIN_HEAD or rename the file" },
  { "name", SF_ERROR_INVALID_DATA,
    "@: name other, wanted name as in the file name; correct the name in SF_PLUGIN_HEAD or rename the file" },
  { "version", SF_ERROR_INVALID_DATA,
    "@: no version, wanted text such as \"1.0\"; set it in SF_PLUGIN_HEAD" },
  { "summary", SF_ERROR_INVALID_DATA,
    "@: a longer summary, wanted one line; set it in SF_PLUGIN_HEAD" },
  { "optionsize", SF_ERROR_INCOMPATIBLE, "@: SfOption of 8 bytes, wanted 72; " REBUILD },
  { "nullops", SF_ERROR_INVALID_DATA,
    "@: ops.pass is NULL, wanted the address of an SfPassOps; set it in sf_plugin" },
  { "opssize", SF_ERROR_INCOMPATIBLE,
    "@: SfPassOps of 24 bytes, wanted 16; set its first member to sizeof (SfPassOps) and " REBUILD },
  { "slot", SF_ERROR_INVALID_DATA,
    "@: SfPassOps.run is NULL, wanted a function; every pass needs it" },
  { "undefined", SF_ERROR_INVALID_DATA,
    "@: undefined symbol: sf_absent_function, wanted an object whose symbols are all defined; link it with -Wl,-z,defs to see what "
    "is missing" },
  { "nosymbol", SF_ERROR_INVALID_DATA,
    "@: no symbol sf_plugin, wanted a constant SfPlugin of that name; define and export it" },
  { "function", SF_ERROR_INVALID_DATA,
    "@: sf_plugin has 0 bytes, wanted 64; define it as a constant SfPlugin" },
};

SF_TEST_CASES (Plugins, Refused, bad_cases, G_N_ELEMENTS (bad_cases), sf_test_row_name)
{
  const BadCase *c = data;
  g_autofree char *folder = built_folder ();
  check_refused (folder, c->name, c->code, c->message);
}

SF_TEST (Plugins, DefaultOutsideItsRange)
{
  g_autofree char *folder = built_folder ();
  g_autoptr (GError) error = NULL;
  search_only (folder);
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "default", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "sf-pass-default.so: default of option 'rounds': ");
}

/* ---- files that are no plugins at all ---- */

static uint8_t *
good_bytes (size_t *n)
{
  g_autofree char *folder = built_folder ();
  g_autofree char *path = g_build_filename (folder, "sf-pass-good.so", NULL);
  char *bytes = NULL;
  SF_CHECK_MSG (g_file_get_contents (path, &bytes, n, NULL), "%s: cannot read", path);
  return (uint8_t *) bytes;
}

SF_TEST (Plugins, TextFile)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_free (sf_test_write_file (folder, "sf-pass-text.so", "this is not a plugin\n", -1));
  check_refused (folder, "text", SF_ERROR_INVALID_DATA,
                 "@: no ELF file, wanted a shared object; remove it or build it again");
}

SF_TEST (Plugins, EmptyFile)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_free (sf_test_write_file (folder, "sf-pass-empty.so", "", 0));
  check_refused (folder, "empty", SF_ERROR_INVALID_DATA,
                 "@: an empty file, wanted an ELF shared object; build it again");
}

SF_TEST (Plugins, Folder)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "sf-pass-folder.so", NULL);
  SF_CHECK_INT (mkdir (path, 0700), 0);
  check_refused (folder, "folder", SF_ERROR_INVALID_DATA,
                 "@: a folder, wanted a regular file; remove or rename it");
}

SF_TEST (Plugins, Pipe)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "sf-pass-pipe.so", NULL);
  SF_CHECK_INT (mkfifo (path, 0600), 0);
  check_refused (folder, "pipe", SF_ERROR_INVALID_DATA,
                 "@: a device, socket or pipe, wanted a regular file; remove or rename it");
}

SF_TEST (Plugins, DanglingLinkHidesNothing)
{
  g_autofree char *built = built_folder ();
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "sf-pass-good.so", NULL);
  g_autofree char *both = g_strjoin (":", folder, built, NULL);
  g_autoptr (GError) error = NULL;
  SF_CHECK_INT (symlink ("/nowhere/at/all.so", path), 0);
  search_only (both);
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "good", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND,
                  "sf-pass-good.so: cannot look at the plugin: No such file");
}

SF_TEST (Plugins, OtherMachine)
{
  g_autofree char *folder = sf_test_tmpdir ();
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  SF_REQUIRE (n > sizeof (Elf64_Ehdr));
  const Elf64_Half host = ((Elf64_Ehdr *) bytes)->e_machine, other = EM_S390;
  memcpy (bytes + offsetof (Elf64_Ehdr, e_machine), &other, sizeof other);
  g_free (sf_test_write_file (folder, "sf-pass-good.so", bytes, (gssize) n));
  g_autofree char *message = g_strdup_printf (
      "@: ELF class 2, data 1, machine %d, wanted 2, 1, %d; build it for this machine", EM_S390,
      host);
  check_refused (folder, "good", SF_ERROR_INCOMPATIBLE, message);
}

SF_TEST (Plugins, NoSharedObject)
{
  g_autofree char *folder = sf_test_tmpdir ();
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  SF_REQUIRE (n > sizeof (Elf64_Ehdr));
  bytes[offsetof (Elf64_Ehdr, e_type)] = ET_REL;
  g_free (sf_test_write_file (folder, "sf-pass-good.so", bytes, (gssize) n));
  check_refused (folder, "good", SF_ERROR_INVALID_DATA,
                 "@: ELF type 1, wanted a shared object (3); link it with -shared");
}

SF_TEST (Plugins, EveryTruncationIsRefused)
{
  g_autofree char *folder = sf_test_tmpdir ();
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  SF_REQUIRE (n > 4096);
  search_only (folder);
  for (size_t keep = 1; keep < n; keep += keep < 128 ? 1 : 509)
    {
      g_autoptr (GError) error = NULL;
      g_free (sf_test_write_file (folder, "sf-pass-good.so", bytes, (gssize) keep));
      SF_CHECK_MSG (sf_plugins_load (SF_PLUGIN_PASS, "good", &error) == NULL,
                    "%zu of %zu bytes accepted", keep, n);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "build it again");
    }
}

/* ---- finding ---- */

SF_TEST (Plugins, GoodOneInC)
{
  g_autofree char *folder = built_folder ();
  g_autoptr (GError) error = NULL;
  search_only (folder);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_PASS, "good", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (plugin->name, "good");
  SF_CHECK_STR (plugin->options[0].name, "rounds");
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "good", &error) == plugin);
}

SF_TEST (Plugins, GoodOneInCxx)
{
  g_autofree char *folder = built_folder ();
  g_autoptr (GError) error = NULL;
  search_only (folder);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_PASS, "goodcxx", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (plugin->summary, "does nothing, correctly, in C++");
}

SF_TEST (Plugins, NotFoundListsWhatExists)
{
  g_autofree char *folder = sf_test_tmpdir ();
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  g_free (sf_test_write_file (folder, "sf-pass-good.so", bytes, (gssize) n));
  g_free (sf_test_write_file (folder, "sf-pass-zebra.so", "", 0));
  g_free (sf_test_write_file (folder, "sf-optimizer-god.so", "", 0));
  g_autoptr (GError) error = NULL;
  search_only (folder);
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "goood", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "pass goood: not found, wanted sf-pass-goood.so in ");
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "goood", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "; did you mean good? there is: good, zebra");
}

SF_TEST (Plugins, NotFoundAnywhere)
{
  g_autoptr (GError) error = NULL;
  search_only ("/no/such/folder");
  SF_CHECK (sf_plugins_load (SF_PLUGIN_EXECUTOR, "unheardof", &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_NOT_FOUND,
      "executor unheardof: not found, wanted sf-executor-unheardof.so in /no/such/folder (no such folder)");
}

SF_TEST (Plugins, NameThatIsAPath)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_plugins_load (SF_PLUGIN_PASS, "../good", &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_ARGUMENT,
      "pass '../good': not a plugin name, wanted up to 64 of a-z, 0-9, '_' and '-', a letter first; correct it");
}

SF_TEST (Plugins, UnknownKind)
{
  g_autoptr (GError) error = NULL;
  SfPluginKind kind;
  SF_CHECK (sf_plugin_kind_parse ("backend", &kind, &error) && kind == SF_PLUGIN_BACKEND);
  SF_CHECK (!sf_plugin_kind_parse ("bakend", &kind, &error));
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_ARGUMENT,
      "plugin kind 'bakend': unknown, wanted one of frontend, pass, optimizer, backend, dataset, executor; did you mean "
      "backend?");
  SF_CHECK (sf_plugins_load ((SfPluginKind) 9, "x", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "plugin kind 9: unknown");
}

SF_TEST (Plugins, SearchOrder)
{
  g_autofree char *first = sf_test_tmpdir ();
  g_autofree char *second = sf_test_tmpdir ();
  g_autofree char *twice = g_strjoin (":", first, "", first, NULL);
  g_setenv ("SF_PLUGIN_PATH", second, TRUE);
  sf_plugins_set_path (twice);
  g_auto (GStrv) path = sf_plugins_search_path ();
  SF_REQUIRE (g_strv_length (path) == 3);
  SF_CHECK (g_str_has_suffix (path[0], strrchr (first, '/')));
  SF_CHECK (g_str_has_suffix (path[1], strrchr (second, '/')));
}

SF_TEST (Plugins, TheFirstShadowsTheRest)
{
  g_autofree char *first = sf_test_tmpdir ();
  g_autofree char *second = sf_test_tmpdir ();
  g_autofree char *both = g_strjoin (":", first, second, NULL);
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  g_free (sf_test_write_file (first, "sf-pass-good.so", bytes, (gssize) n));
  g_free (sf_test_write_file (second, "sf-pass-good.so", bytes, (gssize) n));
  g_free (sf_test_write_file (second, "sf-backend-broken.so", "x", -1));
  g_free (sf_test_write_file (second, "sf-unknown-x.so", "x", -1));
  search_only (both);
  g_autoptr (GPtrArray) list = sf_plugins_list ();
  SF_REQUIRE (list->len >= 3);
  GPtrArray *found = g_ptr_array_new ();
  for (guint i = 0; i < list->len; i++)
    {
      SfPluginEntry *entry = g_ptr_array_index (list, i);
      if (strstr (entry->path, strrchr (first, '/')) != NULL
          || strstr (entry->path, strrchr (second, '/')) != NULL)
        g_ptr_array_add (found, entry);
    }
  SF_CHECK_INT (found->len, 3);
  const SfPluginEntry *const *entry = (const SfPluginEntry *const *) found->pdata;
  SF_CHECK (entry[0]->kind == SF_PLUGIN_PASS && entry[0]->plugin != NULL && !entry[0]->shadowed);
  SF_CHECK (strstr (entry[0]->path, strrchr (first, '/')) != NULL);
  SF_CHECK (entry[1]->shadowed && entry[1]->plugin == NULL && entry[1]->error == NULL);
  SF_CHECK_STR (entry[2]->name, "broken");
  SF_CHECK (entry[2]->plugin == NULL && entry[2]->error != NULL);
  g_ptr_array_free (found, TRUE);
  g_autoptr (GPtrArray) passes = sf_plugins_list_kind (SF_PLUGIN_PASS);
  SF_REQUIRE (passes->len >= 2);
  for (guint i = 0; i < passes->len; i++)
    SF_CHECK_INT (((SfPluginEntry *) passes->pdata[i])->kind, SF_PLUGIN_PASS);
}

static gpointer
load_good (G_GNUC_UNUSED gpointer data)
{
  return (gpointer) sf_plugins_load (SF_PLUGIN_PASS, "good", NULL);
}

SF_TEST (Plugins, ManyThreadsGetTheSame)
{
  g_autofree char *folder = sf_test_tmpdir ();
  size_t n = 0;
  g_autofree uint8_t *bytes = good_bytes (&n);
  g_free (sf_test_write_file (folder, "sf-pass-good.so", bytes, (gssize) n));
  search_only (folder);
  GThread *threads[8];
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("load", load_good, NULL);
  const void *wanted = load_good (NULL);
  SF_CHECK (wanted != NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    SF_CHECK (g_thread_join (threads[i]) == wanted);
}
