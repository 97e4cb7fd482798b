/* SPDX-License-Identifier: Apache-2.0 */
/* A program lowered to what this host runs: configs with resolved kernels and maps, launches with
 * resolved memory, entries in order. */
#ifndef SF_RDU_MACHINE_H
#define SF_RDU_MACHINE_H

#include <sf/plugin/backend.h>
#include <sf/threads.h>

#include "plugins/backends/rdu/blocks.h"
#include "plugins/backends/rdu/chains.h"
#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/layout.h"
#include "plugins/backends/rdu/probe.h"

#define RDU_MAX_OPERANDS 64 /* of a stage */

/* ---- configs ---- */

typedef struct
{
  SfOperandKind kind;
  uint32_t buffer;
  SfDtype dtype;
  bool is_int;
  SfDtype stored; /* what the buffer holds */
  bool is_narrow; /* 16-bit floats */
  bool channels_last;
  int rank;
  int32_t counter; /* as SfOperand */
  int64_t rate;
  int64_t dim[SF_MAX_RANK], whole_stride[SF_MAX_RANK];
  SfAccess access[SF_MAX_RANK];
  int64_t shrink[SF_MAX_RANK]
                [SF_MAX_COUNTERS]; /* elements of the box lost per element of a short block */
  bool in_registers;               /* TEMP that only a fused program sees: it has no memory */
  bool is_seen;                    /* some group looks at its box */
  int64_t temp_offset;             /* TEMP: elements into the worker's scratch */
  bool passes;                     /* TEMP: pieces of a box have it one after the other */
  bool is_settled;                 /* OUT: the fused program that writes it rounds it, too */
  uint64_t serves;                 /* results of the stage, as bits of its operands: purpose.c */
  bool is_partial;        /* OUT: each firing of the reduction adds in a place of its own */
  int64_t partial_offset; /* elements into a firing's place */
} RduOperand;

typedef struct
{
  const char *op;
  const RduKernel *kernel;
  bool on_last; /* SF_WHEN_LAST */
  bool accumulates;
  bool rounds; /* its bf16 sources, whatever floats are in their place */
  unsigned
      sums; /* counters over which the accumulator adds up: all zero means it starts from nothing */
  int n_src, n_dst;
  uint32_t src[SF_MAX_SRC], dst[SF_MAX_DST];
  int64_t imm[SF_MAX_IMM];
  double fimm[SF_MAX_FIMM];
} RduInstr;

/* Along which dimension the box of an operand is cut for the workers. */
typedef struct
{
  uint32_t operand;
  int dim;
} RduLane;

/* What runs as one: a fused program, or an instruction by its kernel. */
typedef struct
{
  bool on_last;
  const RduInstr *instr; /* NULL: fused */
  RduFused *fused;
  void (*run) (const RduFused *fused, const RduView *views);
  uint64_t serves;   /* as an operand's */
  size_t n_together; /* it and the next ones pass over its box together; 1: it by itself */
  size_t n_lanes;    /* 0: one worker runs it whole */
  RduLane *lanes;
} RduGroup;

/* What a firing leaves to be brought to its buffer's dtype. */
typedef struct
{
  uint32_t operand;
  bool on_last; /* it is complete in the last block of the reduction counters only */
} RduResult;

/* A source of an instruction that its kernel likes in a layout of its own. */
typedef struct
{
  uint32_t operand;
  const RduInstr *instr;
  int src;
  int64_t elems;
  bool pays_at_once; /* in a run that has to pack it, too */
} RduPacking;

