# SPDX-License-Identifier: MIT
#
# What gdb does beside the test in test_gdb.c, which waits for what is echoed, and gives each
# "continue" its occasion to stop.

target remote build/tests/hotswap.gdb
source images/gdb.py

# Both kinds of function: one of an interface, and one that no other file knows.
break counter_increment
break components/counter/counter.c:run
echo is ready\n
continue

info symbol $pc
backtrace 2
disable 1
echo has met 1\n
continue

info symbol $pc
delete 2
enable 1
echo has met 2\n
continue

info symbol $pc
print state.count > 0
info components
delete
detach
echo has met 3\n
