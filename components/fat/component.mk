# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
fat-variants := rebuilt
fat-rebuilt-cflags := -O1
