# Another build of the same version: what a repaired compiler would give. Replaces this one in
# tests.
gic400-variants := rebuilt
gic400-rebuilt-cflags := -O1 -DREBUILT=1
