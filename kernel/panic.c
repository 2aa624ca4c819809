/* SPDX-License-Identifier: MIT */
/*
 * The end: registers, backtrace with names of component and function, the other cores stopped, an
 * epitaph at a fixed address for who comes with a debugger or after a warm reset.
 */
#include <interface/irqchip.h>
#include <lib/format.h>
#include <lib/symbols.h>
#include <stdarg.h>
#include <string.h>

#include "nucleus.h"
#include "swap/image.h"

/* Built by the second link (nrpack symbols). */
extern const uint64_t symbols_count;
extern const struct symbol symbols_table[];
extern const char symbols_names[];

/*
 * The epitaph lies in the first page of the nucleus's data, so that its physical address, told at
 * boot and in docs, depends on the build alone.
 */
struct epitaph {
    char magic[8]; /* "EPITAPH" once there was a panic */
    uint64_t pc, lr, sp, esr, far;
    uint64_t uptime_ns;
    uint32_t cpu;
    char message[PAGE_BYTES / 2];
    uint32_t length;
    char text[PAGE_BYTES];
} panic_epitaph __attribute__((section(".data.epitaph"), aligned(4096)));

#define STOP_NS 100000000u /* longest wait for the other CPUs, which may be deaf */

static uint32_t panicking; /* number of the CPU that speaks, plus one; 0: none */
static uint32_t stopped;   /* mask of CPUs */

/* libfdt.a, as Debian builds it, checks its stack frames by these (GCC, -fstack-protector). */
uintptr_t __stack_chk_guard = 0x6e65757261746800;
NORETURN void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a stack frame of libfdt was overwritten");
}

static const char *nucleus_symbol(uint64_t pc, uint64_t *offset)
{
    bool is_text = pc >= (uint64_t)__text_begin && pc < (uint64_t)__text_end;
    const struct symbol *symbol = is_text ? symbol_find(symbols_table, symbols_count, pc) : NULL;
    *offset = symbol ? pc - symbol->address : 0;
    return symbol ? symbols_names + symbol->name : NULL;
}

int symbol_describe(uint64_t pc, char *text, size_t size)
{
    uint64_t offset;
    const char *component = "nucleus";
    const char *name = nucleus_symbol(pc, &offset);
    if (!name) {
        name = image_find_function(pc, &component, &offset);
    }
    if (!name) {
        return format_print(text, size, "0x%016llx", (unsigned long long)pc);
    }
    return format_print(text, size, "%s: %s+0x%llx", component, name, (unsigned long long)offset);
}

static void PRINTF_LIKE(1, 2) say(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = format_vprint(line, sizeof(line), format, arguments);
    va_end(arguments);
    size_t bytes = MIN((size_t)length, sizeof(line) - 1);
    log_raw(line, bytes);
    size_t room = sizeof(panic_epitaph.text) - panic_epitaph.length;
    memcpy(panic_epitaph.text + panic_epitaph.length, line, MIN(bytes, room));
    panic_epitaph.length += MIN(bytes, room);
}

static bool say_frame(uint64_t pc, void *argument)
{
    char text[128];
    (void)argument;
    (void)symbol_describe(pc, text, sizeof(text));
    say("  %s\n", text);
    return true;
}

static void say_registers(const struct trap_frame *frame)
{
    for (unsigned i = 0; i < 30; i += 3) {
        say("  x%-2u %016llx  x%-2u %016llx  x%-2u %016llx\n", i, (unsigned long long)frame->x[i],
            i + 1, (unsigned long long)frame->x[i + 1], i + 2, (unsigned long long)frame->x[i + 2]);
    }
    say("  lr  %016llx  sp  %016llx  pc  %016llx  pstate %llx\n", (unsigned long long)frame->x[30],
        (unsigned long long)frame->sp, (unsigned long long)frame->pc,
        (unsigned long long)frame->pstate);
}

void panic_stop_this_cpu(void)
{
    (void)cpu_irq_save();
    (void)__atomic_or_fetch(&stopped, 1u << this_cpu()->record.number, __ATOMIC_RELEASE);
    for (;;) {
        asm volatile("wfi");
    }
}

