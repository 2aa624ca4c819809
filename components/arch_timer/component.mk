# Another build of the same version: what a repaired compiler would give. Replaces this one in
# tests.
arch_timer-variants := rebuilt
arch_timer-rebuilt-cflags := -O1 -DREBUILT=1
