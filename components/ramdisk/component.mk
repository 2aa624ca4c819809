# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
ramdisk-variants := rebuilt
ramdisk-rebuilt-cflags := -O1
ramdisk-lib := number
