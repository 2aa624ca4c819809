# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
wire-variants := rebuilt
wire-rebuilt-cflags := -O1
