/* SPDX-License-Identifier: MIT */
/*
 * The nucleus's inner declarations: what its files offer each other beside include/neurath/.
 *
 * Locks, in the order in which they may be taken: component (the table) > thread_list > wait
 * (events) > a component's, through its gates > log. Schedulers and interrupt
 * controllers must not log while they hold a lock: a log line signals an event.
 */
#pragma once

#include <interface/clock.h>
#include <lib/buddy.h>
#include <neurath/component.h>
#include <neurath/cpu.h>
#include <neurath/device.h>
#include <neurath/event.h>
#include <neurath/irq.h>
#include <neurath/log.h>
#include <neurath/offer.h>
#include <neurath/page.h>
#include <neurath/panic.h>
#include <neurath/swap.h>
#include <neurath/thread.h>
#include <neurath/time.h>
#include <neurath/world.h>

#include "arch/arch.h"

/* What components may use: made by `nrpack exports`. An entry without a name ends it. */
struct export
{
    const char *name;
    const void *address;
};
extern const struct export nucleus_exports[];
/* 0: there is none of that name. */
uint64_t resolve_export(const char *name);

/* mem/page.c */
void page_add_range(uint64_t pa, uint64_t bytes); /* boot: RAM that is free */
int page_start(uint64_t top_pa, void *(*take)(size_t bytes));
extern struct buddy page_ram; /* for reading its counts */
/* What one owner holds belongs to another from now on; NULL: it becomes free. */
void page_give(struct component *from, struct component *to);
/* Visits what components hold, block by block, until visit returns false: then false. Unlocked. */
bool page_each_owned(bool (*visit)(void *block, size_t bytes, const struct component *owner,
                                   void *argument),
                     void *argument);
/* mem/area.c: runs of kernel addresses with an unmapped page before each. */
void *area_map(uint64_t pa, size_t pages, enum mmu_access access, size_t align_pages);
void area_unmap(void *va, size_t pages, size_t align_pages);
/* mem/area.c too: pages of the nucleus block in which images live. */
void *arena_allocate(size_t pages, const struct component *owner);
void arena_free(void *va, size_t pages);
/* Whose code or constants lie there; NULL: nobody's, or not in the arena. Context: any. */
struct component *arena_owner(uint64_t address);
size_t arena_count_free(void);
size_t arena_count_total(void);
/* A stack of LAYOUT_STACK_BYTES with guards; returns its top. */
void *stack_create(void);
void stack_destroy(void *top);

/* task/: threads. */
enum thread_state { THREAD_NEW, THREAD_RUNNABLE, THREAD_WAITING, THREAD_ENDED };
#define THREAD_ON_CPU 4u /* a CPU is on its stack; beside the state */

struct kthread {
    struct thread public; /* what schedulers see; the address of both is the same */
    struct context context;
    struct list all; /* in thread_list, under thread_list_lock */
    void *stack_top;
    struct component *owner; /* NULL: the nucleus */
    uint32_t run;            /* its state, THREAD_ON_CPU; changed atomically, see thread.c */
    bool is_idle;
    bool is_cancelled;     /* it is to end; waits return -ECANCELED */
    int wait_result;       /* of the wait it was woken from, see event.c */
    uint32_t wait_signals; /* and how often the event had been signalled by then */
    struct list waiting;   /* in an event's waiters, under the wait lock */
    struct timer timeout;
    uint64_t picked_ns;  /* when it was switched to, or last charged for its time */
    uint64_t audited_ns; /* picked_ns when the audit looked at its stack while it slept */
    /* workers */
    struct worker_config worker;
    uint64_t steps;
};
static_assert(offsetof(struct kthread, public) == 0, "cast both ways");

struct percpu {
    struct cpu_record record; /* first: TPIDR_EL1 */
    bool is_asked;            /* the scheduler is to be asked for another turn */
    struct kthread *idle;
    struct kthread *previous; /* who was switched from, for thread_finish_switch() */
    bool is_kept;             /* and whether the scheduler has that one already */
    struct timer tick;
};
extern struct percpu percpu[CPU_MAX];

static inline struct percpu *this_cpu(void)
{
    return (struct percpu *)REGISTER_READ(tpidr_el1);
}

/* SP_EL0 holds the current thread: right at any instant, also while it moves between CPUs. */
static inline struct kthread *thread_current(void)
{
    uint64_t value;
    asm volatile("mrs %0, sp_el0" : "=r"(value));
    return (struct kthread *)value;
}

static inline enum thread_state thread_state(const struct kthread *thread)
{
    return READ_ONCE(thread->run) & (THREAD_ON_CPU - 1);
}

static inline bool thread_is_on_cpu(const struct kthread *thread)
{
    return __atomic_load_n(&thread->run, __ATOMIC_ACQUIRE) & THREAD_ON_CPU;
}

extern struct list thread_list;
extern struct event thread_ended; /* signalled when a thread has left its last CPU */
extern struct spinlock thread_list_lock;

struct kthread *thread_create(const char *name, void (*body)(void), uint32_t cpu_mask,
                              uint32_t weight, struct component *owner);
