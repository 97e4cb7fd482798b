/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of this process: found, and made ready for groups of attempts. */
#include "queue/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/memorygroup.h"

/* ---- finding it ---- */

/* "0::/user.slice/x" of the lines. Owned; NULL: none, or beyond the root of our namespace. */
static char *
path_in_hierarchy (const char *cgroup)
{
  g_auto (GStrv) lines = g_strsplit (cgroup, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, "0::/") && !g_str_has_prefix (*line, "0::/.."))
      return g_strdup (*line + strlen ("0::"));
  return NULL;
}

/* The folder of `path`, if this line of mountinfo mounts a part of the hierarchy that holds it. */
static char *
folder_in_mount (const char *line, const char *path)
{
  enum
  {
    ROOT = 3,
    MOUNT_POINT = 4
  };
  const char *type = strstr (line, " - ");
  if (type == NULL || !g_str_has_prefix (type, " - cgroup2 "))
    return NULL;
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  if (g_strv_length (fields) <= MOUNT_POINT)
    return NULL;
  g_autofree char *root = g_strcompress (fields[ROOT]);
  g_autofree char *mount_point = g_strcompress (fields[MOUNT_POINT]);
  const char *below = strcmp (root, "/") == 0         ? path
                      : g_str_has_prefix (path, root) ? path + strlen (root)
                                                      : NULL;
  if (below == NULL || (below[0] != '/' && below[0] != '\0'))
    return NULL;
  return g_build_filename (mount_point, below, NULL);
}

char *
sf_cgroup_folder (const char *cgroup, const char *mountinfo)
{
  g_autofree char *path = path_in_hierarchy (cgroup);
  g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);
  char *folder = NULL;
  for (char **line = lines; path != NULL && *line != NULL && folder == NULL; line++)
    folder = folder_in_mount (*line, path);
  if (folder != NULL && g_str_has_suffix (folder, "/"))
    folder[strlen (folder) - 1] = '\0';
  return folder;
}

char *
sf_cgroup_own (void)
{
  g_autofree char *cgroup = NULL;
  g_autofree char *mountinfo = NULL;
  if (!g_file_get_contents ("/proc/self/cgroup", &cgroup, NULL, NULL)
      || !g_file_get_contents ("/proc/self/mountinfo", &mountinfo, NULL, NULL))
    return NULL;
  return sf_cgroup_folder (cgroup, mountinfo);
}

/* ---- its files ---- */

bool
sf_cgroup_write (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t n = write (fd, text, strlen (text));
  close (fd);
  return n == (ssize_t) strlen (text);
}

/* Owned; NULL: it cannot be read. */
static char *
read_text (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

bool
sf_cgroup_read (const char *folder, const char *name, const char *key, uint64_t *value)
{
  g_autofree char *text = read_text (folder, name);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", -1);
      const char *number = words[0];
      if (key != NULL)
        number = g_strcmp0 (words[0], key) == 0 ? words[1] : NULL;
      guint64 found;
      if (number != NULL && g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64, &found, NULL))
        {
          *value = found;
          return true;
        }
    }
  return false;
}

static bool
lists (const char *folder, const char *name, const char *word)
{
  g_autofree char *text = read_text (folder, name);
  g_auto (GStrv) words = g_strsplit_set (text != NULL ? text : "", " \n", -1);
  return g_strv_contains ((const char *const *) words, word);
}

static bool
is_writable (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return access (path, W_OK) == 0;
}

/* ---- making it ready ---- */

static bool
is_delegated (const char *folder)
{
  return access (folder, W_OK) == 0 && is_writable (folder, "cgroup.procs")
         && is_writable (folder, "cgroup.subtree_control")
         && lists (folder, "cgroup.controllers", "memory");
}

static bool
counts_memory (const char *folder)
{
  return lists (folder, "cgroup.subtree_control", "memory");
}

static bool
have_memory_counted (const char *folder)
{
  return counts_memory (folder) || sf_cgroup_write (folder, "cgroup.subtree_control", "+memory");
}

/* systemd could not start a service once more while memory is counted below its cgroup: there, the
 * child "sfd" has to be systemd's own (DelegateSubgroup=). */
static bool
may_be_divided (const char *own)
{
  g_autofree char *pid = g_strdup_printf ("%d\n", getpid ());
  g_autofree char *processes = read_text (own, "cgroup.procs");
  return !g_str_has_suffix (own, ".service") && g_strcmp0 (processes, pid) == 0;
}

static bool
enter (const char *folder)
{
  g_autofree char *pid = g_strdup_printf ("%d", getpid ());
  return sf_cgroup_write (folder, "cgroup.procs", pid);
}

static void
divide (const char *own)
{
  g_autofree char *child = g_build_filename (own, SF_CGROUP_OF_SFD, NULL);
  bool made = mkdir (child, 0755) == 0 || errno == EEXIST;
  if (made && enter (child) && have_memory_counted (own))
    return;
  enter (own);
  rmdir (child);
}

/* The cgroup above, when `own` is the child named "sfd". Owned. */
static char *
above_sfd (const char *own)
{
  g_autofree char *name = g_path_get_basename (own);
  return strcmp (name, SF_CGROUP_OF_SFD) == 0 ? g_path_get_dirname (own) : NULL;
}

/* Out of the group of an attempt, whose step has started this sfd: what becomes of that attempt is
 * nothing to the jobs of this one. False: still in it, or never was. */
static bool
leave_attempt (const char *own)
{
  g_autofree char *above = g_path_get_dirname (own);
  g_autofree char *beside = g_build_filename (above, SF_CGROUP_OF_SFD, NULL);
  return sf_memory_group_is_named (own) && is_delegated (above) && enter (beside);
}

void
sf_cgroup_prepare (const char *own)
{
  g_autofree char *above = above_sfd (own);
  if (leave_attempt (own))
    return; /* memory is counted beside it: the attempt has a group */
  if (above != NULL && is_delegated (above))
    have_memory_counted (above);
  else if (above == NULL && is_delegated (own) && may_be_divided (own))
    divide (own);
}

char *
sf_cgroup_for_groups (const char *own)
{
  g_autofree char *above = above_sfd (own);
  bool good = above != NULL && is_delegated (above) && counts_memory (above);
  return good ? g_steal_pointer (&above) : NULL;
}
