# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
uart_mini-variants := rebuilt
uart_mini-rebuilt-cflags := -O1
