/* SPDX-License-Identifier: MIT */
/* lib/declaration: the first difference, shown in the room there is; one declaration as lines. */

#include <criterion/criterion.h>
#include <string.h>

#include <lib/declaration.h>

static const char old_text[] = "int tick_add(struct tick *);\n"
                               "struct tick { unsigned long n; struct tick *next; }; // 16 bytes\n";
static const char new_text[] = "int tick_add(struct tick *);\n"
                               "struct tick { unsigned int n; struct tick *next; }; // 16 bytes\n";

static const char *shown(const char *a, const char *b, size_t size)
{
    static char buffer[1024];
    memset(buffer, '#', sizeof(buffer));
    size_t length = declaration_print_difference(a, "old:", b, "new:", buffer, size);
    cr_assert_eq(strlen(buffer), length);
    cr_assert_lt(length, size);
    cr_assert_eq(buffer[size], '#', "written beyond the %zu bytes", size);
    return buffer;
}

Test(declaration, shows_both_sides_whole_when_there_is_room)
{
    cr_assert_str_eq(shown(old_text, new_text, 512),
                     "old: struct tick { unsigned long n; struct tick *next; }; // 16 bytes | "
                     "new: struct tick { unsigned int n; struct tick *next; }; // 16 bytes");
}

Test(declaration, shows_nothing_when_nothing_differs)
{
    cr_assert_str_empty(shown(old_text, old_text, 512));
    cr_assert_str_empty(shown("", "", 512));
    cr_assert_str_empty(shown(old_text, new_text, DECLARATION_ROOM_MIN), "too little room");
}

Test(declaration, says_so_when_one_side_has_no_such_declaration)
{
    cr_assert_str_eq(shown("int f(struct a *);\n", "int f(struct a *);\nstruct a;\n", 512),
                     "old: nothing | new: struct a;");
    cr_assert_str_eq(shown("int f(int);\n", "int f(long);\n", 512),
                     "old: int f(int); | new: int f(long);");
}

static const char long_old[] = "struct big { int one; int two; int three; int four; int five; "
                               "int six; int seven; char *name; int last; }; // 48 bytes\n";
static const char long_new[] = "struct big { int one; int two; int three; int four; int five; "
                               "int six; int seven; char name[8]; int last; }; // 48 bytes\n";

Test(declaration, leaves_out_what_is_alike_when_room_is_short)
{
    cr_assert_str_eq(shown(long_old, long_new, 140),
                     "old: struct big { ... char *name; int last; }; // 48 bytes | "
                     "new: struct big { ... char name[8]; int last; }; // 48 bytes");
}

Test(declaration, stays_inside_whatever_the_room)
{
    for (size_t size = 1; size < 400; size++) {
        (void)shown(long_old, long_new, size);
        (void)shown(long_old, "", size);
        (void)shown("", long_new, size);
        (void)shown("x", long_new, size);
        (void)shown("{ { (( ; , }", "{ { (( ; , ", size);
    }
}

Test(declaration, gives_the_longer_side_what_the_shorter_leaves)
{
    const char *text = shown("struct big;\n", long_new, 170);
    cr_assert_not_null(strstr(text, "old: struct big;"), "%s", text);
    cr_assert_not_null(strstr(text, "int last; }; // 48 bytes"), "%s", text);
}

static void check_lines(const char *declaration, const char *expected)
{
    struct declaration walk = {declaration, strlen(declaration)};
    char line[128], all[1024] = "";
    unsigned depth = 0;
    while (declaration_next_line(&walk, &depth, line, sizeof(line))) {
        strcat(strcat(all, line), "\n");
    }
    cr_assert_str_eq(all, expected);
    cr_assert_eq(depth, 0);
}

Test(declaration, is_written_a_member_a_line)
{
    check_lines("int f(struct a *, int (*)(int, char));",
                "int f(struct a *, int (*)(int, char));\n");
    check_lines("struct a { int (*f)(int, int); union { int x; char y; } z; }; // 16 bytes",
                "struct a {\n    int (*f)(int, int);\n    union {\n        int x;\n"
                "        char y;\n    } z;\n}; // 16 bytes\n");
    check_lines("enum hue { RED, BLUE = 7 }; // 4 bytes",
                "enum hue {\n    RED,\n    BLUE = 7\n}; // 4 bytes\n");
    check_lines("struct empty { }; // 0 bytes", "struct empty {\n}; // 0 bytes\n");
}
