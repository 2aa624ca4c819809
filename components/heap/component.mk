# Another build of the same version: what a repaired compiler would give. Replaces this one in
# tests.
heap-variants := rebuilt
heap-rebuilt-cflags := -O1 -DREBUILT=1
