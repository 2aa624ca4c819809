# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
emmc2-variants := rebuilt
emmc2-rebuilt-cflags := -O1
