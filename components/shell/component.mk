# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
shell-variants := rebuilt
shell-rebuilt-cflags := -O1
shell-lib := number
