# Build fragment of queue: what sfbatch and the shepherd share.
noinst_LTLIBRARIES += queue/libsfqueue.la
queue_libsfqueue_la_SOURCES = \
  queue/attempt.c \
  queue/attempt.h \
  queue/executor.c \
  queue/executor.h \
  queue/fairshare.c \
  queue/folder.c \
  queue/folder.h \
  queue/jobfile.c \
  queue/jobfile.h \
  queue/jobmatrix.c \
  queue/jobplan.c \
  queue/jobread.h \
  queue/jobrules.c \
  queue/jobsteps.c \
  queue/processes.c \
  queue/processes.h \
  queue/queue.c \
  queue/queue.h \
  queue/reconcile.c \
  queue/schedule.c \
  queue/schedule.h \
  queue/schedule_reason.c \
  queue/shepherd.c \
  queue/shepherd.h \
  queue/state.c \
  queue/state.h \
  queue/stepexec.c \
  queue/stepexec.h \
  queue/store.c \
  queue/store.h \
  queue/store_links.c \
  queue/storedb.c \
  queue/storedb.h
queue_libsfqueue_la_LIBADD = runtime/libsfruntime.la libspatialflow.la
