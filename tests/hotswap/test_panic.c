/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says when it cannot go on: the cause, who was where by component and function,
 * and where its epitaph lies, which is there for a debugger. Each test has a machine of its own,
 * since that one stays down.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/harness/direct.h"
#include "tests/hotswap/suite.h"

#define SAYS_MS 20000

static struct machine victim = {.qmp = -1, .log = -1, .lock = -1, .client = {.fd = -1}};

static void begin(void)
{
    must(direct_start(&victim, &(struct direct){.name = "panic"}, &why));
    must(machine_push(&victim, PACKAGE("clumsy-1.0.0"), "", NULL, &why));
}

static void end(void)
{
    machine_stop(&victim);
}

TestSuite(panic, .init = begin, .fini = end, .timeout = 180);

static void expect(const char *text)
{
    must(machine_expect(&victim, text, SAYS_MS, &why));
}

static void check_epitaph(uint64_t address)
{
    static const char magic[8] = "EPITAPH";
    uint32_t words[2];
    for (unsigned i = 0; i < 2; i++) {
        must(machine_read_memory(&victim, address + i * sizeof(words[0]), &words[i], &why));
    }
    cr_assert_arr_eq((const char *)words, magic, sizeof(magic), "%08x %08x at 0x%llx", words[0],
                     words[1], (unsigned long long)address);
}

/* Types a command at the console, whose worker runs it. All this must be said, in this order. */
static void dies(const char *command, const char *cause, const char *function)
{
    static const char last_words[] = "epitaph at physical address ";
    machine_type(&victim, command);
    machine_type(&victim, "\n");
    expect(MACHINE_PANIC);
    expect(cause);
    expect(function);
    expect("\n  clumsy: run+0x");
    expect("\n  shell: ");
    expect(last_words);
    size_t at = victim.expected;
    expect("\n");
    check_epitaph(strtoull(victim.text + at, NULL, 16));
}

Test(panic, names_the_function_that_overflows_its_stack)
{
    dies("clumsy stack", ": stack overflow (", "\n  clumsy: call_again+0x");
}

Test(panic, names_the_function_that_reads_what_is_not_there)
{
    dies("clumsy null", ": data abort (", "\n  clumsy: read_null+0x");
}

Test(panic, names_the_function_that_steps_over_a_bound)
{
    dies("clumsy bound", ": trap: a bound", "\n  clumsy: step_over+0x");
}

Test(panic, names_the_function_that_uses_floating_point)
{
    dies("clumsy float", ": floating-point or SIMD instruction (", "\n  clumsy: run+0x");
}
