# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
vfs-variants := rebuilt
vfs-rebuilt-cflags := -O1
