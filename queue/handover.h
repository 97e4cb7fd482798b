/* SPDX-License-Identifier: Apache-2.0 */
/* Handing an object from one thread to another by a queue or a main loop of GLib, whose own locks
 * ThreadSanitizer does not see: it is told that all before the one comes before all after the
 * other.
 */
#ifndef QUEUE_HANDOVER_H
#define QUEUE_HANDOVER_H

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define sf_hand_over(object) __tsan_release (object)
#define sf_take_over(object) __tsan_acquire (object)
#else
#define sf_hand_over(object) ((void) (object))
#define sf_take_over(object) ((void) (object))
#endif

#endif
