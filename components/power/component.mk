# The same version built otherwise: to replace it in the middle of use.
power-variants := rebuilt
power-rebuilt-cflags := -O1
power-lib := number