typedef struct
{
  uint32_t id; /* in the config */
  char *name;
  int n_counters;
  SfCounter counter[SF_MAX_COUNTERS];
  int64_t n_blocks[SF_MAX_COUNTERS];
  unsigned reductions;                   /* bit per counter */
  int n_split, split[SF_MAX_COUNTERS];   /* counters whose combinations may run at the same time */
  int n_serial, serial[SF_MAX_COUNTERS]; /* the others, outermost first, looped within a worker */
  int64_t n_jobs;                        /* combinations of the split counters */
  int64_t work; /* elements touched, roughly: what sharing it must be worth */
  int64_t flops;
  size_t n_operands, n_instrs;
  RduOperand *operands;
  RduInstr *instrs;
  size_t n_groups;
  RduGroup *groups; /* what a firing runs, in order */
  const RduIsa *isa;
  bool has_lanes; /* it fires once, by all workers */
  size_t n_results;
  RduResult *results;
  int64_t n_partials, partial_elems; /* places for partial sums, of so many elements; 0: none */
  int64_t shared_elems;             /* that workers share while it runs: these places, or scratch */
  size_t n_packings, first_packing; /* first: of the config's, which a launch has side by side */
  RduPacking *packings;
  int64_t temp_elems, row_elems;
  uint32_t chain;    /* of the config; SF_NONE: in none */
  int chain_counter; /* which goes through the chain's blocks, of so many of its elements, */
  int64_t chain_step;
  int64_t chain_blocks; /* and so many of its own blocks */
  bool in_turn;         /* it adds up over that counter: its firings keep their order */
  /* Positions of stages that may run beside it: what they use is not where it has anything. */
  size_t wave_first, wave_last;
} RduStage;

/* Neighbouring stages that are fired block by block. */
typedef struct
{
  size_t first, n_stages;
  int64_t n_blocks;
} RduChain;

typedef struct
{
  char *name;
  SfDtype dtype;
  bool is_int, channels_last;
  SfShape shape;
  int64_t n_elems, tokens, token_elems, depth;
  bool is_left_out;     /* nobody makes it: its readers read what it would be a copy of */
  bool takes_unrounded; /* all that read it round it */
  /* What is seen inside a chain only is in a worker's room, a block of it at a time. */
  int64_t room_elems;   /* of a block; 0: it has memory of its own */
  int64_t room_offset;  /* elements into the room */
  int64_t whole_offset; /* elements into where it is whole, for an observer */
} RduBuffer;

typedef struct
{
  uint32_t index; /* in the program */
  size_t n_buffers, n_stages, n_streams, n_packings;
  RduBuffer *buffers;
  RduStage *stages; /* in an order in which what is read has been written */
  size_t n_chains;
  RduChain *chains;
  int64_t room_elems;  /* that a worker needs for the chains */
  int64_t whole_elems; /* of what is in rooms otherwise */
  SfStream *streams;
} RduConfig;

/* ---- memory ---- */

/* A tensor of the program in host memory: floats up to f32 as f32, integers up to 32 bits and bool
 * as i32, wider types as they are. */
typedef struct
{
  char *name;
  SfTensorRole role;
  SfDtype dtype, storage;
  bool channels_last;
  SfShape shape;
  int64_t n_elems;
  uint32_t state;   /* NEXT: of which state */
  bool in_place;    /* NEXT: it has the state's own memory */
  bool is_lent;     /* its data is the program's, and is only read */
  bool is_written;  /* by launches of some entry */
  uint64_t version; /* STATE, CONST: another one whenever the content has changed; from 1 */
  uint32_t entry;   /* it lives in the arena, in steps of this entry; SF_NONE: elsewhere */
  int64_t offset;   /* in the arena */
  void *data;
  int32_t *own;     /* memory of one that was lent */
  void *before_fed; /* its own data, while `data` is the caller's; NULL otherwise */
} RduTensor;

typedef struct
{
  uint32_t tensor;
  int64_t offset; /* elements */
} RduHome;

/* ---- launches ---- */

/* Between a bound tensor and a buffer that is not the tensor's own memory. */
typedef struct
{
  uint32_t buffer;
  RduHome home;
} RduTransfer;

/* The packed form of an operand. */
typedef struct
{
  bool is_used, is_kept; /* kept: from step to step, made anew when the tensor has changed */
  int64_t offset;        /* in the arena, or in the kept memory */
  void *data;
  uint64_t version; /* of the tensor, when it was packed; 0: not yet */
} RduPacked;

typedef struct RduMachine RduMachine;
typedef struct RduLaunch RduLaunch;
typedef struct RduTurns RduTurns;

