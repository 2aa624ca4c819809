/* SPDX-License-Identifier: MIT */
/*
 * The CPU a caller runs on, interrupt masking, spinlocks, barriers. Context: any.
 */
#pragma once

#include <neurath/compiler.h>

#define CPU_MAX 4 /* BCM2711: four Cortex-A72 */
#define CPU_HELD_MAX 8

struct spinlock;

/*
 * The head of a CPU's record in the nucleus, at which TPIDR_EL1 points. The locks held are known
 * so that those of a call that is cut short by a fault can be let go; beyond CPU_HELD_MAX at a time
 * they are only counted.
 */
struct cpu_record {
    void *emergency_stack_top; /* first: vectors.S */
    uint32_t number;
    uint32_t held_count;
    struct spinlock *held[CPU_HELD_MAX]; /* in the order in which they were taken */
};

/*
 * Number of this CPU, 0 to CPU_MAX-1. Kept in the low bits of TPIDR_EL1's record; stable only
 * while the caller cannot move: interrupts off, or a thread bound to one CPU.
 */
NUCLEUS_API unsigned cpu_current(void);

/* Bit mask of the CPUs that are up. */
NUCLEUS_API uint32_t cpu_online_mask(void);

#ifdef __aarch64__
/* Masks IRQs on this CPU; returns what cpu_irq_restore() takes. */
static inline uint64_t cpu_irq_save(void)
{
    uint64_t daif;
    asm volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif)::"memory");
    return daif;
}

static inline void cpu_irq_restore(uint64_t daif)
{
    asm volatile("msr daif, %0" ::"r"(daif) : "memory");
}

static inline bool cpu_irq_is_masked(void)
{
    uint64_t daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    return daif & 1u << 7;
}

/* For loops that wait for another CPU: a hint to give way (QEMU passes the turn on). */
static inline void cpu_relax(void)
{
    asm volatile("yield" ::: "memory");
}

/* The calling CPU's; interrupts off. */
static inline struct cpu_record *cpu_record(void)
{
    struct cpu_record *record;
    asm volatile("mrs %0, tpidr_el1" : "=r"(record));
    return record;
}

/* Waits until a lock seems to be free. Called by spin_acquire() only. */
NUCLEUS_API void spin_wait(const struct spinlock *lock);
/* Strikes a lock from the record when it is not the one taken last. Called by spin_release() only.
 */
NUCLEUS_API void spin_forget(const struct spinlock *lock);
#else /* a component under test on the host: no interrupts there, one CPU */
static inline struct cpu_record *cpu_record(void)
{
    static struct cpu_record record;
    return &record;
}

static inline void spin_wait(const struct spinlock *lock)
{
    (void)lock;
}

static inline void spin_forget(const struct spinlock *lock)
{
    (void)lock;
}
static inline uint64_t cpu_irq_save(void)
{
    return 0;
}

static inline void cpu_irq_restore(uint64_t daif)
{
    (void)daif;
}

static inline bool cpu_irq_is_masked(void)
{
    return false;
}

static inline void cpu_relax(void)
{
}
#endif

/*
 * A spinlock: held for a few instructions, with interrupts off, never across a wait. A zeroed one
 * is free. The Cortex-A72 has no LSE: the compiler's load-exclusive loops are used.
 */
struct spinlock {
    uint32_t locked;
};

/* With interrupts off already. */
static inline void spin_acquire(struct spinlock *lock)
{
    while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)) {
        spin_wait(lock);
    }
    struct cpu_record *cpu = cpu_record();
    uint32_t count = cpu->held_count++;
    if (__builtin_expect(count < CPU_HELD_MAX, 1)) {
        cpu->held[count] = lock;
    }
}

static inline void spin_release(struct spinlock *lock)
{
    struct cpu_record *cpu = cpu_record();
    uint32_t last = --cpu->held_count;
    if (last < CPU_HELD_MAX && cpu->held[last] != lock) {
        spin_forget(lock);
    }
    __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

/* Masks interrupts as well; returns what spin_unlock() takes. */
static inline uint64_t spin_lock(struct spinlock *lock)
{
    uint64_t daif = cpu_irq_save();
    spin_acquire(lock);
    return daif;
}

static inline void spin_unlock(struct spinlock *lock, uint64_t daif)
{
    spin_release(lock);
    cpu_irq_restore(daif);
}
