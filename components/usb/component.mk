# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
usb-variants := rebuilt
usb-rebuilt-cflags := -O1