/* Work of one kind on a stage, or on a chain, that workers share. */
typedef struct
{
  RduMachine *machine;
  const RduLaunch *launch;
  size_t position, n_stages; /* of the stage; of a chain's stages */
  size_t index;              /* of the stage's packing, group or operand that it is about */
  uint64_t serves;           /* results of the stages, as an operand's */
  int64_t n_items;           /* when some of these are wanted */
} RduTask;

/* What is done of a launch in one fork-join. */
typedef struct
{
  size_t n_tasks;
  RduTask *tasks;
  SfThreadTask *work; /* per task: its share of the fork-join */
} RduSection;

struct RduLaunch
{
  uint32_t index; /* in the entry */
  SfTarget target;
  SfPhase phase;
  uint32_t repeat;
  /* rdu */
  const RduConfig *config;
  RduHome *home;  /* per buffer; tensor SF_NONE: in the arena at `offset` */
  void **base;    /* per buffer: resolved when the launch starts */
  RduHome *slots; /* per slot */
  size_t n_loads, n_stores;
  RduTransfer *loads, *stores;
  RduPacked *packed; /* per packing of the config */
  int64_t *shared;   /* per stage: where in the arena what its workers share is */
  RduTurns *turns;   /* per chain of the config */
  RduSection section;
  bool replaces;      /* some state in place */
  uint64_t *purposes; /* per buffer: purpose.c */
  uint64_t *wanted;   /* per stage: results that steps of now want, as bits of operands */
  /* host */
  const SfGraph *graph;
  size_t n_bindings;
  SfBinding *bindings;
  uint64_t purpose;
  /* both */
  bool is_wanted;
};

typedef struct
{
  uint32_t state, next;
  SfPhase phase;
  bool in_place; /* it is there already */
  bool copies;   /* the next content is read again later, so memory cannot change hands */
} RduCommit;

typedef struct
{
  char *name;
  uint32_t index;
  unsigned phases; /* 1 << SfPhase bits of its launches */
  size_t n_launches, n_commits;
  RduLaunch *launches; /* in the order they run: by phase */
  RduCommit *commits;
  uint64_t wanted;        /* outputs, as bits, that the launches are set to; 0: no step yet */
  uint64_t host_launches; /* since open */
  int64_t host_us;
} RduEntry;

/* ---- the instance ---- */

/* Per operand of a stage: where its whole tensor begins (TEMP: ignored), and its packed form or
 * NULL. */
typedef struct
{
  void *base[RDU_MAX_OPERANDS];
  const void *packed[RDU_MAX_OPERANDS];
  uint64_t wanted; /* results: groups that serve none of them are left out */
} RduFrame;

typedef struct
{
  float *temp, *scratch, *room;
  RduFault fault;  /* of the stage that it is at; rdu_note_fault takes it */
  RduFault noted;  /* the one that is to be told, */
  size_t noted_at; /* of the stage at this position */
} RduWorker;

struct RduMachine
{
  const SfProgram *program;
  const RduIsa *isa;
  RduLayouts *layouts;
  SfThreadPool *pool;
  int n_threads;
  bool exact_firing;
  size_t n_configs, n_tensors, n_entries;
  RduConfig *configs;
  RduTensor *tensors;
  uint32_t *stands_for; /* per tensor: which one is read for it; itself, mostly */
  RduEntry *entries;
  int32_t *arena; /* of what lives during a step, */
  int64_t arena_elems;
  uint32_t last_entry; /* this one's at present; SF_NONE: no step yet */
  int32_t *memory;     /* of the tensors that outlive steps */
  int64_t memory_elems, temp_elems, row_elems, room_elems;
  int32_t *kept; /* packed forms of what does not change from step to step */
  int64_t kept_elems;
  int32_t *whole; /* what is in rooms otherwise, once a step has been observed; NULL: none has */
  int64_t whole_elems;
  int32_t *rings; /* exact firing: room for the buffers of one launch */
  int64_t ring_elems;
  RduWorker *workers;
  _Atomic size_t first_fault; /* position of the first stage of the launch that has left a fault */
  RduProbe probe;
};

/* lower_config.c: in blocks for `host`; NULL: in the program's own. */
bool rdu_lower_config (const SfProgram *program, uint32_t index, const RduIsa *isa,
                       const RduHost *host, const RduLayouts *layouts, RduConfig *config,
                       GError **error);
