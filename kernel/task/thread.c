/* SPDX-License-Identifier: MIT */
/*
 * Threads: creating, switching, ending. Who runs next is the scheduler component's choice.
 *
 * A thread is enqueued only when no CPU is on its stack any more: the CPU that switches away from
 * it, or the waker if that has happened already, does it, never both; the atomic word `run`
 * decides. If the scheduler keeps who gives way, it is the scheduler that sees to that. So a picked
 * thread can be switched to at once, and no CPU waits for another. Before there is a scheduler,
 * runnable threads simply wait for its import.
 */
#include <errno.h>
#include <interface/scheduler.h>
#include <lib/format.h>
#include <string.h>

#include "../nucleus.h"
#include "../swap/component.h"

struct list thread_list = {&thread_list, &thread_list};
struct spinlock thread_list_lock;
struct percpu percpu[CPU_MAX];

struct event thread_ended = EVENT_READY(thread_ended);

static uint32_t thread_next_id;
static uint32_t threads_alive;

/* kthread structures come from pages of their own, a whole number to a page; never given back. */
static struct list free_threads = {&free_threads, &free_threads};
static struct list ended_threads = {&ended_threads, &ended_threads}; /* linked by `waiting` */

static struct kthread *allocate_thread(void)
{
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread = list_first(&free_threads, struct kthread, all);
    if (thread) {
        list_remove(&thread->all);
    }
    spin_unlock(&thread_list_lock, daif);
    if (thread) {
        memset(thread, 0, sizeof(*thread));
        return thread;
    }
    thread = page_allocate_owned(1, NULL);
    for (size_t i = 1; thread && i < PAGE_BYTES / sizeof(*thread); i++) {
        daif = spin_lock(&thread_list_lock);
        list_append(&free_threads, &thread[i].all);
        spin_unlock(&thread_list_lock, daif);
    }
    return thread;
}

static void time_out(struct timer *timer)
{
    thread_wake(container_of(timer, struct kthread, timeout));
}

struct kthread *thread_create(const char *name, void (*body)(void), uint32_t cpu_mask,
                              uint32_t weight, struct component *owner)
{
    thread_reap();
    struct kthread *thread = allocate_thread();
    void *top = thread ? stack_create() : NULL;
    if (!top) {
        if (thread) {
            uint64_t daif = spin_lock(&thread_list_lock);
            list_append(&free_threads, &thread->all);
            spin_unlock(&thread_list_lock, daif);
        }
        return NULL;
    }
    strncpy(thread->public.name, name, sizeof(thread->public.name) - 1);
    thread->public.weight = weight;
    thread->public.cpu_mask = cpu_mask;
    thread->stack_top = top;
    thread->owner = owner;
    thread->context.sp = (uint64_t)top;
    thread->context.lr = (uint64_t)context_begin;
    thread->context.x19_x28[0] = (uint64_t)body;
    list_init(&thread->waiting);
    timer_init_owned(&thread->timeout, time_out, NULL);
    uint64_t daif = spin_lock(&thread_list_lock);
    thread->public.id = ++thread_next_id;
    list_append(&thread_list, &thread->all);
    threads_alive++;
    spin_unlock(&thread_list_lock, daif);
    return thread;
}

