# Build fragment of queue: what sfbatch and the shepherd share.
# What a shepherd is made of: no more, since one is started for each attempt.
noinst_LTLIBRARIES += queue/libsfshepherd.la
queue_libsfshepherd_la_SOURCES = \
  queue/attempt.c \
  queue/attempt.h \
  queue/processes.c \
  queue/processes.h \
  queue/retry.c \
  queue/retry.h \
  queue/shepherd.c \
  queue/shepherd.h \
  queue/state.c \
  queue/state.h \
  queue/stepexec.c \
  queue/stepexec.h

noinst_LTLIBRARIES += queue/libsfqueue.la
queue_libsfqueue_la_SOURCES = \
  core/report/frame.c \
  core/report/frame.h \
  core/report/markup.c \
  core/report/markup.h \
  core/report/text.c \
  core/report/text.h \
  queue/capacity.c \
  queue/capacity.h \
  queue/client.c \
  queue/client.h \
  queue/daemon.c \
  queue/daemon.h \
  queue/daemon_again.c \
  queue/daemon_lives.c \
  queue/daemon_lock.c \
  queue/daemon_requests.c \
  queue/daemon_state.h \
  queue/ending.c \
  queue/ending.h \
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
  queue/launch.c \
  queue/launch.h \
  queue/line.c \
  queue/line.h \
  queue/notify.c \
  queue/notify.h \
  queue/progress.c \
  queue/progress.h \
  queue/programs.c \
  queue/programs.h \
  queue/protocol.c \
  queue/protocol.h \
  queue/queue.c \
  queue/queue.h \
  queue/report_chart.c \
  queue/report_chart.h \
  queue/report_common.c \
  queue/report_failures.c \
  queue/report_history.c \
  queue/report_history.h \
  queue/report_kept.c \
  queue/report_kept.h \
  queue/report_matrix.c \
  queue/report_page.c \
  queue/report_page.h \
  queue/report_parts.h \
  queue/report_run.c \
  queue/report_run.h \
  queue/report_trends.c \
  queue/report_words.c \
  queue/report_words.h \
  queue/schedule.c \
  queue/schedule.h \
  queue/schedule_reason.c \
  queue/server.c \
  queue/server.h \
  queue/socket.c \
  queue/socket.h \
  queue/store.c \
  queue/store.h \
  queue/store_links.c \
  queue/storedb.c \
  queue/storedb.h \
  queue/watch.c \
  queue/watch.h \
  queue/worker.c \
  queue/worker.h
queue_libsfqueue_la_LIBADD = queue/libsfshepherd.la runtime/libsfruntime.la libspatialflow.la