NORETURN static void end(bool is_walked)
{
    if (!is_walked) {
        say("  and no further: the stack is damaged, or too deep\n");
    }
    memcpy(panic_epitaph.magic, "EPITAPH", 8);
    cache_flush_data(&panic_epitaph, sizeof(panic_epitaph));
    say("epitaph at physical address 0x%llx\n",
        (unsigned long long)kernel_image_pa(&panic_epitaph));
    panic_stop_this_cpu();
}

/*
 * The first to come speaks; whoever panics meanwhile, stops. But if it is the speaker itself, it
 * says so, and ends there: where it was going is what does not work.
 */
static void begin(uint64_t pc)
{
    static bool is_again;
    (void)cpu_irq_save();
    uint32_t speaker = 0, self = this_cpu()->record.number + 1;
    if (!__atomic_compare_exchange_n(&panicking, &speaker, self, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (speaker != self || is_again) {
            panic_stop_this_cpu();
        }
        is_again = true;
        say("\npanicked again, at pc %016llx, after: %s\n", (unsigned long long)pc,
            panic_epitaph.message);
        end(true);
    }
    log_panic_mode();
    panic_epitaph.cpu = this_cpu()->record.number;
    panic_epitaph.uptime_ns = time_now_ns();
}

/*
 * The first words, when the others are stopped, so that nobody writes between. That goes by way of
 * a component, which may be what is broken: what is to be said is in the epitaph before.
 */
static void announce(void)
{
    unsigned self = this_cpu()->record.number;
    uint32_t others = cpu_online_mask() & ~(1u << self);
    uint64_t end = time_now_ns() + STOP_NS;
    if (others && irqchip_send_ipi(others, IPI_PANIC) == 0) {
        while (others & ~READ_ONCE(stopped) && time_now_ns() < end) {
            cpu_relax();
        }
    }
    say("\npanic on CPU %u, thread %s: %s\n", self,
        thread_current() ? thread_current()->public.name : "none", panic_epitaph.message);
}

void panic(const char *format, ...)
{
    begin((uint64_t)__builtin_return_address(0));
    va_list arguments;
    va_start(arguments, format);
    (void)format_vprint(panic_epitaph.message, sizeof(panic_epitaph.message), format, arguments);
    va_end(arguments);
    announce();
    end(walk_current(say_frame, NULL));
}

const char *trap_class_name(uint64_t esr)
{
    static const char *const classes[64] = {
        /* ESR_EL1.EC, ARM ARM D17.2.37 */
        [0x00] = "undefined instruction",
        [0x07] = "floating-point or SIMD instruction",
        [0x0e] = "illegal execution state",
        [0x21] = "instruction abort",
        [0x22] = "misaligned pc",
        [0x25] = "data abort",
        [0x26] = "misaligned stack pointer",
        [0x2f] = "SError",
        [0x3c] = "trap: a bound, a shift, a division or unreachable code",
    };
    const char *name = classes[esr >> 26 & 63];
    return name ? name : "exception";
}

void trap_handle_fatal(struct trap_frame *frame, unsigned kind)
{
    uint64_t esr = REGISTER_READ(esr_el1), far = REGISTER_READ(far_el1);
    const char *what = kind == 16 ? "stack overflow" : trap_class_name(esr);
    if (kind == 4 || kind == 16) {
        contain_fault(frame, what);
    }
    begin(frame->pc);
    panic_epitaph.pc = frame->pc;
    panic_epitaph.lr = frame->x[30];
    panic_epitaph.sp = frame->sp;
    panic_epitaph.esr = esr;
    panic_epitaph.far = far;
    (void)format_print(panic_epitaph.message, sizeof(panic_epitaph.message),
                       "%s (vector %u, esr %llx, far %016llx)", what, kind, (unsigned long long)esr,
                       (unsigned long long)far);
    announce();
    say_registers(frame);
    end(walk_trap(frame, say_frame, NULL));
}