/* Changes what `run` was found to be; false: it is what *run says now. */
static bool change(struct kthread *thread, uint32_t *run, uint32_t wanted)
{
    return __atomic_compare_exchange_n(&thread->run, run, wanted, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/*
 * Interrupts off. Gives a runnable thread that is on no CPU to the scheduler, and has the CPU it
 * names ask, at the end of its next interrupt, whether another should run now.
 */
static void enqueue(struct kthread *thread)
{
    int cpu = scheduler_enqueue(&thread->public);
    if (cpu < 0) {
        return; /* no scheduler yet: its import will find the thread */
    }
    struct percpu *target = &percpu[cpu];
    WRITE_ONCE(target->is_asked, true);
    if (target != this_cpu()) {
        smp_kick((unsigned)cpu);
    }
}

void thread_wake(struct kthread *thread)
{
    uint64_t daif = cpu_irq_save();
    uint32_t run = READ_ONCE(thread->run), on_cpu;
    do {
        on_cpu = run & THREAD_ON_CPU;
        if (run != (THREAD_WAITING | on_cpu)) {
            cpu_irq_restore(daif);
            return;
        }
    } while (!change(thread, &run, THREAD_RUNNABLE | on_cpu));
    if (!on_cpu) { /* else who leaves its stack enqueues it */
        enqueue(thread);
    }
    cpu_irq_restore(daif);
}

void thread_start(struct kthread *thread)
{
    uint64_t daif = cpu_irq_save(); /* no rendezvous in between: a new scheduler enqueues it too */
    WRITE_ONCE(thread->run, THREAD_RUNNABLE);
    enqueue(thread);
    cpu_irq_restore(daif);
}

/* First thing a thread does after a switch: lets go of the one before. Interrupts off. */
void thread_finish_switch(void)
{
    struct percpu *cpu = this_cpu();
    struct kthread *previous = cpu->previous;
    /* From when that one was charged to on; see audit.c. */
    __atomic_store_n(&thread_current()->picked_ns, previous->picked_ns, __ATOMIC_RELEASE);

    /* Its stack is at rest. */
    uint32_t run = __atomic_fetch_and(&previous->run, ~THREAD_ON_CPU, __ATOMIC_ACQ_REL);
    if (run == (THREAD_RUNNABLE | THREAD_ON_CPU)) {
        if (!cpu->is_kept && !previous->is_idle) {
            enqueue(previous);
        }
    } else if (run == (THREAD_ENDED | THREAD_ON_CPU)) {
        spin_acquire(&thread_list_lock);
        if (previous->owner) {
            __atomic_add_fetch(&previous->owner->cpu_ns, previous->public.cpu_ns, __ATOMIC_RELAXED);
        }
        list_remove(&previous->all);
        list_append(&ended_threads, &previous->waiting);
        threads_alive--;
        spin_release(&thread_list_lock);
        event_signal(&thread_ended);
    }
}

static void switch_to(struct kthread *next)
{
    struct percpu *cpu = this_cpu();
    struct kthread *previous = thread_current();
    cpu->previous = previous;
    next->public.cpu = cpu->record.number;
    context_switch(&previous->context, &next->context, next);
    thread_finish_switch();
}

/*
 * Makes a picked thread this CPU's. False: it runs already, or sleeps. That is so when a scheduler
 * that was taken back had queued it, and the call was made again.
 */
static bool claim(struct thread *picked)
{
    struct kthread *thread = (struct kthread *)picked;
    uint32_t run = THREAD_RUNNABLE;
    return change(thread, &run, THREAD_RUNNABLE | THREAD_ON_CPU);
}

void thread_schedule(void)
{
    struct percpu *cpu = this_cpu();
    struct kthread *current = thread_current();
    bool gives_way = thread_state(current) == THREAD_RUNNABLE && !current->is_idle;
    struct thread *given = gives_way ? &current->public : NULL, *picked;
    uint64_t now = time_now_ns();
    current->public.cpu_ns += now - current->picked_ns;
    current->picked_ns = now;
    int result;
    do {
        result = scheduler_pick(cpu->record.number, given, now, &picked);
    } while (result >= 0 && (!given || picked != given) && !claim(picked));
    if (result < 0) { /* nobody else: go on, unless this one is not to run */
        picked = given ? given : &cpu->idle->public;
        WRITE_ONCE(cpu->idle->run, THREAD_RUNNABLE | THREAD_ON_CPU);
    }
    if (picked != &current->public) {
        cpu->is_kept = given && result == 0;
        switch_to((struct kthread *)picked);
    }
}

void thread_preempt(void)
{
    struct percpu *cpu = this_cpu();
    struct kthread *current = thread_current();
    if (READ_ONCE(cpu->is_asked)) {
        WRITE_ONCE(cpu->is_asked, false);
        struct thread *runs = current->is_idle ? NULL : &current->public;
        if (scheduler_tick(cpu->record.number, runs, time_now_ns() - current->picked_ns) > 0) {
            thread_schedule();
        }
    }
}

void thread_yield(void)
{
    uint64_t daif = cpu_irq_save();
    thread_schedule();
    cpu_irq_restore(daif);
}

NORETURN static void thread_end(void)
{
    (void)cpu_irq_save();
    struct kthread *current = thread_current();
    __atomic_store_n(&current->run, THREAD_ENDED | THREAD_ON_CPU, __ATOMIC_RELEASE);
    thread_schedule();
    panic("an ended thread ran on");
}

/* Every thread's outermost function; the switch left interrupts off. */
void thread_begin(void (*body)(void))
{
    cpu_irq_restore(0);
    body();
    thread_end();
}

void thread_reap(void)
{
    while (READ_ONCE(ended_threads.next) != &ended_threads) {
        uint64_t daif = spin_lock(&thread_list_lock);
        struct kthread *thread = list_first(&ended_threads, struct kthread, waiting);
        if (thread) {
            list_remove(&thread->waiting);
        }
        spin_unlock(&thread_list_lock, daif);
        if (!thread) {
            return;
        }
        stack_destroy(thread->stack_top);
        daif = spin_lock(&thread_list_lock);
        list_append(&free_threads, &thread->all);
        spin_unlock(&thread_list_lock, daif);
    }
}

struct kthread *thread_create_idle(unsigned cpu)
{
    char name[THREAD_NAME_BYTES];
    format_print(name, sizeof(name), "idle %u", cpu);
    struct kthread *idle = thread_create(name, NULL, 1u << cpu, 1, NULL);
    if (!idle) {
        panic("no memory for the idle thread of CPU %u", cpu);
    }
    idle->is_idle = true;
    idle->run = THREAD_RUNNABLE;
    percpu[cpu].record.number = cpu;
    percpu[cpu].idle = idle;
    percpu[cpu].record.emergency_stack_top = stack_create();
    if (!percpu[cpu].record.emergency_stack_top) {
        panic("no memory for the emergency stack of CPU %u", cpu);
    }
    return idle;
}

/*
 * Masked interrupts end it too. What others have left in the scratch registers is cleared: as long
 * as the CPU is idle nobody else would, and an audit takes them for references.
 */
static void wait_for_interrupt(void)
{
    asm volatile(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18\n\t"
                 "mov x\\n, xzr\n\t"
                 ".endr\n\t"
                 "dsb sy\n\t"
                 "wfi" ::
                     : "memory", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
                       "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18");
}

NORETURN void thread_run_idle(void)
{
    struct kthread *idle = this_cpu()->idle;
    asm volatile("msr sp_el0, %0" ::"r"(idle) : "memory");
    idle->run = THREAD_RUNNABLE | THREAD_ON_CPU;
    idle->picked_ns = time_now_ns();
    idle->public.cpu = this_cpu()->record.number;
    for (;;) {
        (void)cpu_irq_save();
        thread_schedule();
        /* A thread that was woken while it was switched away from is in the queue now. */
        while (READ_ONCE(this_cpu()->is_asked)) {
            WRITE_ONCE(this_cpu()->is_asked, false);
            thread_schedule();
        }
        wait_for_interrupt();
        cpu_irq_restore(0);
    }
}

/* The boot CPU leaves its first stack: its idle thread and one for `body` are made and entered. */
NORETURN void thread_enter_boot(void (*body)(void))
{
    struct kthread *idle = thread_create_idle(0);
    idle->context.x19_x28[0] = (uint64_t)thread_run_idle;
    struct kthread *first = thread_create("init", body, 1, THREAD_WEIGHT_DEFAULT, NULL);
    if (!first) {
        panic("no memory for the first thread");
    }
    first->run = THREAD_RUNNABLE | THREAD_ON_CPU;
    static struct kthread nobody = {.is_idle = true}; /* the boot stack: left for good */
    nobody.picked_ns = time_now_ns();
    asm volatile("msr sp_el0, %0" ::"r"(&nobody) : "memory");
    switch_to(first);
    panic("the boot stack was switched back to");
}

static void tick(struct timer *timer)
{
    WRITE_ONCE(this_cpu()->is_asked, true);
    (void)clock_arm(timer, time_now_ns() + 1000000000u / CONFIG_TICK_HZ); /* callback is set */
}

void thread_start_tick(void)
{
    struct percpu *cpu = this_cpu();
    timer_init_owned(&cpu->tick, tick, NULL);
    (void)clock_arm(&cpu->tick, time_now_ns() + 1000000000u / CONFIG_TICK_HZ);
}

void thread_each_runnable(void (*visit)(struct thread *thread))
{
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (READ_ONCE(thread->run) == THREAD_RUNNABLE && !thread->is_idle) {
            visit(&thread->public);
        }
    }
}

uint32_t thread_count(void)
{
    return READ_ONCE(threads_alive);
}

uint64_t thread_cpu_ns(const struct kthread *thread)
{
    uint64_t picked_ns = __atomic_load_n(&thread->picked_ns, __ATOMIC_ACQUIRE);
    uint64_t cpu_ns = READ_ONCE(thread->public.cpu_ns);
    return thread_is_on_cpu(thread) ? cpu_ns + time_now_ns() - picked_ns : cpu_ns;
}

uint64_t thread_sum_cpu_ns(const struct component *owner)
{
    struct kthread *thread;
    uint64_t daif = spin_lock(&thread_list_lock);
    uint64_t sum = owner->cpu_ns;
    list_for_each(thread, &thread_list, all)
    {
        sum += thread->owner == owner ? thread_cpu_ns(thread) : 0;
    }
    spin_unlock(&thread_list_lock, daif);
    return sum;
}

int world_thread(uint32_t after, struct world_thread *copy)
{
    static const char states[][sizeof(copy->state)] = {"new", "ready", "waiting", "ended"};
    int result = -ENOENT;
    uint64_t daif = spin_lock(&thread_list_lock);
    struct kthread *thread;
    list_for_each(thread, &thread_list, all)
    {
        if (thread->public.id > after) { /* the list is in order of ids */
            *copy = (struct world_thread){.id = thread->public.id,
                                          .owner = thread->owner ? thread->owner->id : 0,
                                          .cpu = thread->public.cpu,
                                          .cpu_ns = thread_cpu_ns(thread)};
            strcpy(copy->name, thread->public.name);
            strcpy(copy->state,
                   thread_is_on_cpu(thread) ? "running" : states[thread_state(thread)]);
            result = (int)thread->public.id;
            break;
        }
    }
    spin_unlock(&thread_list_lock, daif);
    return result;
}
