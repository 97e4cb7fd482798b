# Build fragment of tools/sfbatch.
bin_PROGRAMS += tools/sfbatch/sfbatch
tools_sfbatch_sfbatch_SOURCES = \
  tools/sfbatch/board.c \
  tools/sfbatch/board.h \
  tools/sfbatch/follow.c \
  tools/sfbatch/follow.h \
  tools/sfbatch/main.c \
  tools/sfbatch/select.c \
  tools/sfbatch/select.h \
  tools/sfbatch/show_attempts.c \
  tools/sfbatch/show_attempts.h \
  tools/sfbatch/show_batch.c \
  tools/sfbatch/show_batch.h \
  tools/sfbatch/show_job.c \
  tools/sfbatch/show_job.h \
  tools/sfbatch/show_text.c \
  tools/sfbatch/show_text.h \
  tools/sfbatch/step_verbs.c \
  tools/sfbatch/step_verbs.h \
  tools/sfbatch/verb_cancel.c \
  tools/sfbatch/verb_golden.c \
  tools/sfbatch/verb_history.c \
  tools/sfbatch/verb_hold.c \
  tools/sfbatch/verb_list.c \
  tools/sfbatch/verb_logs.c \
  tools/sfbatch/verb_new.c \
  tools/sfbatch/verb_report.c \
  tools/sfbatch/verb_regress.c \
  tools/sfbatch/verb_show.c \
  tools/sfbatch/verb_submit.c \
  tools/sfbatch/verb_top.c \
  tools/sfbatch/verb_wait.c \
  tools/sfbatch/verbs.h
tools_sfbatch_sfbatch_LDADD = queue/libsfqueue.la tools/sf/libverbs.la $(NCURSES_LIBS) $(SF_LIBS)