void rdu_config_clear (RduConfig *config);
void rdu_stage_clear (RduStage *stage);

/* fused.c: instructions into groups, once operands, counters and instructions are there. */
void rdu_stage_group (RduStage *stage, const RduIsa *isa);
void rdu_stage_clear_groups (RduStage *stage);

/* pieces.c: which groups pass over a box together; they may change places. */
void rdu_stage_find_pieces (RduStage *stage);
/* Runs these groups, if their box is worth cutting. */
bool rdu_pieces_run (const RduStage *stage, const RduGroup *groups, const RduView *views,
                     bool first, uint64_t wanted, RduWorker *worker);
/* Whether a group reads, or writes, an operand in memory. */
bool rdu_group_reads (const RduGroup *group, uint32_t operand);
bool rdu_group_writes (const RduGroup *group, uint32_t operand);

/* packing.c */
/* What kernels of the stage want packed; counters, operands and instructions are there. */
void rdu_stage_find_packings (RduStage *stage);
/* Packs what is kept and has changed, as far as it is wanted. */
bool rdu_launch_pack (RduMachine *machine, RduLaunch *launch, GError **error);
/* What is not kept, in so many items: a task's work. */
int64_t rdu_packing_parts (const RduMachine *machine, const RduPacking *packing);
void rdu_packing_work (void *task, int worker, int64_t begin, int64_t end);

/* waves.c: which neighbouring stages do not wait for each other; chains are there. */
void rdu_config_find_waves (RduConfig *config);

/* section.c: once all memory is planned. */
/* Tasks of the stages from `first` on, in order. */
void rdu_section_init (RduSection *section, RduMachine *machine, RduLaunch *launch, size_t first,
                       size_t n_stages, bool has_chains);
void rdu_section_clear (RduSection *section);
/* Leaves out what the launch does not want now. */
void rdu_section_want (RduSection *section);
/* One fork-join. A fault is left in the workers. */
void rdu_section_run (RduSection *section, RduMachine *machine);
/* Whether a stage before the task's left a fault, so that nothing is to be done any more. */
bool rdu_task_is_void (const RduTask *task);
RduFrame rdu_task_frame (const RduTask *task, size_t position);

/* copies.c: which rounded copies are not made, for their readers round what they are copies of. */
void rdu_leave_out_copies (RduMachine *machine);

/* replace.c: which next contents are written over their states. */
void rdu_find_replacements (RduMachine *machine);
/* Whether two operands are the same elements of alike tensors, in each firing. */
bool rdu_same_elements (const RduOperand *a, const RduOperand *b);

/* lend.c: which tensors need no memory of their own; and what one that is written needs. */
void rdu_find_lent (RduMachine *machine);
bool rdu_tensor_own (RduTensor *tensor, GError **error);

/* purpose.c */
/* Which of its results each group and each source of a stage serves. */
void rdu_stage_find_purposes (RduStage *stage);
/* Which outputs, and what that outlasts a step, each launch serves. */
void rdu_entry_find_purposes (const RduMachine *machine, RduEntry *entry);
/* Sets the launches to what the step wants: all where it asks for no output. */
void rdu_entry_want (const RduMachine *machine, RduEntry *entry, const SfBackendStep *step);

/* lower_launch.c: all entries, and memory for everything. */
bool rdu_lower_entries (RduMachine *machine, GError **error);
void rdu_entry_clear (RduEntry *entry);

/* stage.c */
bool rdu_stage_writes (const RduStage *stage, uint32_t buffer);
/* Which results a firing settles; groups and partial sums are known. */
void rdu_stage_find_results (RduStage *stage);
/* One firing; block: per counter. */
void rdu_stage_fire (const RduStage *stage, const int64_t *block, const RduFrame *frame,
                     RduWorker *worker);

/* Its pieces: the boxes of a firing, a group on them, and the results as their buffers hold them.
 */
void rdu_stage_cut (const RduStage *stage, const int64_t *block, const RduFrame *frame, float *temp,
                    RduView *views);
void rdu_group_run (const RduStage *stage, const RduGroup *group, const RduView *views, bool first,
                    const RduCarried *carried, RduWorker *worker);