void thread_start(struct kthread *thread);
NORETURN void thread_enter_boot(void (*body)(void)); /* boot CPU: becomes a thread */
NORETURN void thread_run_idle(void);                 /* this CPU's idle thread */
struct kthread *thread_create_idle(unsigned cpu);
void thread_finish_switch(void);       /* called from context_begin, */
void thread_begin(void (*body)(void)); /* then entered */
void thread_schedule(void);            /* interrupts off; gives the CPU away */
void thread_preempt(void);             /* at the end of an interrupt */
void thread_wake(struct kthread *thread);
void thread_start_tick(void); /* this CPU's, once a clock is there */
void thread_reap(void);       /* frees threads that have ended */
uint32_t thread_count(void);
/* CPU time that a thread has had; that an owner has had, by its threads and its handlers. */
uint64_t thread_cpu_ns(const struct kthread *thread);
uint64_t thread_sum_cpu_ns(const struct component *owner);
/*
 * All workers of an owner end. Their steps lead nowhere by then, so each returns as soon as it gets
 * a CPU. The owner is not NULL.
 */
void worker_revoke(struct component *owner);
/* swap/trace.c */
void trace_revoke(const struct component *owner);
/* swap/contain.c: cuts off the faulting call of a version on probation; then does not return. */
void contain_fault(struct trap_frame *frame, const char *what);
/* ESR_EL1.EC in words. */
const char *trap_class_name(uint64_t esr);
/* swap/drain.c: a worker waits here before its step while its component is being drained. */
void drain_hold_worker(const struct component *owner);
void event_revoke(struct component *owner);
/* For registration_move(): addresses that are given to steps and handlers. In a rendezvous. */
void worker_move(const void *from, void *to);
void irq_move(const void *from, void *to);
/*
 * Events of the nucleus are static objects, ready from the start:
 *     static struct event written = EVENT_READY(written);
 */
#define EVENT_READY(event)                                                                         \
    {                                                                                              \
        .waiters = { &(event).waiters, &(event).waiters }                                          \
    }
/* Reads an event's signals if it is still there; -ECANCELED: its owner left. */
int event_look(const struct event *event, uint32_t *signals);
/* As event_wait(); 0: *seen is how often the event had been signalled when the wait was over. */
int event_wait_next(struct event *event, uint32_t *seen, uint64_t timeout_ns);
/* The thread is to end: its wait, now or later, returns -ECANCELED. */
void event_cancel_wait(struct kthread *thread);

/* time.c: first of all, by the boot CPU. */
void time_start(void);

/* irq.c, smp.c */
#define IPI_RESCHEDULE 0u
#define IPI_STOP 1u /* rendezvous */
#define IPI_PANIC 2u
void trap_handle_irq(void);
void trap_handle_fatal(struct trap_frame *frame, unsigned kind);
void irq_start_cpu(void);
void irq_revoke(struct component *owner);
/*
 * In a rendezvous: holds an owner's interrupts back, or lets them through again; private ones on
 * this CPU only: the others hold them back when they come, and need irq_start_cpu() afterwards.
 */
void irq_mask_owner(const struct component *owner, bool is_masked);
uint64_t irq_sum(const struct component *owner);
void smp_start(void);
void smp_use_cpu(unsigned cpu); /* this CPU's per-CPU data and vectors */
void smp_secondary_main(void);
void smp_kick(unsigned cpu); /* makes another CPU look at is_asked */
unsigned cpu_count_online(void);

/* panic.c, arch/unwind.c */
/* Visits code addresses from the innermost on; visit returns false to end the walk. */
typedef bool walk_visit(uint64_t pc, void *argument);
/* False: visit ended it, or the frames could not be followed to their end. */
bool walk_trap(const struct trap_frame *trap, walk_visit *visit, void *argument);
/* In a rendezvous: that frame of a thread that ran on another CPU; NULL: it was off its stack. */
const struct frame_record *thread_stopped_frame(const struct kthread *thread);
/* From any frame record on; top of the stack it lies on, or 0: not known. */
bool walk_frames(const struct frame_record *record, uint64_t top, walk_visit *visit,
                 void *argument);
bool walk_current(walk_visit *visit, void *argument);
/* "led_blink: tick+0x1c" or "nucleus: thread_wake+0x40" or "0x…". */
int symbol_describe(uint64_t pc, char *text, size_t size);
NORETURN void panic_stop_this_cpu(void);

/* log.c */
void log_use_early_output(void (*write)(char));
void log_panic_mode(void); /* straight to the early UART from now on */
void log_revoke(struct component *owner);
void log_raw(const char *text, size_t size);

/* device.c */
int device_start(const void *boot_tree); /* checks it, and uses it where it is */
int device_keep_tree(void);              /* copies it, once there are pages */
const struct devicetree *device_tree(void);
void device_revoke(struct component *owner);
/* Without a claim, at boot: the console's registers and compatible; those of a compatible node. */
int device_console_registers(uint64_t *pa, const char **compatible);
int device_registers_of(const char *compatible, uint64_t *pa);

/* offer.c */
void offer_revoke(struct component *owner);

/* Registrations in words: index counts those of owner over all kinds. */
int device_describe(unsigned *index, const struct component *owner, char *text, size_t size);
int irq_describe(unsigned *index, const struct component *owner, char *text, size_t size);
int worker_describe(unsigned *index, const struct component *owner, char *text, size_t size);
int offer_describe(unsigned *index, const struct component *owner, char *text, size_t size);
int event_describe(unsigned *index, const struct component *owner, char *text, size_t size);
int trace_describe(unsigned *index, const struct component *owner, char *text, size_t size);

/* boot.c: what the boot loader passed. */
int boot_read_memory(uint64_t tree_pa); /* fills the page allocator */
/* Whether any of it is RAM, the nucleus's own included. */
bool boot_is_ram(uint64_t pa, uint64_t bytes);
const void *boot_bundle(size_t *bytes); /* the initial ramdisk; NULL: none */
