# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
mailbox-variants := rebuilt
mailbox-rebuilt-cflags := -O1