void rdu_stage_settle (const RduStage *stage, const RduView *views, bool is_last);

/* lanes.c */
/* How workers share a stage that fires once; groups are there. */
void rdu_stage_find_lanes (RduStage *stage, int n_workers);
/* How many lanes a group has, in so large parts; and the work on it, and what is left when all
 * groups are done, of tasks. */
int64_t rdu_group_lanes (const RduStage *stage, const RduGroup *group, int n_workers,
                         int64_t *grain);
void rdu_group_work (void *task, int worker, int64_t begin, int64_t end);
void rdu_settle_work (void *task, int worker, int64_t begin, int64_t end);

/* partials.c */
/* Lets firings of a reduction run at one time where that gives idle workers something to do. */
void rdu_stage_find_partials (RduStage *stage, int n_workers);
/* Points the frame to the place of a firing. */
void rdu_partials_place (const RduTask *task, const int64_t *block, RduFrame *frame);
/* Adds up what all firings left in an operand, in so many items: a task's work. */
int64_t rdu_partials_elems (const RduOperand *operand, int64_t *grain);
void rdu_partials_work (void *task, int worker, int64_t begin, int64_t end);

/* chain_rooms.c */
/* The chains of the stages that are left, and where what they hand on lives. */
void rdu_config_chain (RduConfig *config);
/* The stages of the chain that the one at this position is of; itself if of none. */
void rdu_stage_time (const RduConfig *config, size_t position, size_t *first, size_t *last);
/* Whether another stage of its chain writes the buffer: it is never there whole before the stage
 * fires. */
bool rdu_stage_shares_blocks (const RduConfig *config, size_t position, uint32_t buffer);

/* chain_jobs.c */
/* Which block is whose turn, of so many chains. */
RduTurns *rdu_turns_new (size_t n_chains, GError **error);
void rdu_turns_free (RduTurns *turns);
/* All firings of the chain's stages, an item for each worker: a task's work; the turns are set
 * back. None of the firings can leave a fault. */
void rdu_turns_begin (RduTurns *turns, size_t n_chains);
void rdu_chain_work (void *task, int worker, int64_t begin, int64_t end);

/* jobs.c: all firings of a stage, an item each: a task's work. */
int64_t rdu_jobs_grain (const RduStage *stage, int n_workers);
void rdu_jobs_work (void *task, int worker, int64_t begin, int64_t end);

/* storage.c */
SfDtype rdu_storage_dtype (SfDtype dtype);
/* Brings elements of a storage array to what `dtype` can hold. */
void rdu_settle (const RduIsa *isa, SfDtype dtype, void *data, int64_t n);
/* The same over the pool. */
void rdu_settle_parallel (RduMachine *machine, SfDtype dtype, void *data, int64_t n);
/* From and to caller memory. */
bool rdu_tensor_write (RduMachine *machine, uint32_t tensor, const SfTensor *from, GError **error);
bool rdu_tensor_read (const RduMachine *machine, uint32_t tensor, SfTensor *to, GError **error);

/* step.c */
bool rdu_machine_step (RduMachine *machine, const SfBackendStep *step, GError **error);

/* faults.c: indices outside their tables. */
/* What the stage at this position has left in the worker. */
void rdu_note_fault (RduMachine *machine, int worker, size_t position);
/* The first fault noted since the launch began, as an error naming the stage; true: there is none.
 */
/* As the program calls it, else by its own name. Borrowed. */
const char *rdu_stage_name (const RduMachine *machine, const RduEntry *entry,
                            const RduLaunch *launch, const RduStage *stage);
bool rdu_check_faults (RduMachine *machine, const RduEntry *entry, const RduLaunch *launch,
                       GError **error);

/* exact.c */
bool rdu_launch_exact (RduMachine *machine, const RduEntry *entry, RduLaunch *launch,
                       GError **error);
/* Elements that the rings of a config need. */
int64_t rdu_exact_elems (const RduConfig *config);

/* machine.c: of a program that the verifier has passed. */
RduMachine *rdu_machine_open (const SfBackendLoad *load, GError **error);
void rdu_machine_close (RduMachine *machine);

#endif
