# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
files-variants := rebuilt
files-rebuilt-cflags := -O1
